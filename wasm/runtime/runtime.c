/* SPDX-License-Identifier: MIT */
/* The owner of the runtime: its context, and how the JavaScript event loop drives it. */
#include "runtime.h"
#include "loop/loop.h"
#include "port/calls.h"
#include "port/fd-table.h"
#include "time/clock.h"

static AioContext *owner_context;

AioContext *rt_owner_context(void)
{
    return owner_context;
}

/* Makes the context of the owner, and returns it, or NULL if there is no memory. It is
 * not current, since the owner may drive several. Called before all other functions but
 * rt_threads_init(); owner only. */
WASM_EXPORT("rt_init")
AioContext *rt_init(void)
{
    if (clocks_try_init(NULL)) {
        owner_context = aio_context_new(NULL);
    }
    if (owner_context) {
        aio_context_use_g_source(owner_context);
    }
    return owner_context;
}

/* Returns the address of the word that tells of a failure. */
WASM_EXPORT("rt_failed_word")
uint32_t *rt_failed_word(void)
{
    return &wasm_failed;
}

WASM_EXPORT("rt_notify")
void rt_notify(AioContext *ctx)
{
    aio_notify(ctx);
}

/* A descriptor of WASI has become ready, or may have. Called in the thread that made it
 * so. */
WASM_EXPORT("rt_fd_ready")
void rt_fd_ready(int fd, int events)
{
    wasm_fd_ready(fd, events);
}

/* Returns the address of the word to wait on, while it is EVENT_SLEEPING, after
 * rt_hosted_turn(). */
WASM_EXPORT("rt_hosted_word")
uint32_t *rt_hosted_word(AioContext *ctx)
{
    return wasm_event_word(ctx->wakeup->fd);
}

/* The bottom halves, handlers and timers of a turn each take at most this long; all
 * three together leave a page most of a frame, even of 8 ms. */
#define TURN_NS (1 * SCALE_MS)

/*
 * Runs one turn of a context that a JavaScript event loop drives: check, dispatch and
 * prepare in one call. Returns the milliseconds after which the next turn is due, 0 for
 * "as soon as others have had theirs", -1 for never. Unless it is 0, the word of the
 * notifier is EVENT_SLEEPING now; it changes and is notified when a turn is due. What is
 * scheduled meanwhile, or had no time, waits for the next turn.
 */
WASM_EXPORT("rt_hosted_turn")
int rt_hosted_turn(AioContext *ctx)
{
    const GSourceFuncs *funcs = ctx->source.source_funcs;
    int timeout;

    /* The context is current during the turn; a refusal to block may have ended the last
     * one early. The context of an IOThread is current before and after, too, since
     * aio_poll() goes on with it. */
    bool stays = port_may_wait() && qemu_get_current_aio_context() == ctx;

    rt_sleeps_hosted(ctx, true);
    aio_context_detach_current();
    qemu_set_current_aio_context(ctx);
    if (CALL_OWN(funcs->check, &ctx->source)) {
        aio_dispatch_for(ctx, TURN_NS);
    }
    if (!stays) {
        aio_context_detach_current();
    }
    /* What became ready during dispatch did not set the notifier, since nobody slept. */
    if (CALL_OWN(funcs->prepare, &ctx->source, &timeout) || aio_find_ready(ctx) ||
        !wasm_event_arm(ctx->wakeup->fd)) {
        return 0;
    }
    return timeout;
}
