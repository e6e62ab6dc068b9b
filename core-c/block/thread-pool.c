/* SPDX-License-Identifier: MIT */
/*
 * The thread pool: util/thread-pool.c
 *
 * Requests wait in one FIFO; whoever finishes one appends it to a second and
 * schedules the completion bottom half, unless that FIFO was not empty: then it
 * is scheduled already. Both moves share one hold of the lock, so a request
 * costs a thread two of them. Wake-ups are the dear part (13-15 us to the
 * waker): at most one is under way, and the thread that it woke passes it on if
 * there is more to do.
 */
#include "block/block.h"
#include "block/pool.h"
#include "loop/aio-context.h"
#include "sync/thread.h"

#define IDLE_TIMEOUT_MS 10000

typedef struct Request Request;
typedef QSIMPLEQ_HEAD(, Request) RequestQueue;

typedef enum { REQUEST_QUEUED, REQUEST_TAKEN } RequestState;

struct Request {
    BlockAIOCB common;
    ThreadPool *pool;
    ThreadPoolFunc *func;
    void *arg;
    RequestState state;               /* under the lock */
    int ret;
    QSIMPLEQ_ENTRY(Request) next;     /* queued, finished or completing */
};

struct ThreadPool {
    AioContext *ctx;
    QEMUBH *completion_bh;
    QEMUBH *new_thread_bh;
    QemuMutex lock;
    QemuCond work;                    /* queued is not empty, or stopping */
    QemuCond stopped;                 /* a thread left */

    /* Under the lock. */
    RequestQueue queued;
    RequestQueue finished;
    int threads;                      /* started or being started */
    int idle;                         /* of them wait on work */
    int min_threads;
    int max_threads;
    bool waking;                      /* one that was idle is on its way */
    bool starting;                    /* so is one that is new */
    bool start_scheduled;             /* or will be when new_thread_bh runs */
    bool stopping;

    /* The home thread's. */
    RequestQueue completing;
    int outstanding;                  /* submitted, call-back not run yet */
};

/* What a thread has in hand, for the case that it is lost. Under the lock. */
typedef struct Worker {
    ThreadPool *pool;
    Request *request;
    bool started;                     /* it is not the one that is starting */
    bool idle;
} Worker;

/* ---- In the pool's threads ---- */

/* Under the lock. True: the completion bottom half must be scheduled. */
static bool finish(ThreadPool *pool, Request *request)
{
    bool first = QSIMPLEQ_EMPTY(&pool->finished);

    QSIMPLEQ_INSERT_TAIL(&pool->finished, request, next);
    return first;
}

/* Under the lock. One thread at a time; each calls the next if need be. */
static void start_thread(ThreadPool *pool)
{
    if (!pool->starting && !pool->stopping) {
        pool->starting = pool->start_scheduled = true;
        pool->threads++;
        qemu_bh_schedule(pool->new_thread_bh);
    }
}

/* Under the lock: something is queued; see to it that somebody comes. True: one
 * that is idle, which the caller wakes when it has released the lock (unlock). */
static bool summon(ThreadPool *pool)
{
    if (pool->waking) {
        return false;
    }
    if (pool->idle) {
        return pool->waking = true;
    }
    if (pool->threads < pool->max_threads) {
        start_thread(pool);
    }
    return false;
}

/* A thread that leaves the pool wakes the other one under the lock: as soon as that is
 * free, the pool may be gone. */
static void summon_and_wake(ThreadPool *pool)
{
    if (summon(pool)) {
        qemu_cond_signal(&pool->work);
    }
}

/*
 * A thread that is woken before the lock is free goes back to sleep at once, on the
 * lock, which costs a job four more system calls. The pool is still there when the lock
 * is free: the caller is its home thread, or a thread whose end thread_pool_free waits
 * for.
 */
