/* SPDX-License-Identifier: MIT */
/* One iteration of the loop: order, progress, time-out. */
#include "loop.h"

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

/* Event notifiers that write their letter and stay set. */
typedef struct Source {
    EventNotifier e;
    char letter;
    void (*then)(struct Source *self);
} Source;

static Source a, b;

static void journal_source(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    journal_add(source->letter);
    if (source->then) {
        source->then(source);
    }
}

static bool never_ready(void *opaque)
{
    (void)opaque;
    return false;
}

static void source_init(Source *source, char letter, AioPollFn *io_poll)
{
    source->letter = letter;
    source->then = NULL;
    ASSERT_INT_EQ(event_notifier_init(&source->e, 0), 0);
    aio_set_event_notifier(ctx, &source->e, false, journal_source, io_poll);
}

static void source_cleanup(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, NULL, NULL);
    event_notifier_cleanup(&source->e);
}

static void clear(Source *self)
{
    ASSERT_INT_EQ(event_notifier_test_and_clear(&self->e), 1);
}

static void setup(void)
{
    loop_setup();
    journal_clear();
}

/* ---- Order ---- */

static void bottom_halves_run_before_handlers_and_those_before_timers(void)
{
    QEMUTimer timer;

    setup();
    source_init(&a, 'f', NULL);
    a.then = clear;
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    event_notifier_set(&a.e);
    aio_bh_schedule_oneshot(ctx, journal_cb, "b");
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "bft");
    source_cleanup(&a);
    loop_teardown();
}

static void schedule_b(Source *self)
{
    clear(self);
    aio_bh_schedule_oneshot(ctx, journal_cb, "b");
}

static void a_bottom_half_of_a_handler_runs_in_the_next_poll(void)
{
    setup();
    source_init(&a, 'a', NULL);
    a.then = schedule_b;
    event_notifier_set(&a.e);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "ab");
    source_cleanup(&a);
    loop_teardown();
}

/* ---- Progress ---- */

static void a_timer_is_progress(void)
{
    QEMUTimer timer;

    setup();
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "t");
    loop_teardown();
}

static void a_handler_is_progress(void)
{
    setup();
    source_init(&a, 'a', NULL);
    a.then = clear;
    ASSERT_FALSE(aio_poll(ctx, false));   /* the change of handlers is not */
    event_notifier_set(&a.e);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    source_cleanup(&a);
    loop_teardown();
}

static void an_idle_poll_is_none(void)
{
    setup();
    for (int i = 0; i < 10; i++) {
        ASSERT_FALSE(aio_poll(ctx, false));
    }
    loop_teardown();
}

static void notify_ctx(void *opaque)
{
    (void)opaque;
    aio_notify(ctx);
}

static void the_end_of_a_sleep_is_none(void)
{
    QEMUTimer timer;
    WhenAsleep w;

    setup();
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, now_ns() + HOUR);
    aio_poll(ctx, false);
    when_asleep(&w, notify_ctx, NULL);
    ASSERT_FALSE(when_asleep_poll(&w));
    when_asleep_join(&w);
    timer_del(&timer);
    loop_teardown();
}

/* ---- Time-out ---- */

static void a_blocking_poll_waits_for_the_timer(void)
{
    int64_t deadline;
    QEMUTimer timer;
    uint64_t sleeps;

    setup();
    timer_setup(&timer, journal_cb, "t");
    deadline = now_ns() + 10 * SCALE_MS;
    timer_mod(&timer, deadline);
    aio_poll(ctx, false);
    sleeps = ctx->stats.sleeps;
    while (!aio_poll(ctx, true)) {
        continue;
    }
    ASSERT_INT_GE(now_ns(), deadline);
    ASSERT_STR_EQ(journal, "t");
    ASSERT_INT_GT(ctx->stats.sleeps, sleeps);
    loop_teardown();
}

static void timeout_is_the_soonest_of_all(void)
{
    QEMUTimer timer;
    QEMUBH *bh;

    setup();
    bh = aio_bh_new(ctx, journal_cb, "b");
    timer_setup(&timer, journal_cb, "t");
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    timer_mod(&timer, now_ns() + HOUR);
    ASSERT_INT_GT(aio_compute_timeout(ctx), HOUR / 2);
    ASSERT_INT_LE(aio_compute_timeout(ctx), HOUR);
    qemu_bh_schedule_idle(bh);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 10 * SCALE_MS);
    timer_mod(&timer, now_ns() + 5 * SCALE_MS);
    ASSERT_INT_LE(aio_compute_timeout(ctx), 5 * SCALE_MS);
    timer_mod(&timer, 0);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
    timer_del(&timer);
    qemu_bh_schedule(bh);
    qemu_bh_delete(bh);
    loop_teardown();
}

static QEMUTimer near, far;

/* Long enough for another thread to do something first. */
#define SOON (300 * SCALE_MS)

static void arm_near(void *opaque)
{
    (void)opaque;
    timer_mod(&near, 0);
}

static void a_timer_from_another_thread_ends_the_sleep(void)
{
    WhenAsleep w;

    setup();
    timer_setup(&near, journal_cb, "n");
    timer_setup(&far, journal_cb, "f");
    timer_mod(&far, now_ns() + HOUR);
    aio_poll(ctx, false);
    when_asleep(&w, arm_near, NULL);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "n");
    when_asleep_join(&w);
    timer_del(&far);
    loop_teardown();
}

static void arm_far(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 100; i++) {
        timer_mod(&far, now_ns() + HOUR + i);
    }
}

