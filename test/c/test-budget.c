/* SPDX-License-Identifier: MIT */
/* One that always has more to do does not keep the others from their turn, nor
 * the loop from sleeping. */
#include "loop.h"
#include "notifiers.h"
#include "time/clock.h"

static QEMUTimer past, other;
static int fires;

static void setup(void)
{
    loop_setup();
    journal_clear();
    fires = 0;
}

static void rearm(void *opaque)
{
    fires++;
    timer_mod(opaque, 0);
}

/* As of 2021 this poll would not end. */
static void a_timer_that_arms_itself_in_the_past_lets_the_poll_end(void)
{
    setup();
    timer_setup(&past, rearm, &past);
    timer_mod(&past, 0);
    for (int i = 0; i < 10; i++) {
        int before = fires;
        ASSERT_TRUE(aio_poll(ctx, true));
        ASSERT_INT_GT(fires, before);
        ASSERT_INT_LE(fires, before + 100);
    }
    timer_del(&past);
    loop_teardown();
}

static void nor_does_it_starve_bottom_halves_fds_or_timers(void)
{
    Source source;

    setup();
    source_init(&source, 'f');
    source_watch(&source);
    source.then = source_clear;
    timer_setup(&past, rearm, &past);
    timer_setup(&other, journal_cb, "t");
    timer_mod(&past, 0);
    for (int i = 0; i < 5; i++) {
        aio_poll(ctx, true);
        journal_clear();
        event_notifier_set(&source.e);
        aio_bh_schedule_oneshot(ctx, journal_cb, "b");
        timer_mod(&other, now_ns());
        ASSERT_TRUE(aio_poll(ctx, true));
        if (strlen(journal) < 3) {
            aio_poll(ctx, true);           /* where an fd first notifies */
        }
        ASSERT_TRUE(strchr(journal, 'b') && strchr(journal, 'f') &&
                    strchr(journal, 't'));
        ASSERT_INT_EQ(strlen(journal), 3);
    }
    timer_del(&past);
    source_cleanup(&source);
    loop_teardown();
}

/* Those that are due when a pass begins come before what it arms anew. */
static void timers_that_were_due_come_first(void)
{
    QEMUTimer due[50];

    setup();
    timer_setup(&past, rearm, &past);
    timer_mod(&past, 0);
    for (int i = 0; i < 50; i++) {
        timer_setup(&due[i], journal_cb, "d");
        timer_mod(&due[i], now_ns());
    }
    while (strlen(journal) < 50) {
        ASSERT_INT_EQ(fires, 0);
        aio_poll(ctx, true);
    }
    timer_del(&past);
    loop_teardown();
}

static void two_such_timers_take_turns(void)
{
    int64_t before;

    setup();
    timer_setup(&past, rearm, &past);
    timer_setup(&other, rearm, &other);
    timer_mod(&past, 0);
    timer_mod(&other, 0);
    before = now_ns();
    for (int i = 0; i < 10; i++) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_LT(now_ns() - before, 10 * NANOSECONDS_PER_SECOND);
    ASSERT_INT_GE(fires, 20);
    timer_del(&past);
    timer_del(&other);
    loop_teardown();
}

/* ---- However a call-back arms timers, older ones that are due run ---- */

enum { FRESH = 400 };
static QEMUTimer fresh[FRESH];

static void rearm_twice(void *opaque)
{
    rearm(opaque);
    timer_mod(opaque, 0);
}

static void arm_two_fresh(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2 && fires < FRESH; i++) {
        timer_mod(&fresh[fires++], 0);
    }
}

/* A greedy timer runs beside one that becomes due: how many polls that one takes. */
static int polls_beside(QEMUTimerCB *greedy)
{
    int polls = 0;

    timer_setup(&past, greedy, &past);
    timer_setup(&other, journal_cb, "t");
    for (int i = 0; i < FRESH; i++) {
        timer_setup(&fresh[i], greedy, &fresh[i]);
    }
    timer_mod(&past, 0);
    aio_poll(ctx, false);
    timer_mod(&other, now_ns());
    while (!*journal && polls < 10) {
        aio_poll(ctx, false);
        polls++;
    }
    timer_del(&past);
    for (int i = 0; i < FRESH; i++) {
        timer_del(&fresh[i]);
    }
    timer_del(&other);
    return polls;
}

static void a_timer_that_is_armed_twice_in_its_call_back_starves_none(void)
{
    setup();
    ASSERT_INT_EQ(polls_beside(rearm_twice), 1);
    loop_teardown();
}

static void nor_do_fresh_timers_that_are_armed_in_the_past(void)
{
    setup();
    ASSERT_INT_EQ(polls_beside(arm_two_fresh), 1);
    loop_teardown();
}

/* The heap keeps 40 bits of the number of an arming. */
static void nor_is_that_lost_after_2_to_the_40_armings(void)
{
    setup();
    ctx->tlg.tl[QEMU_CLOCK_REALTIME]->heap.turn = (UINT64_C(1) << 40) - 100;
    for (int i = 0; i < 10; i++) {
        journal_clear();
        ASSERT_INT_EQ(polls_beside(rearm), 1);
        ASSERT_INT_LE(fires, 200 * (i + 1));
    }
    ASSERT_INT_GT(ctx->tlg.tl[QEMU_CLOCK_REALTIME]->heap.turn,
                  UINT64_C(1) << 40);
    loop_teardown();
}

