/* SPDX-License-Identifier: MIT */
/*
 * Adaptive polling: before a loop sleeps it looks for poll_ns at the handlers
 * that can be asked in user space, because a wake-up costs more than a short
 * spin. How long pays is learnt from how long the loop was blocked.
 * util/aio-posix.c
 */
#include "loop/aio-context.h"
#include "port/calls.h"

#define FIRST_POLL_NS 4000

/* Asks every handler once. *timeout becomes 0 at a hit. True: progress. */
static bool poll_handlers_once(AioContext *ctx, int64_t *timeout)
{
    bool progress = false;
    AioHandler *node, *next;

    QLIST_FOREACH_SAFE(node, &ctx->poll_aio_handlers, node_poll, next) {
        if (aio_handler_is_deleted(node) ||
            !aio_node_check(ctx, node->is_external) || !node->io_poll ||
            !CALL_USER(node->io_poll, node->opaque)) {
            continue;
        }
        *timeout = 0;
        /* The notifier says only that there is something elsewhere. */
        progress |= node->opaque != &ctx->notifier;
    }
    return progress;
}

bool aio_poll_set_started(AioContext *ctx, bool started)
{
    bool progress = false;
    AioHandler *node, *next;

    if (started == ctx->poll_started) {
        return false;
    }
    ctx->poll_started = started;
    QLIST_FOREACH_SAFE(node, &ctx->poll_aio_handlers, node_poll, next) {
        IOHandler *fn = started ? node->io_poll_begin : node->io_poll_end;

        if (aio_handler_is_deleted(node)) {
            continue;
        }
        if (fn) {
            CALL_USER(fn, node->opaque);
        }
        /* What came between the last look and io_poll_end would be lost. */
        if (!started && node->io_poll &&
            aio_node_check(ctx, node->is_external) &&
            CALL_USER(node->io_poll, node->opaque)) {
            progress |= node->opaque != &ctx->notifier;
        }
    }
    return progress;
}

static bool poll_for(AioContext *ctx, int64_t max_ns, int64_t *timeout)
{
    int64_t start = port_clock_ns(PORT_CLOCK_MONOTONIC), elapsed;
    bool progress;

    do {
        progress = poll_handlers_once(ctx, timeout);
        elapsed = port_clock_ns(PORT_CLOCK_MONOTONIC) - start;
        port_pause();
    } while (*timeout && elapsed < max_ns && !CALL_OWN(aio_fdmon(ctx)->need_wait, ctx));
    aio_stat_add(*timeout ? &ctx->stats.poll_misses : &ctx->stats.poll_hits, 1);
    if (*timeout > 0) {
        *timeout -= MIN(*timeout, elapsed);
    }
    return progress;
}

bool aio_try_poll_mode(AioContext *ctx, int64_t *timeout)
{
    int64_t max_ns;

    if (QLIST_EMPTY(&ctx->poll_aio_handlers)) {
        return false;
    }
    max_ns = qemu_soonest_timeout(*timeout, qatomic_read(&ctx->poll_ns));
    if (max_ns && !CALL_OWN(aio_fdmon(ctx)->need_wait, ctx)) {
        aio_poll_set_started(ctx, true);
        if (poll_for(ctx, max_ns, timeout)) {
            return true;
        }
    }
    if (aio_poll_set_started(ctx, false)) {
        *timeout = 0;
        return true;
    }
    return false;
}

void aio_adapt_polling(AioContext *ctx, int64_t block_ns)
{
    int64_t max_ns = qatomic_read(&ctx->poll_max_ns);
    int64_t poll_ns = qatomic_read(&ctx->poll_ns);

    if (block_ns <= poll_ns) {
        return;
    }
    if (block_ns > max_ns) {
        int64_t shrink = qatomic_read(&ctx->poll_shrink);
        qatomic_set(&ctx->poll_ns, shrink ? poll_ns / shrink : 0);
    } else if (poll_ns < max_ns && block_ns < max_ns) {
        int64_t grow = qatomic_read(&ctx->poll_grow);
        int64_t longer = FIRST_POLL_NS;
        if (poll_ns &&
            __builtin_mul_overflow(poll_ns, grow ? grow : 2, &longer)) {
            longer = max_ns;
        }
        qatomic_set(&ctx->poll_ns, MIN(longer, max_ns));
    }
}

/* Takes effect at once: a poll that sleeps is woken. */
void aio_context_set_poll_params(AioContext *ctx, int64_t max_ns, int64_t grow,
                                 int64_t shrink, Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    (void)errp;
    qatomic_set(&ctx->poll_max_ns, max_ns);
    qatomic_set(&ctx->poll_ns, 0);
    qatomic_set(&ctx->poll_grow, grow);
    qatomic_set(&ctx->poll_shrink, shrink);
    aio_notify(ctx);
}
