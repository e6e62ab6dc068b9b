/* SPDX-License-Identifier: MIT */
/* Timers that belong to a context, and what it waits for because of them. */
#include "loop.h"

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

static void setup(void)
{
    loop_setup();
    journal_clear();
}

static void expect_fires(QEMUTimer *timer)
{
    journal_clear();
    timer_mod(timer, 0);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "t");
    ASSERT_FALSE(timer_pending(timer));
}

static void a_new_one_is_not_armed_and_runs_in_its_context(void)
{
    QEMUTimer *timer;

    setup();
    timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_MS, journal_cb, "t");
    ASSERT_FALSE(timer_pending(timer));
    ASSERT_PTR_EQ(timer->timer_list, ctx->tlg.tl[QEMU_CLOCK_REALTIME]);
    ASSERT_INT_EQ(timer->scale, SCALE_MS);
    ASSERT_INT_EQ(timer->attributes, 0);
    expect_fires(timer);
    timer_free(timer);
    loop_teardown();
}

static void one_with_attributes_keeps_them(void)
{
    QEMUTimer *timer;

    setup();
    timer = aio_timer_new_with_attrs(ctx, QEMU_CLOCK_HOST, SCALE_US,
                                     QEMU_TIMER_ATTR_EXTERNAL, journal_cb, "t");
    ASSERT_PTR_EQ(timer->timer_list, ctx->tlg.tl[QEMU_CLOCK_HOST]);
    ASSERT_INT_EQ(timer->attributes, QEMU_TIMER_ATTR_EXTERNAL);
    expect_fires(timer);
    timer_free(timer);
    loop_teardown();
}

static void the_caller_s_memory_does_as_well(void)
{
    QEMUTimer timer;

    setup();
    memset(&timer, 0xff, sizeof(timer));
    aio_timer_init(ctx, &timer, QEMU_CLOCK_VIRTUAL_RT, SCALE_NS, journal_cb,
                   "t");
    ASSERT_FALSE(timer_pending(&timer));
    ASSERT_INT_EQ(timer.attributes, 0);
    expect_fires(&timer);
    aio_timer_init_with_attrs(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS,
                              QEMU_TIMER_ATTR_EXTERNAL, journal_cb, "t");
    ASSERT_INT_EQ(timer.attributes, QEMU_TIMER_ATTR_EXTERNAL);
    expect_fires(&timer);
    loop_teardown();
}

static void the_context_waits_for_the_first_of_all_clocks(void)
{
    QEMUTimer near, far;

    setup();
    aio_timer_init(ctx, &far, QEMU_CLOCK_HOST, SCALE_NS, journal_cb, "f");
    aio_timer_init(ctx, &near, QEMU_CLOCK_REALTIME, SCALE_NS, journal_cb, "n");
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    timer_mod(&far, qemu_clock_get_ns(QEMU_CLOCK_HOST) + 2 * HOUR);
    ASSERT_INT_GT(aio_compute_timeout(ctx), HOUR);
    timer_mod(&near, now_ns() + HOUR);
    ASSERT_INT_LE(aio_compute_timeout(ctx), HOUR);
    ASSERT_INT_GT(aio_compute_timeout(ctx), HOUR / 2);
    timer_mod(&near, 0);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
    timer_del(&near);
    timer_del(&far);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    loop_teardown();
}

/* Clocks are run in their order: REALTIME, VIRTUAL, HOST, VIRTUAL_RT. */
static void clocks_have_their_order(void)
{
    static char *const letters[] = { "r", "v", "h", "x" };
    QEMUTimer timers[QEMU_CLOCK_MAX];

    setup();
    for (int i = QEMU_CLOCK_MAX - 1; i >= 0; i--) {
        aio_timer_init(ctx, &timers[i], (QEMUClockType)i, SCALE_NS, journal_cb,
                       letters[i]);
        timer_mod(&timers[i], 0);
    }
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "rhx");         /* the virtual one stands still */
    timer_del(&timers[QEMU_CLOCK_VIRTUAL]);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(a_new_one_is_not_armed_and_runs_in_its_context),
    TEST(one_with_attributes_keeps_them),
    TEST(the_caller_s_memory_does_as_well),
    TEST(the_context_waits_for_the_first_of_all_clocks),
    TEST(clocks_have_their_order),
)
