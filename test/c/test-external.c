/* SPDX-License-Identifier: MIT */
/* External handlers stand still while they are disabled. */
#include "loop.h"
#include "notifiers.h"

static Source inside, outside;

static void setup(void)
{
    loop_setup();
    journal_clear();
    source_init(&inside, 'i');
    source_init(&outside, 'x');
    source_watch(&inside);
    aio_set_event_notifier(ctx, &outside.e, true, source_cb, NULL);
}

static void teardown(void)
{
    source_cleanup(&inside);
    source_cleanup(&outside);
    loop_teardown();
}

static void both_run_while_nothing_is_disabled(void)
{
    setup();
    event_notifier_set(&inside.e);
    event_notifier_set(&outside.e);
    ASSERT_STR_EQ(poll_once(), "ix");
    teardown();
}

static void disabled_they_do_not_run_and_the_others_do(void)
{
    setup();
    event_notifier_set(&inside.e);
    event_notifier_set(&outside.e);
    aio_disable_external(ctx);
    for (int i = 0; i < 3; i++) {
        ASSERT_STR_EQ(poll_once(), "i");
    }
    aio_enable_external(ctx);
    teardown();
}

static void an_event_that_came_meanwhile_is_not_lost(void)
{
    setup();
    aio_disable_external(ctx);
    event_notifier_set(&outside.e);
    ASSERT_STR_EQ(poll_once(), "");
    aio_enable_external(ctx);
    ASSERT_STR_EQ(poll_once(), "x");
    teardown();
}

static void disabling_nests(void)
{
    setup();
    event_notifier_set(&outside.e);
    for (int i = 0; i < 3; i++) {
        aio_disable_external(ctx);
    }
    for (int i = 0; i < 3; i++) {
        ASSERT_TRUE(aio_external_disabled(ctx));
        ASSERT_STR_EQ(poll_once(), "");
        aio_enable_external(ctx);
    }
    ASSERT_FALSE(aio_external_disabled(ctx));
    ASSERT_STR_EQ(poll_once(), "x");
    teardown();
}

static void node_check_tells_which_kind_may_run(void)
{
    setup();
    ASSERT_TRUE(aio_node_check(ctx, true));
    ASSERT_TRUE(aio_node_check(ctx, false));
    aio_disable_external(ctx);
    ASSERT_FALSE(aio_node_check(ctx, true));
    ASSERT_TRUE(aio_node_check(ctx, false));
    aio_enable_external(ctx);
    ASSERT_TRUE(aio_node_check(ctx, true));
    teardown();
}

static void the_last_enable_notifies_and_no_other_call_does(void)
{
    setup();
    poll_once();
    aio_disable_external(ctx);
    aio_disable_external(ctx);
    ASSERT_FALSE(ctx->wakeup->notified);
    aio_enable_external(ctx);
    ASSERT_FALSE(ctx->wakeup->notified);
    aio_enable_external(ctx);
    ASSERT_TRUE(ctx->wakeup->notified);
    teardown();
}

static void enable(void *opaque)
{
    (void)opaque;
    aio_enable_external(ctx);
}

static void enabling_from_another_thread_ends_the_sleep(void)
{
    WhenAsleep w;

    setup();
    outside.then = source_clear;
    for (int i = 0; i < 20; i++) {
        aio_disable_external(ctx);
        event_notifier_set(&outside.e);
        while (poll_once()[0]) {
            continue;
        }
        when_asleep(&w, enable, NULL);
        while (!aio_poll(ctx, true)) {
            continue;
        }
        ASSERT_STR_EQ(journal, "x");
        when_asleep_join(&w);
    }
    teardown();
}

static void disable(Source *self)
{
    (void)self;
    aio_disable_external(ctx);
}

/* inside is older and runs first; outside was found ready in the same wait. */
static void found_ready_already_one_does_not_run_any_more(void)
{
    setup();
    inside.then = disable;
    event_notifier_set(&inside.e);
    event_notifier_set(&outside.e);
    ASSERT_STR_EQ(poll_once(), "i");
    aio_enable_external(ctx);
    inside.then = NULL;
    ASSERT_STR_EQ(poll_once(), "ix");
    teardown();
}