static QEMUBH *bh;
static int runs;

static void reschedule(void *opaque)
{
    (void)opaque;
    runs++;
    qemu_bh_schedule(bh);
}

/* Every poll has progress then; fds and timers have their turn. */
static void a_bottom_half_that_schedules_itself_runs_once_a_poll(void)
{
    Source source;

    setup();
    source_init(&source, 'f');
    source_watch(&source);
    source.then = source_clear;
    timer_setup(&other, journal_cb, "t");
    bh = aio_bh_new(ctx, reschedule, NULL);
    qemu_bh_schedule(bh);
    event_notifier_set(&source.e);
    timer_mod(&other, 0);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "ft");
    for (int i = 2; i <= 10; i++) {
        ASSERT_TRUE(aio_poll(ctx, true));
        ASSERT_INT_EQ(runs, i);
    }
    qemu_bh_delete(bh);
    source_cleanup(&source);
    loop_teardown();
}

/* docs/loop.md: a handler with io_poll has its turn in every 32nd iteration at least. */
enum { POLLS_AT_MOST = 32 };

static bool io_poll_source(void *opaque)
{
    EventNotifier *e = opaque;

    if (!event_notifier_test_and_clear(e)) {
        return false;
    }
    journal_add('p');
    return true;
}

static int polls_until_served(Source *source, bool blocking)
{
    int polls = 0;

    journal_clear();
    event_notifier_set(&source->e);
    while (!*journal && polls <= POLLS_AT_MOST) {
        aio_poll(ctx, blocking);
        polls++;
    }
    return polls;
}

/* poll_max_ns, and how the monitor is made to be each that there is. */
static void serve_beside_a_busy_bottom_half(int64_t poll_max_ns, int handlers)
{
    Source source, more[70];

    setup();
    aio_context_set_poll_params(ctx, poll_max_ns, 0, 0, &error_abort);
    source_init(&source, 'f');
    source.then = source_clear;
    aio_set_event_notifier(ctx, &source.e, false, source_cb, io_poll_source);
    for (int i = 0; i < handlers; i++) {
        source_init(&more[i], 'm');
        aio_set_event_notifier(ctx, &more[i].e, false, source_cb,
                               io_poll_source);
    }
    bh = aio_bh_new(ctx, reschedule, NULL);
    qemu_bh_schedule(bh);
    for (int i = 0; i < 20; i++) {
        ASSERT_INT_LE(polls_until_served(&source, i % 2), POLLS_AT_MOST);
    }
    qemu_bh_delete(bh);
    for (int i = 0; i < handlers; i++) {
        source_cleanup(&more[i]);
    }
    source_cleanup(&source);
    loop_teardown();
}

static void handlers_with_io_poll_have_their_turn_beside_it(void)
{
    serve_beside_a_busy_bottom_half(0, 0);
    serve_beside_a_busy_bottom_half(32000, 0);
}

static void so_they_have_on_the_ready_list(void)
{
    serve_beside_a_busy_bottom_half(0, 70);
    serve_beside_a_busy_bottom_half(32000, 70);
}

static void reschedule_idle(void *opaque)
{
    (void)opaque;
    runs++;
    qemu_bh_schedule_idle(bh);
}

/* As of 2021 this one spins under aio_poll: no sleep at all. */
static void an_idle_one_that_does_sleeps_between_its_runs(void)
{
    uint64_t sleeps;
    int64_t start;

    setup();
    bh = aio_bh_new(ctx, reschedule_idle, NULL);
    qemu_bh_schedule_idle(bh);
    aio_poll(ctx, true);
    sleeps = ctx->stats.sleeps;
    start = now_ns();
    runs = 0;
    for (int i = 0; i < 4; i++) {
        ASSERT_FALSE(aio_poll(ctx, true));
    }
    ASSERT_INT_EQ(runs, 4);
    ASSERT_INT_EQ(ctx->stats.sleeps, sleeps + 4);
    ASSERT_INT_GE(now_ns() - start, 40 * SCALE_MS);
    qemu_bh_delete(bh);
    loop_teardown();
}

static void schedule_bh_idle(void *opaque)
{
    (void)opaque;
    qemu_bh_schedule_idle(bh);
}

static void one_scheduled_elsewhere_still_ends_a_sleep(void)
{
    WhenAsleep w;

    setup();
    bh = aio_bh_new(ctx, journal_cb, "i");
    when_asleep(&w, schedule_bh_idle, NULL);
    while (!journal[0]) {
        ASSERT_FALSE(aio_poll(ctx, true));
    }
    when_asleep_join(&w);
    qemu_bh_delete(bh);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(a_timer_that_arms_itself_in_the_past_lets_the_poll_end),
    TEST(nor_does_it_starve_bottom_halves_fds_or_timers),
    TEST(timers_that_were_due_come_first),
    TEST(two_such_timers_take_turns),
    TEST(a_timer_that_is_armed_twice_in_its_call_back_starves_none),
    TEST(nor_do_fresh_timers_that_are_armed_in_the_past),
    TEST(nor_is_that_lost_after_2_to_the_40_armings),
    TEST(a_bottom_half_that_schedules_itself_runs_once_a_poll),
    TEST(handlers_with_io_poll_have_their_turn_beside_it),
    TEST(so_they_have_on_the_ready_list),
    TEST(an_idle_one_that_does_sleeps_between_its_runs),
    TEST(one_scheduled_elsewhere_still_ends_a_sleep),
)
