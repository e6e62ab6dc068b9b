/* SPDX-License-Identifier: MIT */
/*
 * Adaptive polling: before a loop sleeps, it asks for poll_ns the handlers that have
 * io_poll, because a wake-up costs more than a short spin. How long that pays off is
 * learnt from how long the loop was blocked. In QEMU util/aio-posix.c.
 */
#include "loop/loop.h"
#include "port/calls.h"
#include "sync/trace.h"

#define FIRST_POLL_NS 4000
/* Between two reads of the clock, of which one takes as long as a round trip of a cache line, the loop looks so often whether it
 * was notified, which is what it most often waits for. */
#define LOOKS 8

bool aio_poll_disabled(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return qatomic_read(&ctx->poll_disable_cnt);
}

/*
 * Asks one handler. Returns true if it has done something, or is now on ready_list with
 * something to do. A handler whose io_poll_ready is running is not asked, because its
 * work is being done: a nested aio_poll() would run it again and again.
 */
static bool is_hit(AioContext *ctx, AioHandlerList *ready_list,
                   AioHandler *node)
{
    if (aio_handler_is_deleted(node) || node->poll_ready_runs ||
        !aio_node_check(ctx, node->is_external) ||
        !CALL_USER(node->io_poll, node->opaque)) {
        return false;
    }
    if (node->io_poll_ready) {
        aio_add_poll_ready_handler(ready_list, node);
    }
    return true;
}

/* Asks every handler once. A hit sets *timeout to 0. Returns true if there was
 * progress. */
static bool poll_handlers_once(AioContext *ctx, AioHandlerList *ready_list,
                               int64_t *timeout)
{
    bool progress = false;
    AioHandler *node, *next;

    QLIST_FOREACH_SAFE(node, &ctx->poll_aio_handlers, node_poll, next) {
        if (is_hit(ctx, ready_list, node)) {
            *timeout = 0;
            /* The loop's own notifier is no progress: it only says that something
             * happened elsewhere. */
            progress |= node->opaque != &ctx->notifier;
        }
    }
    return progress;
}

bool aio_poll_set_started(AioContext *ctx, AioHandlerList *ready_list,
                          bool started)
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
        /* An event between the last look and io_poll_end would otherwise be lost. */
        if (!started && is_hit(ctx, ready_list, node)) {
            progress |= node->opaque != &ctx->notifier;
        }
    }
    return progress;
}

static bool poll_for(AioContext *ctx, AioHandlerList *ready_list,
                     int64_t max_ns, int64_t *timeout, int64_t *now)
{
    int64_t start = *now ? *now : port_clock_ns(PORT_CLOCK_MONOTONIC), elapsed;
    bool progress;

    trace(AIO_TRACE_run_poll_handlers_begin, (uint64_t)max_ns, (uint64_t)*timeout, NULL);
    do {
        progress = poll_handlers_once(ctx, ready_list, timeout);
        *now = port_clock_ns(PORT_CLOCK_MONOTONIC);
        elapsed = *now - start;
        for (int look = 0; look < LOOKS && !qatomic_read(&ctx->wakeup->notified); look++) {
            port_pause();
        }
    } while (*timeout && elapsed < max_ns && !CALL_OWN(aio_fdmon(ctx)->need_wait, ctx));
    port_count_add(*timeout ? &ctx->stats.poll_misses : &ctx->stats.poll_hits, 1);
    if (*timeout > 0) {
        *timeout -= MIN(*timeout, elapsed);
    }
    trace(AIO_TRACE_run_poll_handlers_end, progress, (uint64_t)*timeout, NULL);
    return progress;
}

bool aio_try_poll_mode(AioContext *ctx, AioHandlerList *ready_list,
                       int64_t *timeout, int64_t *now)
{
    int64_t max_ns;

    if (QLIST_EMPTY(&ctx->poll_aio_handlers)) {
        return false;
    }
    /* What the loop has learnt may be longer than another thread has allowed since. */
    max_ns = MIN(qatomic_read(&ctx->poll_ns), qatomic_read(&ctx->poll_max_ns));
    max_ns = qemu_soonest_timeout(*timeout, max_ns);
    if (max_ns && !CALL_OWN(aio_fdmon(ctx)->need_wait, ctx)) {
        aio_poll_set_started(ctx, ready_list, true);
        if (poll_for(ctx, ready_list, max_ns, timeout, now)) {
            return true;
        }
    }
    if (aio_poll_set_started(ctx, ready_list, false)) {
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
        trace(AIO_TRACE_poll_shrink, (uint64_t)poll_ns,
              (uint64_t)(shrink ? poll_ns / shrink : 0), NULL);
    } else if (poll_ns < max_ns && block_ns < max_ns) {
        int64_t grow = qatomic_read(&ctx->poll_grow);
        int64_t longer = FIRST_POLL_NS;
        if (poll_ns &&
            __builtin_mul_overflow(poll_ns, grow ? grow : 2, &longer)) {
            longer = max_ns;
        }
        qatomic_set(&ctx->poll_ns, MIN(longer, max_ns));
        trace(AIO_TRACE_poll_grow, (uint64_t)poll_ns, (uint64_t)MIN(longer, max_ns),
              NULL);
    }
}

/* Takes effect at once: a sleeping poll is woken. */
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
