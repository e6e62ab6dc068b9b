/* SPDX-License-Identifier: MIT */
/*
 * What the loops of the page "Loop explorer" do. The page is lane 0, its IOThreads are
 * lanes 1, 2, and so on. One workload runs at a time, in rounds: a lane that leads
 * begins a round by a timer, so many times a second, or as soon as the last round has
 * ended (rate 0).
 */
#include "block/aio.h"
#include "qemu/coroutine.h"
#include "qemu/event_notifier.h"
#include "qemu/timer.h"

#define EXPORT(name) __attribute__((export_name(#name), used))

enum { MAX_LANES = 9, HOPS = 16, DROPS = 32, MAX_DROPS = 1024, ITEMS = 8, TIMERS = 5, WALKERS = 4 };
enum Kind { PING_PONG, FAN_OUT, FLOOD, TIMERS_ONLY, PIPELINE, WANDER };

/* A ring of bytes, which one lane writes and one reads. */
typedef struct Pipe {
    EventNotifier readable;
    char items[ITEMS];           /* no more are on their way at any time */
    unsigned written, taken;
} Pipe;

typedef struct Lane {
    AioContext *ctx;
    void (*round)(struct Lane *);
    QEMUTimer timer;             /* begins the next round that this lane leads */
    QEMUTimer timers[TIMERS];
    struct Lane *peer, *at;      /* ping-pong: the other lane, and where the ball is */
    int left;                    /* of this round: hops, answers or items */
    Pipe pipe;                   /* pipeline: what this lane reads */
    unsigned random;
} Lane;

static Lane lanes[MAX_LANES];
static int count;
static int64_t period_ns, work_ns;
/* What has begun and not ended: the next round of a leader, a bottom half, a coroutine. */
static int active, drops;
static int pipes;                /* that are open */
static bool stopping;

static int64_t now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

static void work(void)
{
    for (int64_t end = now() + work_ns; now() < end; ) {
    }
}

static unsigned chance(Lane *lane, unsigned below)
{
    lane->random = lane->random * 1103515245 + 12345;
    return (lane->random >> 16) % below;
}

static void lead(void *opaque)
{
    Lane *lane = opaque;

    if (qatomic_read(&stopping)) {
        qatomic_dec(&active);
        return;
    }
    lane->round(lane);
}

static void next_round(Lane *lane)
{
    if (period_ns && !qatomic_read(&stopping)) {
        timer_mod(&lane->timer, now() + period_ns);
    } else {
        aio_bh_schedule_oneshot_full(lane->ctx, lead, lane, "next round");
    }
}

static void leads(Lane *lane, void (*round)(Lane *))
{
    lane->round = round;
    aio_timer_init(lane->ctx, &lane->timer, QEMU_CLOCK_REALTIME, SCALE_NS, lead, lane);
    qatomic_inc(&active);
    aio_bh_schedule_oneshot_full(lane->ctx, lead, lane, "first round");
}

/* ---- Ping-pong: pairs of lanes send a ball to and fro ---- */

static void hit(void *opaque)
{
    Lane *lane = opaque;

    work();
    if (--lane->left == 0) {
        next_round(lane);
        return;
    }
    lane->at = lane->at == lane ? lane->peer : lane;
    aio_bh_schedule_oneshot_full(lane->at->ctx, hit, lane, lane->at == lane ? "pong" : "ping");
}

static void serve_ball(Lane *lane)
{
    lane->left = HOPS;
    lane->at = lane->peer;
    aio_bh_schedule_oneshot_full(lane->at->ctx, hit, lane, "ping");
}

/* ---- Fan-out: the page asks all threads at once, and waits for all answers ---- */

static void answer(void *opaque)
{
    (void)opaque;
    if (--lanes[0].left == 0) {
        next_round(&lanes[0]);
    }
}

static void question(void *opaque)
{
    work();
    aio_bh_schedule_oneshot_full(lanes[0].ctx, answer, opaque, "answer");
}

static void ask_all(Lane *lane)
{
    lane->left = count - 1;
    for (int i = 1; i < count; i++) {
        aio_bh_schedule_oneshot_full(lanes[i].ctx, question, &lanes[i], "question");
    }
}

/* ---- Flood: all others schedule bottom halves in the first thread ---- */

static void drop(void *opaque)
{
    (void)opaque;
    qatomic_dec(&drops);
    qatomic_dec(&active);
}

static void pour(Lane *lane)
{
    for (int i = 0; i < DROPS && qatomic_read(&drops) < MAX_DROPS; i++) {
        qatomic_inc(&active);
        qatomic_inc(&drops);
        aio_bh_schedule_oneshot_full(lanes[1].ctx, drop, NULL, "drop");
    }
    next_round(lane);
}

/* ---- Timers: each lane has some, which expire at random times ---- */

static void arm(Lane *lane, QEMUTimer *timer)
{
    int64_t base = period_ns ? period_ns : 100 * SCALE_US;

    timer_mod(timer, now() + base / 2 + base * (int64_t)chance(lane, 1000) / 500);
}

static void expired(Lane *lane, int n)
{
    if (qatomic_read(&stopping)) {
        qatomic_dec(&active);
        return;
    }
    work();
    arm(lane, &lane->timers[n]);
}

/* A name in the trace for each. */
static void timer_a(void *opaque) { expired(opaque, 0); }
static void timer_b(void *opaque) { expired(opaque, 1); }
static void timer_c(void *opaque) { expired(opaque, 2); }
static void timer_d(void *opaque) { expired(opaque, 3); }
static void timer_e(void *opaque) { expired(opaque, 4); }

