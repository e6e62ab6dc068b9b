/* SPDX-License-Identifier: MIT */
/*
 * The engines of a context, each made when it is set up; in QEMU block/linux-aio.c
 * and block/io_uring.c. The pointers that users of block/aio.h get are the queues
 * of the engines.
 */
#include "block/aio-queue-state.h"
#include "block/pool.h"
#include "qapi/error.h"

/* Indexed by AioEngine. The engine `threads` has no queue: it uses the context's
 * thread pool. */
static const struct {
    const char *setup;         /* the function that sets it up */
    const char *refused;       /* the message if that fails */
    unsigned slots;            /* requests in flight at most */
} engines[] = {
    { NULL, NULL, 0 },
    { "aio_setup_linux_aio", "failed to create linux AIO context",
      1024 },
    { "aio_setup_linux_io_uring", "failed to init linux io_uring ring", 128 },
    { "raw_aio_setup", "failed to make the sync engine", 1 },
    { "raw_aio_setup", "failed to make the nbd engine", NBD_SLOTS },
};

typedef struct EnginesPart {
    AioQueue *queues[ARRAY_SIZE(engines)];     /* NULL: not set up */
} EnginesPart;

static void engines_end(AioContext *ctx);
static void engines_abandon(AioContext *ctx);

static AioPart engines_part = {
    .size = sizeof(EnginesPart),
    .end = engines_end,
    .abandon = engines_abandon,
};
AIO_PART_REGISTER(engines_part);

static AioQueue **queue_of(AioContext *ctx, AioEngine engine)
{
    EnginesPart *part = aio_part(ctx, &engines_part);

    return &part->queues[engine];
}

AioQueue *aio_engine_queue(AioContext *ctx, AioEngine engine)
{
    return engine < ARRAY_SIZE(engines) ? *queue_of(ctx, engine) : NULL;
}

NbdQueue *nbd_queue_of(AioContext *ctx)
{
    AioQueue *queue = *queue_of(ctx, AIO_ENGINE_NBD);

    return queue ? queue->nbd : NULL;
}

static void engines_end(AioContext *ctx)
{
    for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
        aio_queue_free(*queue_of(ctx, i));
        *queue_of(ctx, i) = NULL;
    }
}

static void engines_abandon(AioContext *ctx)
{
    for (unsigned i = 0; i < ARRAY_SIZE(engines); i++) {
        aio_queue_abandon(*queue_of(ctx, i));
        *queue_of(ctx, i) = NULL;
    }
}

/* ---- Setting them up ---- */

static AioQueue *set_up(AioContext *ctx, AioEngine engine, Error **errp)
{
    AioQueue **queue = queue_of(ctx, engine);

    aio_assert_home_thread(ctx, engines[engine].setup);
    if (!*queue) {
        *queue = aio_queue_new(ctx, engine, engines[engine].slots,
                               engines[engine].refused, errp);
    }
    return *queue;
}

bool raw_aio_setup(AioContext *ctx, AioEngine engine, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    if (engine != AIO_ENGINE_THREADS) {
        return set_up(ctx, engine, errp);
    }
    if (!thread_pool_try_get(ctx)) {
        error_setg_errno(errp, ENOMEM, "failed to make the thread pool");
        return false;
    }
    return true;
}

/* call is the function that a panic names. */
static AioQueue *get(AioContext *ctx, AioEngine engine, const char *call)
{
    AioQueue *queue = aio_engine_queue(ctx, engine);

    if (!queue) {
        port_panic("%s: it has not been set up (%s)", call,
                   engines[engine].setup);
    }
    return queue;
}

struct LinuxAioState *aio_setup_linux_aio(AioContext *ctx, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    return (struct LinuxAioState *)set_up(ctx, AIO_ENGINE_NATIVE, errp);
}

struct LinuxAioState *aio_get_linux_aio(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return (struct LinuxAioState *)get(ctx, AIO_ENGINE_NATIVE, __func__);
}

struct LuringState *aio_setup_linux_io_uring(AioContext *ctx, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    return (struct LuringState *)set_up(ctx, AIO_ENGINE_IO_URING, errp);
}

struct LuringState *aio_get_linux_io_uring(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return (struct LuringState *)get(ctx, AIO_ENGINE_IO_URING, __func__);
}

/* ---- Plugging, statistics ---- */

void raw_aio_plug(AioContext *ctx, AioEngine engine)
{
    AIO_CHECK_CONTEXT(ctx);
    AioQueue *queue = aio_engine_queue(ctx, engine);

    if (queue) {
        aio_queue_plug(queue);
    }
}

void raw_aio_unplug(AioContext *ctx, AioEngine engine, int64_t max_batch)
{
    AIO_CHECK_CONTEXT(ctx);
    AioQueue *queue = aio_engine_queue(ctx, engine);

    if (queue) {
        aio_queue_unplug(queue, max_batch);
    }
}

void raw_aio_get_stats(AioContext *ctx, AioEngine engine,
                       AioEngineStats *stats)
{
    AIO_CHECK_CONTEXT(ctx);
    AioQueue *queue = aio_engine_queue(ctx, engine);

    *stats = (AioEngineStats){ 0 };
    if (queue) {
        aio_queue_get_stats(queue, stats);
    }
}
