/* SPDX-License-Identifier: MIT */
/* Looking at a context: aio_context_dump. */
#include "loop.h"
#include "notifiers.h"

static char text[4096];

static void add_line(void *opaque, const char *line)
{
    (void)opaque;
    ASSERT_TRUE(strchr(line, '\n') == NULL);
    ASSERT_INT_LT(strlen(text) + strlen(line) + 2, sizeof(text));
    strcat(text, line);
    strcat(text, "\n");
}

static const char *dump(void)
{
    text[0] = 0;
    aio_context_dump(ctx, add_line, NULL);
    return text;
}

static void expect(const char *part)
{
    if (!strstr(text, part)) {
        TEST_FAIL("no '%s' in:\n%s", part, text);
    }
}

static void expect_not(const char *part)
{
    if (strstr(text, part)) {
        TEST_FAIL("'%s' in:\n%s", part, text);
    }
}

static void do_nothing(void *opaque)
{
    (void)opaque;
}

static void just_dump(void *opaque)
{
    (void)opaque;
    dump();
}

static void counters_are_shown(void)
{
    char line[64];

    loop_setup();
    for (int i = 0; i < 3; i++) {
        aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    }
    aio_poll(ctx, false);
    snprintf(line, sizeof(line), "polls %" PRIu64 ", ", ctx->stats.polls);
    dump();
    expect(line);
    expect("bottom halves 3");
    loop_teardown();
}

static void handlers_are_shown_and_the_loop_s_own_is_not(void)
{
    Source source;
    char line[64];

    loop_setup();
    dump();
    expect_not("  fd ");
    source_init(&source, 's');
    aio_set_event_notifier(ctx, &source.e, true, source_cb, NULL);
    dump();
    snprintf(line, sizeof(line), "  fd %d: read, external\n",
             event_notifier_get_fd(&source.e));
    expect(line);
    source_unwatch(&source);
    dump();
    expect_not("  fd ");
    source_cleanup(&source);
    loop_teardown();
}

static void timers_are_shown_with_their_clock(void)
{
    QEMUTimer timer, virtual_timer;

    loop_setup();
    timer_setup(&timer, do_nothing, NULL);
    aio_timer_init(ctx, &virtual_timer, QEMU_CLOCK_VIRTUAL, SCALE_MS,
                   do_nothing, NULL);
    dump();
    expect_not("timers:");
    timer_mod(&timer, 0);
    timer_mod(&virtual_timer, 5);
    dump();
    expect("realtime timers: the first in 0.000 ms");
    expect("virtual timers: the clock is off");
    timer_del(&timer);
    timer_del(&virtual_timer);
    loop_teardown();
}

static void bottom_halves_are_shown_by_name(void)
{
    QEMUBH *bh;

    loop_setup();
    bh = aio_bh_new_full(ctx, do_nothing, NULL, "one of mine");
    dump();
    expect_not("one of mine");
    qemu_bh_schedule_idle(bh);
    dump();
    expect("bottom half 'one of mine', scheduled, idle\n");
    qemu_bh_delete(bh);
    dump();
    expect("deleted");
    aio_bh_schedule_oneshot(ctx, journal_cb, "x");
    dump();
    expect("bottom half 'journal_cb', scheduled\n");
    loop_teardown();
}

static void those_that_are_to_run_yet_are_shown_within_one(void)
{
    loop_setup();
    aio_bh_schedule_oneshot(ctx, journal_cb, "x");
    aio_bh_schedule_oneshot(ctx, just_dump, NULL);
    aio_poll(ctx, false);
    expect("bottom half 'journal_cb', scheduled\n");
    expect_not("just_dump");
    ASSERT_STR_EQ(journal, "x");
    loop_teardown();
}

static void its_own_thread_is_told(void)
{
    loop_setup();
    dump();
    expect("this thread's");
    loop_teardown();
}

static void dump_and_notify(void *opaque)
{
    (void)opaque;
    dump();
    aio_notify(ctx);
}

