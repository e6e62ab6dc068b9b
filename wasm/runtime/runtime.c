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

void rt_hosted_awake(AioContext *ctx)
{
    Wakeup *wakeup = ctx->wakeup;

    /* As rt_hosted_look() does. */
    qatomic_store_release(&wakeup->notify_me, wakeup->notify_me & ~1u);
}

/* What rt_hosted_look() has found; ts/src/iothread/answers.ts has the same. */
typedef enum {
    FOUND_NOTHING,
    FOUND_AT_ONCE,
    FOUND_LATER,
} RtFound;

/* The clock is read after so many looks. */
#define LOOKS 32

/*
 * Looks whether a context that sleeps between two turns was notified, without sleeping for
 * at most so many ns until it is. Whoever notifies it meanwhile need not set the notifier.
 * If something was found, the next turn is due now.
 */
WASM_EXPORT("rt_hosted_look")
RtFound rt_hosted_look(AioContext *ctx, double ns)
{
    Wakeup *wakeup = ctx->wakeup;
    int64_t end;

    if (qatomic_mb_read(&wakeup->notified)) {
        return FOUND_AT_ONCE;
    }
    if (ns <= 0) {
        return FOUND_NOTHING;
    }
    qatomic_store_release(&wakeup->notify_me, wakeup->notify_me & ~1u);
    end = port_clock_ns(PORT_CLOCK_MONOTONIC) + (int64_t)ns;
    /* Without port_pause(), in which a thread that has to leave does. */
    do {
        for (unsigned n = 0; n < LOOKS; n++) {
            if (qatomic_mb_read(&wakeup->notified)) {
                port_count_add(&ctx->stats.poll_hits, 1);
                return FOUND_LATER;
            }
        }
    } while (port_clock_ns(PORT_CLOCK_MONOTONIC) < end);
    port_count_add(&ctx->stats.poll_misses, 1);
    /* As prepare does: either the other side sees the bit, or we see its notification. */
    qatomic_mb_set(&wakeup->notify_me, wakeup->notify_me | 1);
    return qatomic_mb_read(&wakeup->notified) ? FOUND_LATER : FOUND_NOTHING;
}
