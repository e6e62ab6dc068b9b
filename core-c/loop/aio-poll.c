/* SPDX-License-Identifier: MIT */
/* One iteration of the loop; in QEMU util/aio-posix.c. docs/loop.md draws it. */
#include "loop/loop.h"
#include "port/calls.h"
#include "sync/trace.h"

/*
 * An iteration that does not wait may skip looking at fds if every handler has
 * io_poll: the next one that waits looks at them. A loop that is always busy never
 * waits, so every MAX_UNWALKED-th iteration looks all the same.
 */
#define MAX_UNWALKED 32

static bool handlers_are_overdue(AioContext *ctx)
{
    /* One of the handlers is the loop's own notifier, which only ends waits. */
    return ++ctx->unwalked >= MAX_UNWALKED &&
           qatomic_read(&ctx->handlers_with_events) > 1;
}

/* max_ns: instead of sleeping it polls for at most so long; negative: it may sleep. How long to poll is learnt only
 * from iterations that may. */
static __attribute__((noinline)) bool
iterate(AioContext *ctx, bool blocking, int64_t max_ns)
{
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);
    Wakeup *wakeup = ctx->wakeup;
    bool sleeps = max_ns < 0, may_sleep = false, found = false, look, walk, progress = false;
    bool adaptive = sleeps && qatomic_read(&ctx->poll_max_ns);
    int64_t timeout = 0, start = 0, now = 0;

    if (blocking && unlikely(!port_may_wait())) {
        port_would_block("aio_poll");
    }
    port_count_add(&ctx->stats.polls, 1);
    if (blocking) {
        timeout = qemu_soonest_timeout(aio_compute_timeout(ctx), max_ns);
    }
    if (adaptive) {
        start = now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    }
    if (ctx->poll_started || (timeout && qatomic_read(&ctx->poll_ns))) {
        qemu_lockcnt_inc(&ctx->list_lock);
        progress = aio_try_poll_mode(ctx, &ready_list, &timeout, &now);
        /* The handlers that it found are not freed before they have run. */
        found = !QLIST_EMPTY(&ready_list);
        if (!found) {
            qemu_lockcnt_dec(&ctx->list_lock);
        }
    }
    if (!sleeps) {
        timeout = 0;
    }
    if (timeout) {
        may_sleep = true;
        qatomic_mb_set(&wakeup->notify_me, wakeup->notify_me + 2);
        /* Pairs with aio_notify: either it sees notify_me, or we see notified. */
        if (qatomic_mb_read(&wakeup->notified)) {
            timeout = 0;
        } else {
            port_count_add(&ctx->stats.sleeps, 1);
            trace(AIO_TRACE_aio_sleep_begin, (uint64_t)timeout, 0, NULL);
        }
    }
    /* list_lock counts an iteration only if it walks the handlers; the others save
     * four atomic operations. */
    look = timeout || CALL_OWN(aio_fdmon(ctx)->need_wait, ctx) ||
           handlers_are_overdue(ctx);
    walk = look || found;
    if (walk) {
        if (!found) {
            qemu_lockcnt_inc(&ctx->list_lock);
        }
        if (look) {
            ctx->unwalked = 0;
            CALL_OWN(aio_fdmon(ctx)->wait, ctx, &ready_list, timeout);
        }
        aio_sort_ready_handlers(&ready_list);
    }
    if (may_sleep) {
        if (timeout) {
            trace(AIO_TRACE_aio_sleep_end, 0, 0, NULL);
        }
        /* This store becomes visible only after the wait. Pairs with
         * aio_context_dump: either it sees that the loop is running, or we see
         * that it is reading the context. */
        qatomic_mb_set(&wakeup->notify_me, wakeup->notify_me - 2);
        if (unlikely(qatomic_mb_read(&ctx->dumping))) {
            aio_dump_wait(ctx);
        }
    }
    wakeup_accept(wakeup);
    if (adaptive) {
        /* A read of the clock costs as much as a round of polling, so what polling has read last is used if it was not
         * followed by a sleep. */
        if (may_sleep || now == start) {
            now = port_clock_ns(PORT_CLOCK_MONOTONIC);
        }
        aio_adapt_polling(ctx, now - start);
    }

    progress |= aio_bh_poll(ctx);
    if (walk) {
        progress |= aio_dispatch_ready_handlers(ctx, &ready_list, NULL);
        aio_free_deleted_handlers(ctx);
        qemu_lockcnt_dec(&ctx->list_lock);
    }
    progress |= aio_run_timers(ctx, NULL);
    return progress;
}

static __attribute__((noinline, cold)) bool
iterate_traced(AioContext *ctx, bool blocking, int64_t max_ns)
{
    uint64_t outer = trace_set_context(trace_address(ctx));
    bool progress;

    trace_write(AIO_TRACE_aio_poll_begin, blocking, 0, NULL);
    progress = iterate(ctx, blocking, max_ns);
    trace(AIO_TRACE_aio_poll_end, progress, 0, NULL);
    trace_set_context(outer);
    return progress;
}

/*
 * Whether an iteration neither waits nor polls nor looks at fds. Then it needs no list of ready handlers, and no frame, which in
 * WebAssembly is two checked changes of a global: an iteration that finds nothing to do takes half the time.
 */
static inline bool is_short(AioContext *ctx, bool blocking)
{
    return !blocking && !ctx->poll_started && !qatomic_read(&ctx->poll_max_ns) &&
           !CALL_OWN(aio_fdmon(ctx)->need_wait, ctx) && !handlers_are_overdue(ctx);
}

bool aio_poll(AioContext *ctx, bool blocking)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_assert_home_thread(ctx, "aio_poll");
    if (trace_is_on()) {
        return iterate_traced(ctx, blocking, -1);
    }
    if (is_short(ctx, blocking)) {
        port_count_add(&ctx->stats.polls, 1);
        wakeup_accept(ctx->wakeup);
        bool progress = aio_has_bottom_halves(ctx) && aio_bh_poll(ctx);
        return aio_run_timers(ctx, NULL) || progress;
    }
    return iterate(ctx, blocking, -1);
}

bool aio_poll_awake(AioContext *ctx, int64_t max_ns)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_assert_home_thread(ctx, "aio_poll");
    if (trace_is_on()) {
        return iterate_traced(ctx, max_ns > 0, max_ns);
    }
    return iterate(ctx, max_ns > 0, max_ns);
}
