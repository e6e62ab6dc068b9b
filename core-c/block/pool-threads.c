/* SPDX-License-Identifier: MIT */
/*
 * The threads of a pool: how they are started, what each does, and what becomes of
 * its work when one is lost.
 */
#include "block/pool-threads.h"
#include "port/calls.h"
#include "sync/thread.h"

#define IDLE_TIMEOUT_MS 10000

/* What a thread has in hand, for the case that it is lost. Under the lock. */
typedef struct Worker {
    ThreadPool *pool;
    Request *request;
    bool started;                     /* it is not the one that is starting */
    bool idle;
} Worker;

/* ---- Work for them ---- */

/* One at a time; each starts the next if need be. */
void thread_pool_start_thread(ThreadPool *pool)
{
    if (!pool->starting && !pool->stopping) {
        pool->starting = pool->start_scheduled = true;
        pool->threads++;
        qemu_bh_schedule(pool->new_thread_bh);
    }
}

bool thread_pool_summon(ThreadPool *pool)
{
    if (pool->waking) {
        return false;
    }
    if (pool->idle) {
        return pool->waking = true;
    }
    if (pool->threads < pool->max_threads) {
        thread_pool_start_thread(pool);
    }
    return false;
}

/* A thread that leaves the pool wakes the other one under the lock: as soon as that is
 * free, the pool may be gone. */
static void summon_and_wake(ThreadPool *pool)
{
    if (thread_pool_summon(pool)) {
        qemu_cond_signal(&pool->work);
    }
}

/* ---- When the last one has gone ---- */

void thread_pool_destroy(ThreadPool *pool)
{
    qemu_cond_destroy(&pool->stopped);
    qemu_cond_destroy(&pool->work);
    qemu_mutex_destroy(&pool->lock);
    free(pool);
}

void thread_pool_end_abandoned(ThreadPool *pool)
{
    AioContext *ctx = pool->ctx;
    Request *request;

    /* One step: whoever closes the files of these requests waits for all of it. */
    port_thread_holds(1);
    while ((request = QLIST_FIRST(&pool->requests))) {
        QLIST_REMOVE(request, all);
        free(request);
    }
    aio_bh_delete_abandoned(pool->completion_bh);
    aio_bh_delete_abandoned(pool->new_thread_bh);
    thread_pool_destroy(pool);
    aio_context_served(ctx);
    port_thread_holds(-1);
}

/* ---- In the threads ---- */

/* The lock is taken, and pool->threads has been lowered. The pool may be freed by the
 * time this returns. */
static void unlock_after_leaving(ThreadPool *pool)
{
    bool was_last = pool->abandoned && !pool->threads;

    qemu_cond_signal(&pool->stopped);
    qemu_mutex_unlock(&pool->lock);
    if (was_last) {
        thread_pool_end_abandoned(pool);
    }
}

static void worker_lost(void *opaque)
{
    Worker *worker = opaque;
    ThreadPool *pool = worker->pool;

    qemu_mutex_lock(&pool->lock);
    pool->threads--;
    if (!worker->started) {
        pool->starting = false;
    }
    if (worker->idle) {
        pool->idle--;
        pool->waking = false;         /* the wake-up may have been for it */
    }
    if (worker->request) {
        worker->request->ret = -ECANCELED;
        thread_pool_finish(pool, worker->request);
    }
    if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        summon_and_wake(pool);
    } else if (pool->threads < pool->min_threads) {
        thread_pool_start_thread(pool);
    }
    /* It may have finished one and not come to schedule this. */
    if (!QSIMPLEQ_EMPTY(&pool->finished) && !pool->abandoned) {
        qemu_bh_schedule(pool->completion_bh);
    }
    unlock_after_leaving(pool);
}

/* It is lost before it has a Worker. */
static void starter_lost(void *opaque)
{
    Worker worker = { .pool = opaque };

    worker_lost(&worker);
}

