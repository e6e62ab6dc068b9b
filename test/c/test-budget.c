/* SPDX-License-Identifier: MIT */
/* One that always has more to do does not keep the others from their turn, nor
 * the loop from sleeping. */
#include "loop.h"
#include "notifiers.h"

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

TEST_MAIN(
    TEST(a_timer_that_arms_itself_in_the_past_lets_the_poll_end),
    TEST(nor_does_it_starve_bottom_halves_fds_or_timers),
    TEST(timers_that_were_due_come_first),
    TEST(two_such_timers_take_turns),
    TEST(a_bottom_half_that_schedules_itself_runs_once_a_poll),
    TEST(an_idle_one_that_does_sleeps_between_its_runs),
    TEST(one_scheduled_elsewhere_still_ends_a_sleep),
)
