/* SPDX-License-Identifier: MIT */
/* The engine `native` of a context: block/linux-aio.c */
#include "block/aio-queue.h"

enum { SLOTS = 1024 };

/* What users of block/aio.h hold is the queue itself. */
static struct LinuxAioState *state_of(AioQueue *queue)
{
    return (struct LinuxAioState *)queue;
}

AioQueue *linux_aio_queue(AioContext *ctx)
{
    return (AioQueue *)ctx->linux_aio;
}

struct LinuxAioState *aio_setup_linux_aio(AioContext *ctx, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_assert_home_thread(ctx, "aio_setup_linux_aio");
    if (!ctx->linux_aio) {
        ctx->linux_aio = state_of(aio_queue_new(
            ctx, AIO_ENGINE_NATIVE, SLOTS,
            "failed to create linux AIO context", errp));
    }
    return ctx->linux_aio;
}

struct LinuxAioState *aio_get_linux_aio(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    if (!ctx->linux_aio) {
        port_panic("aio_get_linux_aio: it has not been set up "
                   "(aio_setup_linux_aio)");
    }
    return ctx->linux_aio;
}