static void arm_all(Lane *lane)
{
    static QEMUTimerCB *const names[TIMERS] = { timer_a, timer_b, timer_c, timer_d, timer_e };

    for (int i = 0; i < TIMERS; i++) {
        aio_timer_init(lane->ctx, &lane->timers[i], QEMU_CLOCK_REALTIME, SCALE_NS, names[i], lane);
        qatomic_inc(&active);
        arm(lane, &lane->timers[i]);
    }
    qatomic_dec(&active);
}

/* ---- Pipeline: each lane reads its pipe and writes to that of the next ---- */

static void put(Lane *to, char item)
{
    Pipe *pipe = &to->pipe;

    pipe->items[pipe->written % ITEMS] = item;
    qatomic_store_release(&pipe->written, pipe->written + 1);
    event_notifier_set(&pipe->readable);
}

/* Takes the next item; returns false if there is none. */
static bool take(Lane *lane, char *item)
{
    Pipe *pipe = &lane->pipe;

    if (qatomic_load_acquire(&pipe->written) == pipe->taken) {
        return false;
    }
    *item = pipe->items[pipe->taken % ITEMS];
    pipe->taken++;
    return true;
}

static Lane *reader_of(EventNotifier *notifier)
{
    return container_of(notifier, Lane, pipe.readable);
}

/* What a loop that polls looks at. */
static bool has_items(void *opaque)
{
    Pipe *pipe = &reader_of(opaque)->pipe;

    return qatomic_load_acquire(&pipe->written) != pipe->taken;
}

static void pass_on(EventNotifier *notifier)
{
    Lane *lane = reader_of(notifier);
    char item;

    event_notifier_test_and_clear(notifier);
    while (take(lane, &item)) {
        work();
        put(&lanes[(lane - lanes + 1) % count], item);
    }
}

static void collect(EventNotifier *notifier)
{
    Lane *lane = reader_of(notifier);
    char item;

    event_notifier_test_and_clear(notifier);
    while (take(lane, &item)) {
        if (--lane->left == 0) {
            next_round(lane);
        }
    }
}

static void feed(Lane *lane)
{
    lane->left = ITEMS;
    for (int i = 0; i < ITEMS; i++) {
        put(&lanes[1], (char)i);
    }
}

/* Returns false if there is no memory. */
static bool open_pipes(void)
{
    for (; pipes < count; pipes++) {
        Lane *lane = &lanes[pipes];
        EventNotifierHandler *handler = pipes ? pass_on : collect;

        if (event_notifier_init(&lane->pipe.readable, false) < 0) {
            return false;
        }
        aio_set_event_notifier_full(lane->ctx, &lane->pipe.readable, false, handler, has_items, handler);
    }
    return true;
}

static void close_pipes(void)
{
    while (pipes > 0) {
        Lane *lane = &lanes[--pipes];

        aio_set_event_notifier(lane->ctx, &lane->pipe.readable, false, NULL, NULL);
        event_notifier_cleanup(&lane->pipe.readable);
    }
}

/* ---- Wander: coroutines that go from lane to lane ---- */

static void coroutine_fn walk(void *opaque)
{
    Lane *lane = opaque;

    while (!qatomic_read(&stopping)) {
        for (int i = 0; i < 4; i++) {
            aio_co_reschedule_self(lanes[chance(lane, (unsigned)count)].ctx);
            work();
        }
        if (period_ns) {
            qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, period_ns);
        }
    }
    qatomic_dec(&active);
}

static void set_out(void)
{
    static const char *const names[WALKERS] = { "walker A", "walker B", "walker C", "walker D" };

    for (int i = 0; i < WALKERS; i++) {
        qatomic_inc(&active);
        aio_co_schedule(lanes[i % count].ctx, qemu_coroutine_create_full(walk, &lanes[i], names[i]));
    }
}

/* ---- Called by the page; only while nothing is active ---- */

EXPORT(explorer_lane) void explorer_lane(int n, AioContext *ctx);
void explorer_lane(int n, AioContext *ctx)
{
    lanes[n].ctx = ctx;
    lanes[n].random = (unsigned)n * 7919 + 1;
}

/* Begins a workload in the first n lanes; returns false if that is impossible. */
EXPORT(explorer_start) int explorer_start(int kind, int n, int rate, int work_us);
int explorer_start(int kind, int n, int rate, int work_us)
{
    count = n;
    period_ns = rate ? NANOSECONDS_PER_SECOND / rate : 0;
    work_ns = (int64_t)work_us * SCALE_US;
    stopping = false;
    switch ((enum Kind)kind) {
    case PING_PONG:
        for (int i = n - 1; i > 0; i -= 2) {
            lanes[i - 1].peer = &lanes[i];
            leads(&lanes[i - 1], serve_ball);
        }
        break;
    case FAN_OUT:
        leads(&lanes[0], ask_all);
        break;
    case FLOOD:
        for (int i = n > 2 ? 2 : 0; i < n; i += n > 2 ? 1 : n) {
            leads(&lanes[i], pour);
        }
        break;
    case TIMERS_ONLY:
        for (int i = 0; i < n; i++) {
            leads(&lanes[i], arm_all);
        }
        break;
    case PIPELINE:
        if (!open_pipes()) {
            close_pipes();
            return false;
        }
        leads(&lanes[0], feed);
        break;
    case WANDER:
        set_out();
        break;
    }
    return true;
}

/* Ends the workload when its present rounds are over: explorer_active() is 0 then. */
EXPORT(explorer_stop) void explorer_stop(void);
void explorer_stop(void)
{
    qatomic_set(&stopping, true);
}

EXPORT(explorer_active) int explorer_active(void);
int explorer_active(void)
{
    return qatomic_mb_read(&active);
}

/* Frees what the workload has used, once nothing is active. */
EXPORT(explorer_end) void explorer_end(void);
void explorer_end(void)
{
    close_pipes();
}
