/* SPDX-License-Identifier: MIT */
/* One thread, its loop awake: bottom halves, polls, notifications (a_*), also while
 * they are traced (t_a_*); and what these are made of: calls, atomic operations, clock
 * reads (y_*). */
#include "aio/trace.h"
#include "bench.h"
#include "block/aio.h"
#include "sync/wakeup.h"

#define BATCH 1000

static AioContext *ctx;
static QEMUBH *bh, *many[BATCH];
static uint64_t calls;

static void count_cb(void *opaque)
{
    (void)opaque;
    calls++;
}

static void bh_schedule_poll(uint64_t n)
{
    uint64_t before = calls;

    for (uint64_t i = 0; i < n; i++) {
        qemu_bh_schedule(bh);
        aio_poll(ctx, false);
    }
    bench_expect("bottom halves run", calls - before, n);
}

static void oneshot_schedule_poll(uint64_t n)
{
    uint64_t before = calls;

    for (uint64_t i = 0; i < n; i++) {
        aio_bh_schedule_oneshot(ctx, count_cb, NULL);
        aio_poll(ctx, false);
    }
    bench_expect("one-shots run", calls - before, n);
}

static void bh_batch(uint64_t n)
{
    uint64_t before = calls;

    for (uint64_t i = 0; i < n; i++) {
        for (int k = 0; k < BATCH; k++) {
            qemu_bh_schedule(many[k]);
        }
        aio_poll(ctx, false);
    }
    bench_expect("bottom halves run", calls - before, n * BATCH);
}

static void oneshot_batch(uint64_t n)
{
    uint64_t before = calls;

    for (uint64_t i = 0; i < n; i++) {
        for (int k = 0; k < BATCH; k++) {
            aio_bh_schedule_oneshot(ctx, count_cb, NULL);
        }
        aio_poll(ctx, false);
    }
    bench_expect("one-shots run", calls - before, n * BATCH);
}

static void idle_poll(uint64_t n)
{
    uint64_t before = ctx->stats.polls, progress = 0;

    for (uint64_t i = 0; i < n; i++) {
        progress += aio_poll(ctx, false);
    }
    bench_expect("polls", ctx->stats.polls - before, n);
    bench_expect("polls that found something", progress, 0);
}

static void notify(uint64_t n)
{
    uint64_t before = ctx->wakeup->saved;

    for (uint64_t i = 0; i < n; i++) {
        aio_notify(ctx);
    }
    bench_expect("notifications", ctx->wakeup->saved - before, n);
    bench_expect("progress by a mere notification", aio_poll(ctx, false), 0);
}

static void clock_read(uint64_t n)
{
    int64_t last = bench_now(), now = last;

    for (uint64_t i = 0; i < n; i++) {
        now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        bench_expect("clock reads in order", now >= last, 1);
        last = now;
    }
}

/* The pointer is read anew each time, and so is not known to be count_cb. */
static QEMUBHFunc *volatile indirect = count_cb;

static void call_indirect(uint64_t n)
{
    uint64_t before = calls;

    for (uint64_t i = 0; i < n; i++) {
        indirect(NULL);
    }
    bench_expect("calls", calls - before, n);
}

static void exchange(uint64_t n)
{
    static uint32_t word;
    uint64_t sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        sum += qatomic_xchg(&word, 1);
    }
    bench_expect("exchanges that found 1", sum + (qatomic_xchg(&word, 0) == 1),
                 n);
}

/* What nothing that runs a call-back for another thread can do without: it is asked for, it is
 * taken, and it is called. */
static void bh_floor(uint64_t n)
{
    static uint32_t flags;
    uint64_t before = calls, taken = 0;

    for (uint64_t i = 0; i < n; i++) {
        qatomic_fetch_or(&flags, 1);
        taken += qatomic_xchg(&flags, 0);
        indirect(NULL);
    }
    bench_expect("taken", taken, n);
    bench_expect("calls", calls - before, n);
}

/* A notification without anything else: neither compiler inlines it, as it does not aio_notify(). */
static __attribute__((noinline)) void store_load(uint32_t *notified, uint32_t *notify_me)
{
    qatomic_mb_set(notified, 1);
    if (qatomic_mb_read(notify_me)) {
        bench_expect("loops that sleep", 1, 0);
    }
}

static void store_and_load(uint64_t n)
{
    static uint32_t words[2];

    for (uint64_t i = 0; i < n; i++) {
        store_load(&words[0], &words[1]);
    }
    bench_expect("the word", qatomic_xchg(&words[0], 0), n > 0);
}

static uint64_t events;

/* Counts what a traced run of n operations has written. */
static void traced(void (*run)(uint64_t n), uint64_t n)
{
    AioTraceReader reader;

    bench_expect("tracing", aio_trace_start(1), 1);
    reader = aio_trace_reader(0);
    run(n);
    aio_trace_stop();
    events = aio_trace_reader(0).position - reader.position;
}

static void traced_bh_schedule_poll(uint64_t n)
{
    traced(bh_schedule_poll, n);
    /* An iteration, the notification and its accept, and the bottom half; and once the thread. */
    bench_expect("events", events == 6 * n || events == 6 * n + 1, 1);
}

static void traced_bh_batch(uint64_t n)
{
    traced(bh_batch, n);
    /* At least that of each bottom half. */
    bench_expect("events", events > n * BATCH, 1);
}

static void traced_idle_poll(uint64_t n)
{
    traced(idle_poll, n);
    bench_expect("events", events == 2 * n || events == 2 * n + 1, 1);
}

int main(int argc, char **argv)
{
    BenchLine lines[] = {
        { .name = "a_bh_schedule_poll", .run = bh_schedule_poll },
        { .name = "a_oneshot_schedule_poll", .run = oneshot_schedule_poll },
        { .name = "a_bh_batch1000", .run = bh_batch, .per = BATCH },
        { .name = "a_oneshot_batch1000", .run = oneshot_batch, .per = BATCH },
        { .name = "a_idle_poll", .run = idle_poll },
        { .name = "a_notify_not_waiting", .run = notify },
        { .name = "t_a_bh_schedule_poll", .run = traced_bh_schedule_poll },
        { .name = "t_a_bh_batch1000", .run = traced_bh_batch, .per = BATCH },
        { .name = "t_a_idle_poll", .run = traced_idle_poll },
        { .name = "y_clock_c", .run = clock_read },
        { .name = "y_call_indirect_c", .run = call_indirect },
        { .name = "y_atomic_xchg_c", .run = exchange },
        { .name = "y_bh_floor", .run = bh_floor },
        { .name = "y_store_load", .run = store_and_load },
    };

    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    bh = aio_bh_new(ctx, count_cb, NULL);
    for (int k = 0; k < BATCH; k++) {
        many[k] = aio_bh_new(ctx, count_cb, NULL);
    }
    bench_lines(lines, ARRAY_SIZE(lines));

    qemu_bh_delete(bh);
    for (int k = 0; k < BATCH; k++) {
        qemu_bh_delete(many[k]);
    }
    aio_poll(ctx, false);
    aio_context_detach_current();
    aio_context_unref(ctx);
    return 0;
}
