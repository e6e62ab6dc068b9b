/* SPDX-License-Identifier: MIT */
/* The threads of a pool: starting them, what they do, and what happens to the work of a
 * thread that is lost. */
#include "block/pool-threads.h"
#include "port/calls.h"
#include "sync/thread.h"
#include "sync/trace.h"

#define IDLE_TIMEOUT_MS 10000

/* What a thread is working on, in case it is lost. Protected by the lock. */
typedef struct Worker {
    ThreadPool *pool;
    Request *request;
    bool started;                     /* false: it is the thread that is starting */
    bool idle;
} Worker;

/* ---- Work for them ---- */

/* Threads are started one at a time; each starts the next one if there is need. */
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

/* A thread that leaves the pool wakes another one with the lock held: as soon as the
 * lock is free, the pool may be gone. */
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

    /* One step: the thread that closes the files of these requests waits for all of
     * it. */
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

/* Called with the lock held, after pool->threads has been lowered. The pool may have
 * been freed when it returns. */
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
        pool->waking = false;         /* the lost thread may have been the one woken */
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
    /* The lost thread may have finished a request without scheduling this. */
    if (!QSIMPLEQ_EMPTY(&pool->finished) && !pool->abandoned) {
        qemu_bh_schedule(pool->completion_bh);
    }
    unlock_after_leaving(pool);
}

/* Called when a starting thread is lost before it has a Worker. */
static void starter_lost(void *opaque)
{
    Worker worker = { .pool = opaque };

    worker_lost(&worker);
}

/* Waits for work, with the lock held. Returns false if this thread should end. */
static bool wait_for_work(ThreadPool *pool, Worker *worker)
{
    for (;;) {
        bool in_time;

        if (pool->threads > pool->max_threads) {
            return false;             /* the other threads take what is queued */
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

        trace(AIO_TRACE_aio_job_begin, trace_function(request->func), trace_address(request),
              NULL);
        request->ret = CALL_USER(request->func, request->arg);
        trace(AIO_TRACE_aio_job_end, trace_function(request->func), trace_address(request),
              NULL);

        qemu_mutex_lock(&pool->lock);
        worker.request = NULL;
        if (thread_pool_finish(pool, request) && !pool->abandoned) {
            /* Without the lock, since it may have to wake the home thread. The pool is
             * still there: freeing it waits for this thread. */
            qemu_mutex_unlock(&pool->lock);
            qemu_bh_schedule(pool->completion_bh);
            qemu_mutex_lock(&pool->lock);
        }
    }
    thread_on_lost(NULL, NULL);
    pool->threads--;
    if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        summon_and_wake(pool);        /* this thread may have been woken for it */
    }
    unlock_after_leaving(pool);
    return NULL;
}

/* ---- Starting them ---- */

/* Fails all queued requests, because no thread will serve them. Called with the lock
 * held; returns true if the completion bottom half must be scheduled. */
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

/* Called when the thread that was being started will not come. Any thread. */
static void start_failed(ThreadPool *pool, int error)
{
    bool schedule;

    qemu_mutex_lock(&pool->lock);
    pool->starting = false;
    pool->threads--;
    /* The running threads serve the queue; if there is none, the requests fail. */
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
 * Threads are started by the home thread, so that they inherit its affinity, and in a
 * bottom half, so that submitting stays fast. The home thread does not wait for them:
 * where a thread is a worker, its start takes 25 ms.
 */
void thread_pool_new_thread_bh(void *opaque)
{
    ThreadPool *pool = opaque;
    int ret;

    /* One step: otherwise a thread might be counted, and waited for, that was neither
     * started nor ever will be. */
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
