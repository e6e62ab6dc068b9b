/* SPDX-License-Identifier: MIT */
/* The engine `io_uring` of a context: block/io_uring.c */
#include "block/aio-queue.h"

enum { SLOTS = 128 };

static struct LuringState *state_of(AioQueue *queue)
{
    return (struct LuringState *)queue;
}

AioQueue *luring_queue(AioContext *ctx)
{
    return (AioQueue *)ctx->linux_io_uring;
}

struct LuringState *aio_setup_linux_io_uring(AioContext *ctx, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_assert_home_thread(ctx, "aio_setup_linux_io_uring");
    if (!ctx->linux_io_uring) {
        ctx->linux_io_uring = state_of(aio_queue_new(
            ctx, AIO_ENGINE_IO_URING, SLOTS,
            "failed to init linux io_uring ring", errp));
    }
    return ctx->linux_io_uring;
}

struct LuringState *aio_get_linux_io_uring(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    if (!ctx->linux_io_uring) {
        port_panic("aio_get_linux_io_uring: it has not been set up "
                   "(aio_setup_linux_io_uring)");
    }
    return ctx->linux_io_uring;
}