static void unlock(ThreadPool *pool, bool wake)
{
    qemu_mutex_unlock(&pool->lock);
    if (wake) {
        qemu_cond_signal(&pool->work);
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
        finish(pool, worker->request);
    }
    if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        summon_and_wake(pool);
    } else if (pool->threads < pool->min_threads) {
        start_thread(pool);
    }
    /* It may have finished one and not come to schedule this. */
    if (!QSIMPLEQ_EMPTY(&pool->finished)) {
        qemu_bh_schedule(pool->completion_bh);
    }
    qemu_cond_signal(&pool->stopped);
    qemu_mutex_unlock(&pool->lock);
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
        start_thread(pool);
    }
    while (wait_for_work(pool, &worker)) {
        Request *request = QSIMPLEQ_FIRST(&pool->queued);

        QSIMPLEQ_REMOVE_HEAD(&pool->queued, next);
        request->state = REQUEST_TAKEN;
        worker.request = request;
        unlock(pool, !QSIMPLEQ_EMPTY(&pool->queued) && summon(pool));

        request->ret = request->func(request->arg);

        qemu_mutex_lock(&pool->lock);
        worker.request = NULL;
        if (finish(pool, request)) {
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
    qemu_cond_signal(&pool->stopped);
    qemu_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- In the home thread ---- */

/* Under the lock: nobody serves the queue, and nobody will. */
static bool fail_queued(ThreadPool *pool, int error)
{
    bool schedule = false;

    while (!pool->threads && !QSIMPLEQ_EMPTY(&pool->queued)) {
        Request *request = QSIMPLEQ_FIRST(&pool->queued);

        QSIMPLEQ_REMOVE_HEAD(&pool->queued, next);
        request->state = REQUEST_TAKEN;
        request->ret = error;
        schedule |= finish(pool, request);
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
    qemu_cond_signal(&pool->stopped);
    qemu_mutex_unlock(&pool->lock);
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
static void new_thread_bh(void *opaque)
{
    ThreadPool *pool = opaque;
    int ret;

    qemu_mutex_lock(&pool->lock);
    pool->start_scheduled = false;
    qemu_mutex_unlock(&pool->lock);
    ret = thread_start_detached("pool", worker_main, pool, start_refused,
                                starter_lost);
    if (ret < 0) {
        start_failed(pool, ret);
    }
}

/*
 * Call-backs run first finished first: those of the requests that have finished by now.
 * What finishes meanwhile has its turn in the next iteration, or call-backs that submit
 * short requests would keep the loop in here. A call-back may run a nested aio_poll and
 * wait there for a request behind its own: therefore the bottom half is scheduled
 * while there are such, and cancelled when there are none.
 */
static void completion_bh(void *opaque)
{
    ThreadPool *pool = opaque;
    Request *request;
    bool more;

    qemu_mutex_lock(&pool->lock);
    QSIMPLEQ_CONCAT(&pool->completing, &pool->finished);
    qemu_mutex_unlock(&pool->lock);
    if (QSIMPLEQ_EMPTY(&pool->completing)) {
        return;
    }
    more = QSIMPLEQ_NEXT(QSIMPLEQ_FIRST(&pool->completing), next);
    if (more) {
        qemu_bh_schedule(pool->completion_bh);
    }
    while ((request = QSIMPLEQ_FIRST(&pool->completing))) {
        QSIMPLEQ_REMOVE_HEAD(&pool->completing, next);
        pool->outstanding--;
        aio_stat_add(&pool->ctx->stats.jobs, 1);
        if (request->common.cb) {
            request->common.cb(request->common.opaque, request->ret);
        }
        qemu_aio_unref(request);
    }
    if (more) {
        /* This may undo a thread's announcement too: look whether there was one. */
        qemu_bh_cancel(pool->completion_bh);
        qemu_mutex_lock(&pool->lock);
        more = !QSIMPLEQ_EMPTY(&pool->finished);
        qemu_mutex_unlock(&pool->lock);
        if (more) {
            qemu_bh_schedule(pool->completion_bh);
        }
    }
}

/* Only what no thread has begun can be cancelled. */
static void thread_pool_cancel(BlockAIOCB *acb)
{
    Request *request = container_of(acb, Request, common);
    ThreadPool *pool = request->pool;

    qemu_mutex_lock(&pool->lock);
    if (request->state == REQUEST_QUEUED) {
        QSIMPLEQ_REMOVE(&pool->queued, request, Request, next);
        request->state = REQUEST_TAKEN;
        request->ret = -ECANCELED;
        if (finish(pool, request)) {
            qemu_bh_schedule(pool->completion_bh);
        }
    }
    qemu_mutex_unlock(&pool->lock);
}

static AioContext *thread_pool_get_aio_context(BlockAIOCB *acb)
{
    return container_of(acb, Request, common)->pool->ctx;
}

static const AIOCBInfo thread_pool_aiocb_info = {
    .aiocb_size = sizeof(Request),
    .cancel_async = thread_pool_cancel,
    .get_aio_context = thread_pool_get_aio_context,
};

BlockAIOCB *thread_pool_try_submit(ThreadPool *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque)
{
    Request *request;

    aio_assert_home_thread(pool->ctx, "thread_pool_submit_aio");
    request = aio_try_get(&thread_pool_aiocb_info, cb, opaque);
    if (!request) {
        return NULL;
    }
    request->pool = pool;
    request->func = func;
    request->arg = arg;
    request->state = REQUEST_QUEUED;
    pool->outstanding++;
    qemu_mutex_lock(&pool->lock);
    QSIMPLEQ_INSERT_TAIL(&pool->queued, request, next);
    unlock(pool, summon(pool));
    return &request->common;
}

BlockAIOCB *thread_pool_submit_aio(ThreadPool *pool, ThreadPoolFunc *func,
                                   void *arg, BlockCompletionFunc *cb,
                                   void *opaque)
{
    BlockAIOCB *acb = thread_pool_try_submit(pool, func, arg, cb, opaque);

    if (!acb) {
        port_panic("thread_pool_submit_aio: out of memory");
    }
    return acb;
}

void thread_pool_submit(ThreadPool *pool, ThreadPoolFunc *func, void *arg)
{
    thread_pool_submit_aio(pool, func, arg, NULL, NULL);
}

void thread_pool_update_params(ThreadPool *pool, AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    bool wake = false;

    qemu_mutex_lock(&pool->lock);
    pool->min_threads = (int)qatomic_read(&ctx->thread_pool_min);
    pool->max_threads = (int)qatomic_read(&ctx->thread_pool_max);
    if (pool->threads > pool->max_threads) {
        qemu_cond_broadcast(&pool->work);
    } else if (pool->threads < pool->min_threads) {
        start_thread(pool);
    } else if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        wake = summon(pool);          /* there may be more of them now */
    }
    unlock(pool, wake);
}

static ThreadPool *try_new(AioContext *ctx)
{
    ThreadPool *pool = calloc(1, sizeof(*pool));

    if (!pool) {
        return NULL;
    }
    pool->ctx = ctx;
    pool->completion_bh = aio_bh_try_new(ctx, completion_bh, pool,
                                         "completion_bh");
    pool->new_thread_bh = aio_bh_try_new(ctx, new_thread_bh, pool,
                                         "new_thread_bh");
    if (!pool->completion_bh || !pool->new_thread_bh) {
        aio_bh_discard(pool->completion_bh);
        aio_bh_discard(pool->new_thread_bh);
        free(pool);
        return NULL;
    }
    qemu_mutex_init(&pool->lock);
    qemu_cond_init(&pool->work);
    qemu_cond_init(&pool->stopped);
    QSIMPLEQ_INIT(&pool->queued);
    QSIMPLEQ_INIT(&pool->finished);
    QSIMPLEQ_INIT(&pool->completing);
    thread_pool_update_params(pool, ctx);
    return pool;
}

ThreadPool *thread_pool_try_get(AioContext *ctx)
{
    if (!ctx->thread_pool) {
        ctx->thread_pool = try_new(ctx);
    }
    return ctx->thread_pool;
}

ThreadPool *thread_pool_new(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    ThreadPool *pool = try_new(ctx);

    if (!pool) {
        port_panic("thread_pool_new: out of memory");
    }
    return pool;
}

void thread_pool_abandon(ThreadPool *pool)
{
    if (pool) {
        qemu_mutex_lock(&pool->lock);
        QSIMPLEQ_INIT(&pool->queued);
        pool->stopping = true;
        qemu_cond_broadcast(&pool->work);
        qemu_mutex_unlock(&pool->lock);
    }
}

void thread_pool_free(ThreadPool *pool)
{
    if (!pool) {
        return;
    }
    if (pool->outstanding) {
        port_panic("thread_pool_free: %d requests are outstanding",
                   pool->outstanding);
    }
    qemu_mutex_lock(&pool->lock);
    if (pool->start_scheduled) {
        pool->threads--;              /* its bottom half will not run */
    }
    pool->stopping = true;
    qemu_cond_broadcast(&pool->work);
    while (pool->threads) {
        qemu_cond_wait(&pool->stopped, &pool->lock);
    }
    qemu_mutex_unlock(&pool->lock);
    qemu_bh_delete(pool->completion_bh);
    qemu_bh_delete(pool->new_thread_bh);
    qemu_cond_destroy(&pool->stopped);
    qemu_cond_destroy(&pool->work);
    qemu_mutex_destroy(&pool->lock);
    free(pool);
}
