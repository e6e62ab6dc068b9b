/* SPDX-License-Identifier: MIT */
/*
 * Contexts whose home thread was lost. Only that thread could have ended the context in
 * an orderly way. Other threads may still use it, because they have not heard of the loss:
 *
 * - The threads of its pool, and those that serve its engines, finish the requests that
 *   they have begun; they are told to end. When the last one has ended, the context is
 *   idle: the requests that are left are freed, and the caller of aio_context_abandon()
 *   is told that their memory and files are free.
 * - Threads that hold a reference, or a bottom half that they made, keep the context,
 *   which is empty.
 * - Threads that hold neither may schedule, arm or notify all the same. The context's
 *   memory is therefore never given back to malloc. The next context that is made uses
 *   it, and a late access causes at most a spurious wake-up.
 */
#include "gmain/gmain.h"
#include "loop/loop.h"
#include "port/calls.h"

void aio_context_serving(AioContext *ctx)
{
    qatomic_inc(&ctx->abandoned.serving);
}

void aio_context_served(AioContext *ctx)
{
    if (qatomic_fetch_dec(&ctx->abandoned.serving) == 1) {
        aio_parts_idle(ctx);
        CALL_OWN(ctx->abandoned.idle, ctx->abandoned.opaque);
        aio_context_unref(ctx);
    }
}

void aio_context_abandon(AioContext *ctx, void (*idle)(void *opaque),
                         void *opaque)
{
    aio_context_ref(ctx);              /* dropped when it is idle */
    ctx->abandoned.idle = idle;
    ctx->abandoned.opaque = opaque;
    ctx->abandoned.is_lost = ctx->abandoned.stays = true;
    ctx->source.flags |= SOURCE_STAYS;
    aio_context_serving(ctx);
    /* Some of its bottom halves may be in lists on the stack of the lost thread. */
    aio_bh_drop(ctx);
    timerlistgroup_abandon(&ctx->tlg);
    qemu_lockcnt_lock(&ctx->list_lock);
    aio_context_destroy(ctx);
    QLIST_INIT(&ctx->deleted_aio_handlers);
    QLIST_INIT(&ctx->poll_aio_handlers);
    QLIST_INIT(&ctx->gsource_ready);
    qemu_lockcnt_unlock(&ctx->list_lock);
    aio_parts_abandon(ctx);
    wakeup_free(ctx->wakeup);
    aio_context_served(ctx);
}