/* Under the lock. False: this thread should end. */
static bool wait_for_work(ThreadPool *pool, Worker *worker)
{
    for (;;) {
        bool in_time;

        if (pool->threads > pool->max_threads) {
            return false;             /* whatever is queued is for the others */
        }
        if (!QSIMPLEQ_EMPTY(&pool->queued)) {
            return true;
        }
        if (pool->stopping) {
            return false;
        }
        worker->idle = true;
        pool->idle++;
        in_time = qemu_cond_timedwait(&pool->work, &pool->lock,
                                      IDLE_TIMEOUT_MS);
        pool->idle--;
        worker->idle = false;
        pool->waking = false;
        if (!in_time && QSIMPLEQ_EMPTY(&pool->queued) &&
            pool->threads > pool->min_threads) {
            return false;
        }
    }
}

static void *worker_main(void *opaque)
{
    ThreadPool *pool = opaque;
    Worker worker = { .pool = pool };

    thread_on_lost(worker_lost, &worker);
    qemu_mutex_lock(&pool->lock);
    worker.started = true;
    pool->starting = false;
    if (pool->threads < pool->min_threads) {
        thread_pool_start_thread(pool);
    }
    while (wait_for_work(pool, &worker)) {
        Request *request = QSIMPLEQ_FIRST(&pool->queued);

        QSIMPLEQ_REMOVE_HEAD(&pool->queued, next);
        request->state = REQUEST_TAKEN;
        worker.request = request;
        thread_pool_unlock(pool, !QSIMPLEQ_EMPTY(&pool->queued) &&
                                     thread_pool_summon(pool));

        request->ret = CALL_USER(request->func, request->arg);

        qemu_mutex_lock(&pool->lock);
        worker.request = NULL;
        if (thread_pool_finish(pool, request) && !pool->abandoned) {
            /* Without the lock: it may take a wake-up. The pool stays, for
             * freeing it waits for this thread. */
            qemu_mutex_unlock(&pool->lock);
            qemu_bh_schedule(pool->completion_bh);
            qemu_mutex_lock(&pool->lock);
        }
    }
    thread_on_lost(NULL, NULL);
    pool->threads--;
    if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        summon_and_wake(pool);        /* this thread's wake-up may have been for it */
    }
    unlock_after_leaving(pool);
    return NULL;
}

/* ---- Starting them ---- */

/* Under the lock: nobody serves the queue, and nobody will. */
static bool fail_queued(ThreadPool *pool, int error)
{
    bool schedule = false;

    while (!pool->threads && !QSIMPLEQ_EMPTY(&pool->queued)) {
        Request *request = QSIMPLEQ_FIRST(&pool->queued);

        QSIMPLEQ_REMOVE_HEAD(&pool->queued, next);
        request->state = REQUEST_TAKEN;
        request->ret = error;
        schedule |= thread_pool_finish(pool, request);
    }
    return schedule;
}

/* Any thread: the one that was being started will not come. */
static void start_failed(ThreadPool *pool, int error)
{
    bool schedule;

    qemu_mutex_lock(&pool->lock);
    pool->starting = false;
    pool->threads--;
    /* Those that run serve the queue; when none runs, the requests fail. */
    schedule = fail_queued(pool, error);
    if (schedule) {
        qemu_bh_schedule(pool->completion_bh);
    }
    unlock_after_leaving(pool);
}

static void start_refused(void *opaque)
{
    start_failed(opaque, -EAGAIN);
}

/*
 * Threads are started by the home thread, so that they inherit its affinity, and
 * in a bottom half, so that submitting stays quick. It does not wait for them:
 * where a thread is a worker, its start takes 25 ms.
 */
void thread_pool_new_thread_bh(void *opaque)
{
    ThreadPool *pool = opaque;
    int ret;

    /* One step: a thread that is counted, and neither started nor to be started by this
     * function, would be waited for in vain. */
    port_thread_holds(1);
    qemu_mutex_lock(&pool->lock);
    pool->start_scheduled = false;
    qemu_mutex_unlock(&pool->lock);
    ret = thread_start_detached("pool", worker_main, pool, start_refused,
                                starter_lost);
    port_thread_holds(-1);
    if (ret < 0) {
        start_failed(pool, ret);
    }
}
