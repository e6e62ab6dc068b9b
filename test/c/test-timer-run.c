/* SPDX-License-Identifier: MIT */
/* Timers of a list: what call-backs may do, and what nobody may. */
#include "letters.h"

static int rearms;

static void rearm_now(Letter *self)
{
    if (--rearms > 0) {
        timer_mod_ns(&self->timer, 0);
    }
}

static void a_rearmed_due_timer_runs_again_in_the_same_pass(void)
{
    setup_letters();
    rearms = 4;
    a.then = rearm_now;
    timer_mod_ns(&a.timer, 0);
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "aaaa");
    teardown();
}

static int64_t later;

static void outlast_b(Letter *self)
{
    (void)self;
    while (now_ns() <= later) {
        continue;
    }
}

static void the_time_is_read_once_a_pass(void)
{
    setup_letters();
    later = now_ns() + 5 * SCALE_MS;
    timer_mod_ns(&a.timer, 0);
    timer_mod_ns(&b.timer, later);
    a.then = outlast_b;
    ASSERT_TRUE(timerlist_run_timers(group.tl[QEMU_CLOCK_REALTIME]));
    ASSERT_STR_EQ(written, "a");
    ASSERT_TRUE(run());
    ASSERT_STR_EQ(written, "ab");
    teardown();
}

static void del_b_and_arm_d(Letter *self)
{
    (void)self;
    ASSERT_TRUE(timer_pending(&b.timer));
    timer_del(&b.timer);
    ASSERT_FALSE(timer_pending(&b.timer));
    ASSERT_TRUE(timer_pending(&c.timer));
    timer_mod_ns(&d.timer, 25);
}

static void a_callback_may_change_what_else_is_due(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    timer_mod_ns(&c.timer, 30);
    a.then = del_b_and_arm_d;
    run();
    /* What is armed during a pass runs after what was due when the pass began. */
    ASSERT_STR_EQ(written, "acd");
    teardown();
}

static void free_timer(void *opaque)
{
    QEMUTimer **ts = opaque;

    timer_free(*ts);
    *ts = NULL;
}

static void a_callback_may_free_its_timer(void)
{
    QEMUTimer *ts;

    setup();
    ts = timer_new_full(&group, QEMU_CLOCK_REALTIME, SCALE_MS, 0, free_timer,
                        &ts);
    timer_mod(ts, 0);
    ASSERT_TRUE(run());
    ASSERT_PTR_EQ(ts, NULL);
    timer_free(NULL);
    teardown();
}

static void free_armed_timer_disarms(void)
{
    QEMUTimer *ts;

    setup();
    ts = timer_new_full(&group, QEMU_CLOCK_REALTIME, SCALE_MS, 0, free_timer,
                        &ts);
    timer_mod(ts, 0);
    timer_free(ts);
    ASSERT_FALSE(run());
    teardown();
}

static void run_nested(Letter *self)
{
    (void)self;
    /* b is due: the inner pass takes it. */
    ASSERT_TRUE(run());
    written[strlen(written)] = '.';
}

static void a_callback_may_run_timers(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 10);
    timer_mod_ns(&b.timer, 20);
    a.then = run_nested;
    run();
    ASSERT_STR_EQ(written, "ab.");
    teardown();
}

static void arm_b(void *opaque)
{
    (void)opaque;
    timer_mod_ns(&b.timer, 5);
}

static void arm_b_elsewhere(Letter *self)
{
    (void)self;
    test_elsewhere(arm_b, NULL);
}

static void callbacks_run_without_the_lock(void)
{
    setup_letters();
    a.then = arm_b_elsewhere;
    timer_mod_ns(&a.timer, 0);
    run();
    ASSERT_STR_EQ(written, "ab");
    teardown();
}

/* ---- Broken contracts ---- */

static void deinit_of_an_armed_timer_panics(void)
{
    setup_letters();
    timer_deinit(&b.timer);
    timer_mod_ns(&a.timer, 0);
    timer_deinit(&a.timer);
}

static void freeing_a_list_with_an_armed_timer_panics(void)
{
    setup_letters();
    timer_mod_ns(&a.timer, 0);
    teardown();
}

static void arming_after_deinit_panics(void)
{
    setup_letters();
    timer_deinit(&a.timer);
    timer_del(&a.timer);
    timer_mod_ns(&a.timer, 0);
}

TEST_PROGRAM(
    TEST(a_rearmed_due_timer_runs_again_in_the_same_pass),
    TEST(the_time_is_read_once_a_pass),
    TEST(a_callback_may_change_what_else_is_due),
    TEST(a_callback_may_free_its_timer),
    TEST(free_armed_timer_disarms),
    TEST(a_callback_may_run_timers),
    TEST(callbacks_run_without_the_lock),
    TEST_PANICS(deinit_of_an_armed_timer_panics, "is armed"),
    TEST_PANICS(freeing_a_list_with_an_armed_timer_panics,
                "1 timers of clock 0 are armed"),
    TEST_PANICS(arming_after_deinit_panics, "is not initialised"),
)
