/* SPDX-License-Identifier: MIT */
/* Bottom halves of several threads on one context. */
#include "loop.h"

static uint32_t made, ran, finished;
static int rounds;

static void count_run(void *opaque)
{
    (void)opaque;
    ran++;                        /* home thread: no atomic */
}

static void setup(void)
{
    loop_setup();
    made = ran = finished = 0;
}

/* Polls, blocking, until all threads of the gang have finished. */
static void thread_finished(void)
{
    qatomic_inc(&finished);
    aio_notify(ctx);
}

static void poll_until_finished(uint32_t count)
{
    while (qatomic_mb_read(&finished) != count) {
        aio_poll(ctx, true);
    }
    while (aio_poll(ctx, false)) {
        continue;
    }
}

static void flood(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    for (int i = 0; i < rounds; i++) {
        aio_bh_schedule_oneshot(ctx, count_run, NULL);
    }
    thread_finished();
}

static void no_oneshot_of_a_flood_is_lost(void)
{
    TestGang gang;

    setup();
    rounds = test_rounds(20000);
    test_gang_start(&gang, 4, flood, NULL);
    poll_until_finished(4);
    test_gang_join(&gang);
    ASSERT_INT_EQ(ran, 4 * rounds);
    loop_teardown();
}

/*
 * Work is made, then announced by a bottom half that may be pending already:
 * either its run sees the work, or it runs once more.
 */
static QEMUBH *announce;
static uint32_t seen;

static void see(void *opaque)
{
    (void)opaque;
    seen = qatomic_mb_read(&made);
}

static void make_and_announce(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    for (int i = 0; i < rounds; i++) {
        qatomic_inc(&made);
        qemu_bh_schedule(announce);
    }
}

static void no_announcement_is_lost(void)
{
    TestGang gang;

    setup();
    rounds = test_rounds(20000);
    announce = aio_bh_new(ctx, see, NULL);
    seen = 0;
    test_gang_start(&gang, 4, make_and_announce, NULL);
    /* A lost one leaves this asleep. */
    while (seen != 4 * (uint32_t)rounds) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    qemu_bh_delete(announce);
    loop_teardown();
}

/* Each announces alone and waits for the answer: the loop sleeps between. */
typedef struct Caller {
    QEMUBH *bh;
    QemuEvent answered;
    int plain;                    /* published by the bottom half alone */
    int expected;
} Caller;

static void answer(void *opaque)
{
    Caller *caller = opaque;

    ASSERT_INT_EQ(caller->plain, caller->expected);
    caller->plain = -caller->plain;
    qemu_event_set(&caller->answered);
}

static void call_and_wait(int index, void *opaque)
{
    Caller *caller = &((Caller *)opaque)[index];

    for (int i = 1; i <= rounds; i++) {
        caller->plain = caller->expected = i;
        qemu_event_reset(&caller->answered);
        qemu_bh_schedule(caller->bh);
        qemu_event_wait(&caller->answered);
        ASSERT_INT_EQ(caller->plain, -i);
    }
    thread_finished();
}

static void what_was_written_before_is_seen_in_the_callback(void)
{
    Caller callers[2];
    TestGang gang;

    setup();
    rounds = test_rounds(3000);
    for (int i = 0; i < 2; i++) {
        callers[i].bh = aio_bh_new(ctx, answer, &callers[i]);
        qemu_event_init(&callers[i].answered, false);
    }
    test_gang_start(&gang, 2, call_and_wait, callers);
    poll_until_finished(2);
    test_gang_join(&gang);
    for (int i = 0; i < 2; i++) {
        qemu_bh_delete(callers[i].bh);
    }
    loop_teardown();
}

/* ---- Everything at once ---- */

static uint32_t runs[TEST_MAX_THREADS];
static uint32_t barriers[TEST_MAX_THREADS];

static void count_in(void *opaque)
{
    qatomic_inc((uint32_t *)opaque);
}

/* Makes, schedules, cancels and deletes bottom halves at random; of those that
 * it schedules and leaves alone, every one has to run. */
static void do_anything(int index, void *opaque)
{
    uint64_t random = *(uint64_t *)opaque + (uint64_t)index;

    for (int i = 0; i < rounds; i++) {
        uint32_t others = 0;
        QEMUBH *bh = aio_bh_new(ctx, count_in, &runs[index]);
        QEMUBH *other = aio_bh_new(ctx, count_in, &others);
        uint32_t before = qatomic_read(&runs[index]);

        switch (test_random(&random) % 4) {
        case 0:
            qemu_bh_schedule(other);
            break;
        case 1:
            qemu_bh_schedule_idle(other);
            qemu_bh_cancel(other);
            break;
        case 2:
            qemu_bh_schedule(other);
            qemu_bh_schedule(other);
            break;
        default:
            break;
        }
        qemu_bh_schedule(bh);
        if (i % 8 == 0) {
            TEST_WAIT_UNTIL(qatomic_mb_read(&runs[index]) == before + 1);
        }
        qemu_bh_delete(bh);
        qemu_bh_delete(other);
        /* others lives on this stack: wait until the loop has freed both, which
         * it does before it runs what is scheduled later. The first one may be
         * about to run although it is deleted, so this counts by itself. */
        bh = aio_bh_new(ctx, count_in, &barriers[index]);
        qemu_bh_schedule(bh);
        TEST_WAIT_UNTIL(qatomic_mb_read(&barriers[index]) == (uint32_t)i + 1);
        qemu_bh_delete(bh);
    }
    thread_finished();
}

static void any_thread_may_do_anything(void)
{
    uint64_t seed = test_seed();
    TestGang gang;

    setup();
    rounds = test_rounds(1000);
    memset(runs, 0, sizeof(runs));
    memset(barriers, 0, sizeof(barriers));
    test_gang_start(&gang, 3, do_anything, &seed);
    poll_until_finished(3);
    test_gang_join(&gang);
    loop_teardown();
}

/* ---- Signals ---- */

#ifdef CONFIG_POSIX
static QEMUBH *from_signal;
static uint32_t signals;

static void on_signal(int number)
{
    (void)number;
    qatomic_inc(&signals);
    qemu_bh_schedule(from_signal);
}

static void a_signal_handler_may_schedule(void)
{
    struct itimerval often = { { 0, 50 }, { 0, 50 } }, never = { 0 };
    uint32_t others = 0;

    setup();
    from_signal = aio_bh_new(ctx, see, NULL);
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    while (qatomic_read(&signals) < 500) {
        aio_bh_schedule_oneshot(ctx, count_in, &others);
        aio_poll(ctx, false);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    aio_poll(ctx, false);
    ASSERT_INT_GE(others, 1);
    qemu_bh_delete(from_signal);
    loop_teardown();
}
#endif

TEST_PROGRAM(
    TEST(no_oneshot_of_a_flood_is_lost),
    TEST(no_announcement_is_lost),
    TEST(what_was_written_before_is_seen_in_the_callback),
    TEST(any_thread_may_do_anything),
#ifdef CONFIG_POSIX
    TEST(a_signal_handler_may_schedule),
#endif
)
