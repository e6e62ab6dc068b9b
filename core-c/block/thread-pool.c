/* SPDX-License-Identifier: MIT */
/*
 * The thread pool; in QEMU util/thread-pool.c.
 *
 * Requests wait in one FIFO. The thread that finishes one appends it to a second FIFO
 * and schedules the completion bottom half, unless that FIFO was not empty: then it is
 * scheduled already. Appending a finished request and taking the next one share one
 * hold of the lock, so a thread takes the lock twice per request. Wake-ups are
 * expensive (13-15 us for the waker): at most one is under way, and the thread that was
 * woken wakes the next one if there is more to do.
 */
#include "block/pool-threads.h"
#include "port/calls.h"
#include "sync/trace.h"

/*
 * Runs the call-backs of the requests that have finished by now, in the order of
 * finishing. Requests that finish meanwhile run in the next iteration; otherwise
 * call-backs that submit short requests would keep the loop in here. A call-back may
 * run a nested aio_poll() and wait there for a later request of this round, so the
 * bottom half is scheduled while there are such requests, and cancelled when there are
 * none.
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
        port_count_add(&pool->ctx->stats.jobs, 1);
        trace(AIO_TRACE_thread_pool_complete, trace_address(request), (uint64_t)(int64_t)request->ret,
              NULL);
        if (request->common.cb) {
            CALL_USER(request->common.cb, request->common.opaque,
                      request->ret);
        }
        /* One step: a thread that is lost in a call-back leaves the request to
         * thread_pool_end_abandoned(). */
        port_thread_holds(1);
        QLIST_REMOVE(request, all);
        qemu_aio_unref(request);
        port_thread_holds(-1);
    }
    if (more) {
        /* This may also undo what a thread has just scheduled, so look again. */
        qemu_bh_cancel(pool->completion_bh);
        qemu_mutex_lock(&pool->lock);
        more = !QSIMPLEQ_EMPTY(&pool->finished);
        qemu_mutex_unlock(&pool->lock);
        if (more) {
            qemu_bh_schedule(pool->completion_bh);
        }
    }
}

/* Only a request that no thread has begun can be cancelled. */
static void thread_pool_cancel(BlockAIOCB *acb)
{
    Request *request = container_of(acb, Request, common);
    ThreadPool *pool = request->pool;

    trace(AIO_TRACE_thread_pool_cancel, trace_address(request),
          trace_address(request->common.opaque), NULL);
    qemu_mutex_lock(&pool->lock);
    if (request->state == REQUEST_QUEUED) {
        QSIMPLEQ_REMOVE(&pool->queued, request, Request, next);
        request->state = REQUEST_TAKEN;
        request->ret = -ECANCELED;
        if (thread_pool_finish(pool, request)) {
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
    QLIST_INSERT_HEAD(&pool->requests, request, all);
    pool->outstanding++;
    trace(AIO_TRACE_thread_pool_submit, trace_address(request), trace_address(opaque), NULL);
    qemu_mutex_lock(&pool->lock);
    QSIMPLEQ_INSERT_TAIL(&pool->queued, request, next);
    thread_pool_unlock(pool, thread_pool_summon(pool));
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
        thread_pool_start_thread(pool);
    } else if (!QSIMPLEQ_EMPTY(&pool->queued)) {
        wake = thread_pool_summon(pool);     /* more threads may be allowed now */
    }
    thread_pool_unlock(pool, wake);
}

ThreadPool *thread_pool_try_new(AioContext *ctx)
{
    ThreadPool *pool = calloc(1, sizeof(*pool));

    if (!pool) {
        return NULL;
    }
    pool->ctx = ctx;
    pool->completion_bh = aio_bh_try_new(ctx, completion_bh, pool,
                                         "completion_bh");
    pool->new_thread_bh = aio_bh_try_new(ctx, thread_pool_new_thread_bh, pool,
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

ThreadPool *thread_pool_new_aio(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    ThreadPool *pool = thread_pool_try_new(ctx);

    if (!pool) {
        port_panic("thread_pool_new: out of memory");
    }
    return pool;
}

ThreadPool *thread_pool_new(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return thread_pool_new_aio(ctx);
}

/* Tells the threads to end. Called with the lock held. */
static void stop(ThreadPool *pool)
{
    if (pool->start_scheduled) {
        pool->threads--;              /* its bottom half will not run */
    }
    pool->stopping = true;
    qemu_cond_broadcast(&pool->work);
}

void thread_pool_free(ThreadPool *pool)
{
    thread_pool_free_aio(pool);
}

void thread_pool_free_aio(ThreadPool *pool)
{
    if (!pool) {
        return;
    }
    if (pool->outstanding) {
        port_panic("thread_pool_free: %d requests are outstanding",
                   pool->outstanding);
    }
    qemu_mutex_lock(&pool->lock);
    stop(pool);
    while (pool->threads) {
        qemu_cond_wait(&pool->stopped, &pool->lock);
    }
    qemu_mutex_unlock(&pool->lock);
    qemu_bh_delete(pool->completion_bh);
    qemu_bh_delete(pool->new_thread_bh);
    thread_pool_destroy(pool);
}

/* ---- When the home thread was lost ---- */

void thread_pool_abandon(ThreadPool *pool)
{
    bool has_threads;

    aio_context_serving(pool->ctx);
    qemu_mutex_lock(&pool->lock);
    QSIMPLEQ_INIT(&pool->queued);
    stop(pool);
    pool->abandoned = true;
    has_threads = pool->threads;
    qemu_mutex_unlock(&pool->lock);
    if (!has_threads) {
        thread_pool_end_abandoned(pool);
    }
}