static void a_later_timer_does_not_end_the_sleep(void)
{
    WhenAsleep w;
    uint64_t sent;

    setup();
    timer_setup(&near, journal_cb, "n");
    timer_setup(&far, journal_cb, "f");
    when_asleep(&w, arm_far, NULL);
    timer_mod(&near, now_ns() + SOON);
    aio_poll(ctx, false);
    sent = ctx->wakeup->sent;
    while (!aio_poll(ctx, true)) {
        continue;
    }
    when_asleep_join(&w);
    ASSERT_STR_EQ(journal, "n");
    ASSERT_INT_EQ(ctx->wakeup->sent, sent);
    timer_del(&far);
    loop_teardown();
}

static void move_near_behind_far(void *opaque)
{
    (void)opaque;
    timer_mod(&near, now_ns() + 2 * HOUR);
}

static void a_head_that_moves_back_wakes_the_loop_once_for_nothing(void)
{
    WhenAsleep w;
    uint64_t sent;

    setup();
    timer_setup(&near, journal_cb, "n");
    timer_setup(&far, journal_cb, "f");
    timer_mod(&far, now_ns() + HOUR);
    when_asleep(&w, move_near_behind_far, NULL);
    timer_mod(&near, now_ns() + SOON);
    aio_poll(ctx, false);
    sent = ctx->wakeup->sent;
    ASSERT_FALSE(aio_poll(ctx, true));
    when_asleep_join(&w);
    ASSERT_INT_EQ(ctx->wakeup->sent, sent);
    ASSERT_STR_EQ(journal, "");
    timer_del(&near);
    timer_del(&far);
    loop_teardown();
}

static void enable_virtual(void *opaque)
{
    (void)opaque;
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
}

static void enabling_a_clock_ends_the_sleep(void)
{
    QEMUTimer timer;
    WhenAsleep w;

    setup();
    aio_timer_init(ctx, &timer, QEMU_CLOCK_VIRTUAL, SCALE_NS, journal_cb, "v");
    timer_mod(&timer, 0);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    ASSERT_FALSE(aio_poll(ctx, true));    /* that was armed */
    when_asleep(&w, enable_virtual, NULL);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "v");
    when_asleep_join(&w);
    loop_teardown();
}

/* ---- When fds are looked at ---- */

static void on_the_scan_a_nonblocking_poll_skips_fds_if_all_can_be_polled(void)
{
    setup();
    loop_leave_the_ring();
    source_init(&a, 'a', never_ready);
    a.then = clear;
    ASSERT_FALSE(aio_poll_disabled(ctx));
    event_notifier_set(&a.e);
    for (int i = 0; i < 3; i++) {
        ASSERT_FALSE(aio_poll(ctx, false));
    }
    aio_poll(ctx, true);                  /* may be for the notification alone */
    while (!*journal) {
        aio_poll(ctx, true);
    }
    ASSERT_STR_EQ(journal, "a");
    source_cleanup(&a);
    loop_teardown();
}

static void one_handler_that_cannot_be_polled_makes_every_poll_look(void)
{
    setup();
    source_init(&a, 'a', never_ready);
    source_init(&b, 'b', NULL);
    ASSERT_TRUE(aio_poll_disabled(ctx));
    event_notifier_set(&a.e);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    source_cleanup(&b);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    aio_set_event_notifier(ctx, &a.e, false, journal_source, NULL);
    ASSERT_TRUE(aio_poll_disabled(ctx));
    source_cleanup(&a);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    loop_teardown();
}

/* ---- Nesting ---- */

static void poll_inside(Source *self)
{
    journal_add('{');
    clear(self);
    ASSERT_TRUE(aio_poll(ctx, false));
    journal_add('}');
}

static void what_a_nested_poll_has_run_does_not_run_again(void)
{
    setup();
    source_init(&a, 'a', NULL);
    source_init(&b, 'b', NULL);
    a.then = poll_inside;
    b.then = clear;
    event_notifier_set(&a.e);
    event_notifier_set(&b.e);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a{b}");
    ASSERT_FALSE(aio_poll(ctx, false));
    source_cleanup(&a);
    source_cleanup(&b);
    loop_teardown();
}

static void polls_are_counted(void)
{
    uint64_t polls, sleeps;

    setup();
    polls = ctx->stats.polls;
    sleeps = ctx->stats.sleeps;
    aio_poll(ctx, false);
    aio_notify(ctx);
    aio_poll(ctx, true);
    ASSERT_INT_EQ(ctx->stats.polls, polls + 2);
    ASSERT_INT_EQ(ctx->stats.sleeps, sleeps);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(bottom_halves_run_before_handlers_and_those_before_timers),
    TEST(a_bottom_half_of_a_handler_runs_in_the_next_poll),
    TEST(a_timer_is_progress),
    TEST(a_handler_is_progress),
    TEST(an_idle_poll_is_none),
    TEST(the_end_of_a_sleep_is_none),
    TEST(a_blocking_poll_waits_for_the_timer),
    TEST(timeout_is_the_soonest_of_all),
    TEST(a_timer_from_another_thread_ends_the_sleep),
    TEST(a_later_timer_does_not_end_the_sleep),
    TEST(a_head_that_moves_back_wakes_the_loop_once_for_nothing),
    TEST(enabling_a_clock_ends_the_sleep),
    TEST(on_the_scan_a_nonblocking_poll_skips_fds_if_all_can_be_polled),
    TEST(one_handler_that_cannot_be_polled_makes_every_poll_look),
    TEST(what_a_nested_poll_has_run_does_not_run_again),
    TEST(polls_are_counted),
)
