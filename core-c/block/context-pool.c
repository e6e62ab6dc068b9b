/* SPDX-License-Identifier: MIT */
/* The thread pool of a context, made when it is first needed. */
#include "block/pool-threads.h"
#include "loop/bh.h"
#include "qapi/error.h"

typedef struct PoolPart {
    ThreadPool *pool;          /* NULL until it is needed; set by the home thread */
    QEMUBH limits_bh;          /* runs when the limits on threads have changed */
} PoolPart;

static void pool_part_begin(AioContext *ctx, bool again);
static void pool_part_end(AioContext *ctx);
static void pool_part_abandon(AioContext *ctx);

static AioPart pool_part = {
    .size = sizeof(PoolPart),
    .begin = pool_part_begin,
    .end = pool_part_end,
    .abandon = pool_part_abandon,
};
AIO_PART_REGISTER(pool_part);

static PoolPart *part_of(AioContext *ctx)
{
    return aio_part(ctx, &pool_part);
}

static void update_limits(void *opaque)
{
    AioContext *ctx = opaque;

    if (part_of(ctx)->pool) {
        thread_pool_update_params(part_of(ctx)->pool, ctx);
    }
}

static void pool_part_begin(AioContext *ctx, bool again)
{
    if (!again) {
        bh_init(&part_of(ctx)->limits_bh, ctx, update_limits, ctx,
                "thread-pool-max");
    }
}

static void pool_part_end(AioContext *ctx)
{
    thread_pool_free_aio(part_of(ctx)->pool);
    part_of(ctx)->pool = NULL;
}

static void pool_part_abandon(AioContext *ctx)
{
    ThreadPool *pool = part_of(ctx)->pool;

    if (pool) {
        part_of(ctx)->pool = NULL;
        thread_pool_abandon(pool);
    }
}

ThreadPool *thread_pool_try_get(AioContext *ctx)
{
    PoolPart *part = part_of(ctx);
    ThreadPool *pool = part->pool;

    if (!pool && (pool = thread_pool_try_new(ctx))) {
        qatomic_mb_set(&part->pool, pool);
        /* Another thread that has just changed the limits may not have seen the
         * pool. */
        thread_pool_update_params(pool, ctx);
    }
    return pool;
}

ThreadPool *aio_get_thread_pool(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    ThreadPool *pool = thread_pool_try_get(ctx);

    if (!pool) {
        port_panic("aio_get_thread_pool: out of memory");
    }
    return pool;
}

ThreadPool *aio_get_current_thread_pool(void)
{
    AioContext *ctx = qemu_get_current_aio_context();

    if (!ctx) {
        port_panic("thread_pool_submit: this thread is not the home of a context "
                   "(qemu_set_current_aio_context)");
    }
    return aio_get_thread_pool(ctx);
}

/* Only the home thread may change the pool; another thread schedules a bottom half. */
void aio_context_set_thread_pool_params(AioContext *ctx, int64_t min,
                                        int64_t max, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    if (min < 0 || min > max || max == 0 || max > INT_MAX) {
        error_setg(errp, "bad thread-pool-min/thread-pool-max values");
        return;
    }
    qatomic_set(&ctx->thread_pool_min, min);
    qatomic_mb_set(&ctx->thread_pool_max, max);
    if (aio_is_home_thread(ctx)) {
        update_limits(ctx);
    } else if (qatomic_mb_read(&part_of(ctx)->pool)) {
        /* Pairs with thread_pool_try_get: either we see that there is a pool, or the
         * home thread, which reads the limits again after it has made the pool, sees
         * ours. */
        qemu_bh_schedule(&part_of(ctx)->limits_bh);
    }
}