/* The bottom half that is there without a notification is an idle one. */
static void another_thread_sees_it_asleep(void)
{
    WhenAsleep w;
    QEMUBH *bh;
    QEMUTimer timer;

    loop_setup();
    bh = aio_bh_new_full(ctx, do_nothing, NULL, "sleeper");
    timer_setup(&timer, do_nothing, NULL);
    timer_mod(&timer, INT64_MAX);
    qemu_bh_schedule(bh);
    qemu_bh_cancel(bh);                    /* stays on the list, not due */
    aio_notify_accept(ctx);
    when_asleep(&w, dump_and_notify, NULL);
    when_asleep_poll(&w);
    when_asleep_join(&w);
    expect("its home thread sleeps");
    expect("bottom half 'sleeper'");
    expect("realtime timers: the first in ");
    timer_del(&timer);
    qemu_bh_delete(bh);
    loop_teardown();
}

static void dump_elsewhere(void *opaque)
{
    test_elsewhere((void (*)(void *))opaque, NULL);
}

/* Then its list of bottom halves is nothing to look at. */
static void another_thread_sees_it_at_work(void)
{
    loop_setup();
    aio_bh_schedule_oneshot(ctx, dump_elsewhere, (void *)just_dump);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    aio_poll(ctx, true);
    expect("context ");
    expect_not("thread sleeps");
    expect_not("bottom half '");
    loop_teardown();
}

static uint32_t woke;

static void wake_it_and_look(void *opaque, const char *line)
{
    (void)opaque;
    if (strstr(line, "bottom half '")) {
        aio_notify(ctx);
        for (int i = 0; i < 50; i++) {
            test_nap(UINT_MAX);
            ASSERT_INT_EQ(qatomic_mb_read(&woke), 0);
        }
        strcpy(text, "looked");
    }
}

static void dump_and_wake(void *opaque)
{
    (void)opaque;
    aio_context_dump(ctx, wake_it_and_look, NULL);
}

static void woken_meanwhile_it_stays_where_it_is(void)
{
    WhenAsleep w;
    QEMUBH *bh;

    loop_setup();
    bh = aio_bh_new(ctx, do_nothing, NULL);
    qemu_bh_schedule(bh);
    qemu_bh_cancel(bh);
    aio_notify_accept(ctx);
    when_asleep(&w, dump_and_wake, NULL);
    when_asleep_poll(&w);
    qatomic_mb_set(&woke, 1);
    when_asleep_join(&w);
    expect("looked");
    qemu_bh_delete(bh);
    loop_teardown();
}

static uint32_t stop;
static int lines;

static void count_line(void *opaque, const char *line)
{
    (void)opaque;
    ASSERT_INT_GT(strlen(line), 0);
    qatomic_inc(&lines);
}

static void dump_often(int index, void *opaque)
{
    (void)index;
    (void)opaque;
    for (int i = 0; i < test_rounds(300); i++) {
        aio_context_dump(ctx, count_line, NULL);
    }
    if (qatomic_fetch_inc(&stop) == 2) {
        aio_notify(ctx);
    }
}

static void schedule_often(int index, void *opaque)
{
    if (index < 3) {
        dump_often(index, opaque);
        return;
    }
    while (qatomic_read(&stop) < 3) {
        aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
        test_nap(UINT_MAX);
    }
}

static void a_loop_that_works_meanwhile_is_not_disturbed(void)
{
    TestGang gang;

    loop_setup();
    test_gang_start(&gang, 4, schedule_often, NULL);
    while (qatomic_mb_read(&stop) < 3) {
        aio_poll(ctx, true);
    }
    test_gang_join(&gang);
    ASSERT_INT_GE(lines, 3 * 3 * test_rounds(300));
    ASSERT_INT_EQ(ctx->dumping, 0);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(counters_are_shown),
    TEST(handlers_are_shown_and_the_loop_s_own_is_not),
    TEST(timers_are_shown_with_their_clock),
    TEST(bottom_halves_are_shown_by_name),
    TEST(those_that_are_to_run_yet_are_shown_within_one),
    TEST(its_own_thread_is_told),
    TEST(another_thread_sees_it_asleep),
    TEST(another_thread_sees_it_at_work),
    TEST(woken_meanwhile_it_stays_where_it_is),
    TEST(a_loop_that_works_meanwhile_is_not_disturbed),
)
