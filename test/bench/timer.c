/* SPDX-License-Identifier: MIT */
/* Timers: arming, re-arming and firing 10,000 of them, and how late one is
 * (d_*). Deadlines are random over a range of 200 ms. */
#include "bench.h"
#include "block/aio.h"

#define MANY 10000
#define FEW 10
#define RANGE_NS 200000000
#define FAR_NS INT64_C(1000000000000)
#define REARMS 10000
#define LATE_TIMERS 5000
#define WARMUP 5

static AioContext *ctx;
static QEMUTimer timers[MANY];
static int64_t deadlines[MANY];
static uint32_t seed = 20231;
static uint64_t fired;

static void fire_cb(void *opaque)
{
    (void)opaque;
    fired++;
}

/* Before the clock is read: what is measured is the timers. */
static void draw_deadlines(int64_t base)
{
    for (int i = 0; i < MANY; i++) {
        deadlines[i] = base + bench_random(&seed) % RANGE_NS;
    }
}

static __attribute__((noinline)) void arm(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        timer_mod_ns(&timers[i], deadlines[i]);
    }
}

/* REARMS times, over the first n timers round and round. */
static __attribute__((noinline)) void rearm(unsigned n)
{
    for (unsigned i = 0, which = 0; i < REARMS; i++) {
        timer_mod_ns(&timers[which], deadlines[i]);
        which = which + 1 < n ? which + 1 : 0;
    }
}

static void expect_pending(unsigned n)
{
    unsigned pending = 0;

    for (unsigned i = 0; i < MANY; i++) {
        pending += timer_pending(&timers[i]);
    }
    bench_expect("timers pending", pending, n);
}

static void disarm(void)
{
    for (unsigned i = 0; i < MANY; i++) {
        timer_del(&timers[i]);
    }
    aio_poll(ctx, false);
    expect_pending(0);
}

static double arm_10k(void)
{
    int64_t start;

    draw_deadlines(bench_now() + FAR_NS);
    start = bench_now();
    arm(MANY);
    int64_t ns = bench_now() - start;
    expect_pending(MANY);
    disarm();
    return (double)ns / MANY;
}

static double rearm_of(unsigned n)
{
    int64_t start, ns;

    draw_deadlines(bench_now() + FAR_NS);
    arm(n);
    draw_deadlines(bench_now() + FAR_NS);
    start = bench_now();
    rearm(n);
    ns = bench_now() - start;
    expect_pending(n);
    disarm();
    return (double)ns / REARMS;
}

static double rearm_10k(void)
{
    return rearm_of(MANY);
}

static double rearm_10(void)
{
    return rearm_of(FEW);
}

/* All are due: one poll runs them. */
static double fire_10k(void)
{
    int64_t start, ns;

    draw_deadlines(bench_now() - RANGE_NS);
    arm(MANY);
    fired = 0;
    start = bench_now();
    aio_poll(ctx, false);
    ns = bench_now() - start;
    bench_expect("timers fired", fired, MANY);
    expect_pending(0);
    return (double)ns / MANY;
}

/*
 * What nothing that fires a timer can do without, in the order in which fire_10k() fires
 * them, which is known here: another thread may not disarm it meanwhile, it is not armed
 * any more, and it is called.
 */
static double fire_floor(void)
{
    static QEMUTimer *order[MANY];
    static uint32_t lock;
    uint64_t found_free = 0;
    int64_t start, ns;

    for (int i = 0; i < MANY; i++) {
        int k = (int)(bench_random(&seed) % (unsigned)(i + 1));
        order[i] = order[k];
        order[k] = &timers[i];
    }
    fired = 0;
    start = bench_now();
    for (int i = 0; i < MANY; i++) {
        QEMUTimer *ts = order[i];
        found_free += qatomic_xchg(&lock, 1) == 0;
        QEMUTimerCB *cb = ts->cb;
        void *opaque = ts->opaque;
        qatomic_set(&ts->expire_time, -1);
        qatomic_xchg(&lock, 0);
        cb(opaque);
    }
    ns = bench_now() - start;
    bench_expect("locks that were free", found_free, MANY);
    bench_expect("timers fired", fired, MANY);
    return (double)ns / MANY;
}

static int64_t late_deadline, lateness;

static void late_cb(void *opaque)
{
    (void)opaque;
    lateness = bench_now() - late_deadline;
}

static double late_1ms(void)
{
    static QEMUTimer timer;

    if (!timer.timer_list) {
        aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, late_cb,
                       NULL);
    }
    lateness = -1;
    late_deadline = bench_now() + 1000000;
    timer_mod_ns(&timer, late_deadline);
    while (lateness < 0) {
        aio_poll(ctx, true);
    }
    return (double)lateness;
}

typedef struct TimerLine {
    const char *name;
    double (*sample)(void);
    BenchSamples samples;
} TimerLine;

int main(int argc, char **argv)
{
    TimerLine lines[] = {
        { .name = "d_timer_arm_10k", .sample = arm_10k },
        { .name = "d_timer_rearm_10k", .sample = rearm_10k },
        { .name = "d_timer_rearm_10", .sample = rearm_10 },
        { .name = "d_timer_fire_10k", .sample = fire_10k },
        { .name = "y_timer_fire", .sample = fire_floor },
        { .name = "d_timer_late_1ms", .sample = late_1ms },
    };
    int64_t end;

    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    for (int i = 0; i < MANY; i++) {
        aio_timer_init(ctx, &timers[i], QEMU_CLOCK_REALTIME, SCALE_NS, fire_cb,
                       NULL);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        TimerLine *line = &lines[i];
        line->samples = bench_samples(line->name, "ns");
        if (bench_wants(line->name)) {
            for (int k = 0; k < WARMUP; k++) {
                line->sample();
            }
            end = bench_deadline();
            do {
                bench_add(&line->samples, line->sample());
            } while (bench_now() < end);
        }
        bench_print(&line->samples);
    }
    aio_context_detach_current();
    aio_context_unref(ctx);
    return 0;
}
