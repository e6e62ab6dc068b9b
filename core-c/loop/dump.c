/* SPDX-License-Identifier: MIT */
/*
 * Reading a context from another thread. Counters can be read at any time, and
 * handlers under list_lock. The list of bottom halves belongs to the home thread,
 * so it is read only while that thread sleeps; if the home thread wakes up
 * meanwhile, it waits until the list has been read.
 */
#include "loop/loop.h"
#include "port/calls.h"

/* Returns true if the home thread sleeps, or is about to; it then stays there
 * until thaw(). */
static bool freeze(AioContext *ctx)
{
    /* The home thread waits for thaw(). */
    port_thread_holds(1);
    qatomic_inc(&ctx->dumping);
    /* Pairs with aio_poll, which lowers notify_me and then reads dumping. */
    return qatomic_mb_read(&ctx->wakeup->notify_me) >= 2;
}

static void thaw(AioContext *ctx)
{
    if (qatomic_fetch_dec(&ctx->dumping) == 1) {
        port_futex_wake(&ctx->dumping, 1);
    }
    port_thread_holds(-1);
}

void aio_dump_wait(AioContext *ctx)
{
    uint32_t dumping;

    while ((dumping = qatomic_mb_read(&ctx->dumping))) {
        if (port_may_wait()) {
            port_futex_wait(&ctx->dumping, dumping, -1);
        } else {
            port_pause();
        }
    }
}

typedef struct Output {
    AioDumpLine *line;
    void *opaque;
} Output;

static void __attribute__((format(printf, 2, 3)))
say(const Output *out, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    CALL_USER(out->line, out->opaque, text);
}

static uint64_t count(const uint64_t *counter)
{
    return qatomic_read(counter);
}

static void say_counters(const Output *out, AioContext *ctx)
{
    const AioStats *s = &ctx->stats;

    say(out, "  polls %" PRIu64 ", sleeps %" PRIu64 ", bottom halves %" PRIu64
        ", fd call-backs %" PRIu64 ", timers %" PRIu64 ", jobs %" PRIu64,
        count(&s->polls), count(&s->sleeps), count(&s->bhs),
        count(&s->handlers), count(&s->timers), count(&s->jobs));
    say(out, "  wake-ups sent %" PRIu64 ", saved %" PRIu64
        "; polling hits %" PRIu64 ", misses %" PRIu64 ", now for %" PRId64
        " of %" PRId64 " ns", count(&ctx->wakeup->sent),
        count(&ctx->wakeup->saved), count(&s->poll_hits),
        count(&s->poll_misses), qatomic_read(&ctx->poll_ns),
        qatomic_read(&ctx->poll_max_ns));
}

static void say_timers(const Output *out, AioContext *ctx)
{
    static const char *const names[] = { "realtime", "virtual", "host",
                                         "virtual-rt" };

    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        QEMUTimerList *list = ctx->tlg.tl[type];
        int64_t deadline = timerlist_deadline_ns(list);

        if (!timerlist_has_timers(list)) {
            continue;
        }
        if (deadline < 0) {
            say(out, "  %s timers: the clock is off", names[type]);
        } else {
            say(out, "  %s timers: the first in %.3f ms", names[type],
                (double)deadline / SCALE_MS);
        }
    }
}

static void say_handlers(const Output *out, AioContext *ctx)
{
    AioHandler *node;

    qemu_lockcnt_inc(&ctx->list_lock);
    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        if (node->opaque == &ctx->notifier) {
            continue;
        }
        say(out, "  fd %d:%s%s%s%s", node->pfd.fd, node->io_read ? " read" : "",
            node->io_write ? " write" : "", node->io_poll ? " poll" : "",
            node->is_external ? ", external" : "");
    }
    qemu_lockcnt_dec(&ctx->list_lock);
}

void aio_context_dump(AioContext *ctx,
                      void (*line)(void *opaque, const char *text),
                      void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    const Output out = { line, opaque };
    bool home = aio_is_home_thread(ctx);
    bool asleep = !home && freeze(ctx);

    say(&out, "context %p%s", (void *)ctx,
        home ? ": this thread's" : asleep ? ": its home thread sleeps" : "");
    say_counters(&out, ctx);
    say_timers(&out, ctx);
    say_handlers(&out, ctx);
    if (home || asleep) {
        aio_bh_dump(ctx, line, opaque);
    }
    aio_parts_dump(ctx, line, opaque);
    if (!home) {
        thaw(ctx);
    }
}