static void disable_bh(void *opaque)
{
    (void)opaque;
    aio_disable_external(ctx);
}

static void disabled_by_a_bottom_half_none_runs_after_it(void)
{
    setup();
    event_notifier_set(&outside.e);
    aio_bh_schedule_oneshot(ctx, disable_bh, NULL);
    ASSERT_STR_EQ(poll_once(), "");
    aio_enable_external(ctx);
    ASSERT_STR_EQ(poll_once(), "x");
    teardown();
}

static int reads, writes;

static void disable_in_read(void *opaque)
{
    (void)opaque;
    reads++;
    aio_disable_external(ctx);
}

static void count_write(void *opaque)
{
    (void)opaque;
    writes++;
}

static void disabled_by_its_read_its_write_does_not_run(void)
{
    int fd;

    setup();
    reads = writes = 0;
    fd = event_notifier_get_fd(&outside.e);
    aio_set_fd_handler(ctx, fd, true, disable_in_read, count_write, NULL, NULL);
    event_notifier_set(&outside.e);
    poll_once();
    ASSERT_INT_EQ(reads, 1);
    ASSERT_INT_EQ(writes, 0);
    aio_enable_external(ctx);
    teardown();
}

static int polls;

static bool count_poll(void *opaque)
{
    (void)opaque;
    polls++;
    return false;
}

/* Every handler has an io_poll here, so a loop that may poll does. */
static void disabled_they_are_not_polled_either(void)
{
    setup();
    source_unwatch(&inside);
    polls = 0;
    aio_set_event_notifier(ctx, &outside.e, true, source_cb, count_poll);
    event_notifier_set(&outside.e);
    while (!journal[0]) {
        aio_poll(ctx, true);              /* once ready, it is polled */
    }
    event_notifier_test_and_clear(&outside.e);
    ctx->poll_max_ns = ctx->poll_ns = 100 * SCALE_US;
    aio_notify(ctx);
    aio_poll(ctx, true);
    ASSERT_INT_GT(polls, 0);
    polls = 0;
    ctx->poll_ns = 100 * SCALE_US;
    aio_disable_external(ctx);
    aio_notify(ctx);
    aio_poll(ctx, true);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(polls, 0);
    aio_enable_external(ctx);
    teardown();
}

static void contexts_are_disabled_one_by_one(void)
{
    AioContext *other = aio_context_new(&error_abort);

    setup();
    aio_disable_external(other);
    ASSERT_FALSE(aio_external_disabled(ctx));
    event_notifier_set(&outside.e);
    ASSERT_STR_EQ(poll_once(), "x");
    aio_enable_external(other);
    aio_context_unref(other);
    teardown();
}

static void toggle(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    for (int i = 0; i < test_rounds(2000); i++) {
        aio_disable_external(ctx);
        aio_enable_external(ctx);
    }
}

static void any_thread_may_disable_and_enable(void)
{
    setup();
    test_in_threads(4, toggle, NULL);
    ASSERT_FALSE(aio_external_disabled(ctx));
    event_notifier_set(&outside.e);
    ASSERT_STR_EQ(poll_once(), "x");
    teardown();
}

static void enabling_below_zero_panics(void)
{
    setup();
    aio_disable_external(ctx);
    aio_enable_external(ctx);
    aio_enable_external(ctx);
}

TEST_PROGRAM(
    TEST(both_run_while_nothing_is_disabled),
    TEST(disabled_they_do_not_run_and_the_others_do),
    TEST(an_event_that_came_meanwhile_is_not_lost),
    TEST(disabling_nests),
    TEST(node_check_tells_which_kind_may_run),
    TEST(the_last_enable_notifies_and_no_other_call_does),
    TEST(enabling_from_another_thread_ends_the_sleep),
    TEST(found_ready_already_one_does_not_run_any_more),
    TEST(disabled_by_a_bottom_half_none_runs_after_it),
    TEST(disabled_by_its_read_its_write_does_not_run),
    TEST(disabled_they_are_not_polled_either),
    TEST(contexts_are_disabled_one_by_one),
    TEST(any_thread_may_disable_and_enable),
    TEST_PANICS(enabling_below_zero_panics, "external handlers are not disabled"),
)
