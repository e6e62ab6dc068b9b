/* SPDX-License-Identifier: MIT */
/* Waking a context; sync/wakeup.c describes the protocol. */
#include "loop/loop.h"

void aio_notify(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    wakeup_notify(ctx->wakeup);
}

void aio_notify_accept(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    wakeup_accept(ctx->wakeup);
}
