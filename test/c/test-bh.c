/* SPDX-License-Identifier: MIT */
/* Bottom halves in one thread. */
#include "loop.h"

static QEMUBH *bh_of(char *letter)
{
    return aio_bh_new(ctx, journal_cb, letter);
}

static QEMUBH *a, *b, *c;

static void setup(void)
{
    loop_setup();
    journal_clear();
    a = bh_of("a");
    b = bh_of("b");
    c = bh_of("c");
}

static void teardown(void)
{
    qemu_bh_delete(a);
    qemu_bh_delete(b);
    qemu_bh_delete(c);
    loop_teardown();
}

static void oneshot(char *letter)
{
    aio_bh_schedule_oneshot(ctx, journal_cb, letter);
}

/* ---- Scheduling ---- */

static void a_new_one_does_not_run(void)
{
    setup();
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_FALSE(ctx->wakeup->notified);
    ASSERT_STR_EQ(journal, "");
    teardown();
}

static void scheduling_twice_runs_once(void)
{
    setup();
    qemu_bh_schedule(a);
    qemu_bh_schedule(a);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    qemu_bh_schedule(a);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "aa");
    teardown();
}

static void last_scheduled_runs_first(void)
{
    setup();
    qemu_bh_schedule(a);
    qemu_bh_schedule(b);
    oneshot("o");
    qemu_bh_schedule(c);
    qemu_bh_schedule(a);         /* does not move it */
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "coba");
    teardown();
}

static void a_oneshot_runs_once(void)
{
    setup();
    oneshot("o");
    oneshot("p");
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "po");
    teardown();
}

static void call_runs_it_here_and_changes_no_flag(void)
{
    setup();
    aio_bh_call(a);
    ASSERT_STR_EQ(journal, "a");
    ASSERT_FALSE(aio_poll(ctx, false));
    qemu_bh_schedule(a);
    aio_bh_call(a);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "aaa");
    teardown();
}

/* ---- Cancelling, deleting ---- */

static void a_cancelled_one_does_not_run(void)
{
    setup();
    qemu_bh_schedule(a);
    qemu_bh_cancel(a);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "");
    qemu_bh_cancel(b);
    qemu_bh_schedule(a);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    teardown();
}

static void a_cancelled_one_can_be_scheduled_again_at_once(void)
{
    setup();
    qemu_bh_schedule(a);
    qemu_bh_schedule(b);
    qemu_bh_cancel(a);
    qemu_bh_schedule(a);         /* on the list still: it keeps its place */
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "ba");
    teardown();
}

static void a_deleted_one_does_not_run(void)
{
    QEMUBH *d;

    setup();
    d = bh_of("d");
    qemu_bh_schedule(d);
    qemu_bh_delete(d);
    ASSERT_FALSE(aio_poll(ctx, false));
    d = bh_of("d");
    qemu_bh_delete(d);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "");
    teardown();
}

static QEMUBH *self;

static void delete_self(void *opaque)
{
    journal_cb(opaque);
    qemu_bh_delete(self);
}

static void one_may_delete_itself(void)
{
    setup();
    self = aio_bh_new(ctx, delete_self, "s");
    qemu_bh_schedule(self);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "s");
    teardown();
}

static void cancel_a(void *opaque)
{
    (void)opaque;
    qemu_bh_cancel(a);
}

static void cancelling_works_during_the_poll(void)
{
    setup();
    qemu_bh_schedule(a);
    aio_bh_schedule_oneshot(ctx, cancel_a, NULL);     /* runs before a */
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "");
    teardown();
}

/* ---- From a call-back ---- */

static void schedule_b(void *opaque)
{
    (void)opaque;
    qemu_bh_schedule(b);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
}

static void scheduled_in_a_callback_runs_in_the_next_poll(void)
{
    setup();
    aio_bh_schedule_oneshot(ctx, schedule_b, NULL);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "");
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "b");
    teardown();
}

static void reschedule_self(void *opaque)
{
    journal_cb(opaque);
    qemu_bh_schedule(self);
}

static void one_that_reschedules_itself_runs_once_a_poll(void)
{
    setup();
    self = aio_bh_new(ctx, reschedule_self, "s");
    qemu_bh_schedule(self);
    for (int i = 0; i < 3; i++) {
        ASSERT_TRUE(aio_poll(ctx, true));
    }
    ASSERT_STR_EQ(journal, "sss");
    qemu_bh_delete(self);
    teardown();
}

static void nest(void *opaque)
{
    journal_add('n');
    if (opaque) {
        oneshot(opaque);
    }
    journal_add('{');
    ASSERT_TRUE(aio_poll(ctx, false));
    journal_add('}');
}

static void a_nested_poll_runs_the_rest_first_and_then_the_new(void)
{
    setup();
    oneshot("x");
    aio_bh_schedule_oneshot(ctx, nest, "w");
    oneshot("y");
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "yn{xw}");
    ASSERT_FALSE(aio_poll(ctx, false));
    teardown();
}

static void polls_nest_deeply(void)
{
    setup();
    oneshot("x");
    aio_bh_schedule_oneshot(ctx, nest, NULL);
    aio_bh_schedule_oneshot(ctx, nest, NULL);
    aio_bh_schedule_oneshot(ctx, nest, NULL);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "n{n{n{x}}}");
    teardown();
}

static void look_at_timeout(void *opaque)
{
    *(int64_t *)opaque = aio_compute_timeout(ctx);
}

static void what_a_poll_has_taken_counts_as_scheduled(void)
{
    int64_t timeout = 77;

    setup();
    qemu_bh_schedule(a);
    aio_bh_schedule_oneshot(ctx, look_at_timeout, &timeout);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(timeout, 0);
    aio_bh_schedule_oneshot(ctx, look_at_timeout, &timeout);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(timeout, -1);
    teardown();
}

/* ---- Progress and time-out ---- */

static void only_those_that_run_count_as_progress(void)
{
    setup();
    ASSERT_INT_EQ(aio_bh_poll(ctx), 0);
    qemu_bh_schedule(a);
    qemu_bh_cancel(a);
    qemu_bh_schedule(b);
    ASSERT_INT_EQ(aio_bh_poll(ctx), 1);
    qemu_bh_schedule(a);
    qemu_bh_cancel(a);
    ASSERT_INT_EQ(aio_bh_poll(ctx), 0);
    teardown();
}

static void timeout_is_zero_while_one_is_scheduled(void)
{
    setup();
    qemu_bh_schedule(a);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
    qemu_bh_cancel(a);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    qemu_bh_schedule(a);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    self = bh_of("d");
    qemu_bh_schedule(self);
    qemu_bh_delete(self);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    teardown();
}

static void idle_ones_run_without_progress(void)
{
    setup();
    qemu_bh_schedule_idle(a);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 10 * SCALE_MS);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    qemu_bh_schedule_idle(a);
    qemu_bh_schedule(b);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "aba");
    teardown();
}

static void an_idle_one_stays_idle_when_it_is_scheduled_again(void)
{
    setup();
    qemu_bh_schedule_idle(a);
    qemu_bh_schedule(a);
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "a");
    qemu_bh_schedule(a);         /* and the next time it is not */
    ASSERT_TRUE(aio_poll(ctx, false));
    teardown();
}

static void reschedule_self_idle(void *opaque)
{
    journal_cb(opaque);
    qemu_bh_schedule_idle(self);
}

static void an_idle_one_that_reschedules_itself_lets_the_loop_sleep(void)
{
    uint64_t sleeps;

    setup();
    sleeps = ctx->stats.sleeps;
    self = aio_bh_new(ctx, reschedule_self_idle, "s");
    qemu_bh_schedule_idle(self);
    for (int i = 0; i < 5; i++) {
        ASSERT_FALSE(aio_poll(ctx, true));
    }
    ASSERT_STR_EQ(journal, "sssss");
    /* The first poll had been notified when the loop was made. */
    ASSERT_INT_GE(ctx->stats.sleeps, sleeps + 4);
    qemu_bh_delete(self);
    teardown();
}

static void runs_are_counted(void)
{
    uint64_t bhs;

    setup();
    bhs = ctx->stats.bhs;
    qemu_bh_schedule(a);
    qemu_bh_schedule_idle(b);
    qemu_bh_schedule(c);
    qemu_bh_cancel(c);
    oneshot("o");
    aio_poll(ctx, false);
    ASSERT_INT_EQ(ctx->stats.bhs - bhs, 3);
    teardown();
}

/* ---- Guards ---- */

static MemReentrancyGuard guard;
static QEMUBH *guarded_bh;

static void note_guard(void *opaque)
{
    (void)opaque;
    journal_add(guard.engaged_in_io ? 'G' : 'g');
}

static void a_guard_is_engaged_while_it_runs(void)
{
    setup();
    guarded_bh = aio_bh_new_guarded(ctx, note_guard, NULL, &guard);
    for (int i = 0; i < 2; i++) {
        qemu_bh_schedule(guarded_bh);
        ASSERT_TRUE(aio_poll(ctx, false));
        ASSERT_FALSE(guard.engaged_in_io);
    }
    aio_bh_call(guarded_bh);
    ASSERT_FALSE(guard.engaged_in_io);
    qemu_bh_schedule(a);
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "GGGa");
    qemu_bh_delete(guarded_bh);
    teardown();
}

static void one_that_was_engaged_stays_so(void)
{
    setup();
    guarded_bh = aio_bh_new_guarded(ctx, note_guard, NULL, &guard);
    guard.engaged_in_io = true;
    aio_bh_call(guarded_bh);
    ASSERT_TRUE(guard.engaged_in_io);
    guard.engaged_in_io = false;
    qemu_bh_delete(guarded_bh);
    teardown();
}

static void no_guard_is_none(void)
{
    setup();
    guarded_bh = aio_bh_new_guarded(ctx, note_guard, NULL, NULL);
    qemu_bh_schedule(guarded_bh);
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "g");
    qemu_bh_delete(guarded_bh);
    teardown();
}

/* The nested poll frees it. */
static void delete_and_poll(void *opaque)
{
    note_guard(opaque);
    qemu_bh_delete(guarded_bh);
    aio_poll(ctx, false);
    note_guard(opaque);
}

static void a_guarded_one_may_be_freed_while_it_runs(void)
{
    setup();
    guarded_bh = aio_bh_new_guarded(ctx, delete_and_poll, NULL, &guard);
    qemu_bh_schedule(guarded_bh);
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "GG");
    ASSERT_FALSE(guard.engaged_in_io);
    teardown();
}

static void count_timer(void *opaque)
{
    (void)opaque;
}

static void timer_runs_are_counted(void)
{
    QEMUTimer timers[3];

    setup();
    for (int i = 0; i < 3; i++) {
        aio_timer_init(ctx, &timers[i], QEMU_CLOCK_REALTIME, SCALE_NS,
                       count_timer, NULL);
        timer_mod(&timers[i], i < 2 ? 0 : INT64_MAX);
    }
    aio_poll(ctx, false);
    ASSERT_INT_EQ(ctx->stats.timers, 2);
    timer_mod(&timers[0], 0);
    aio_dispatch(ctx);
    ASSERT_INT_EQ(ctx->stats.timers, 3);
    timer_del(&timers[2]);
    teardown();
}

TEST_PROGRAM(
    TEST(timer_runs_are_counted),
    TEST(a_new_one_does_not_run),
    TEST(scheduling_twice_runs_once),
    TEST(last_scheduled_runs_first),
    TEST(a_oneshot_runs_once),
    TEST(call_runs_it_here_and_changes_no_flag),
    TEST(a_cancelled_one_does_not_run),
    TEST(a_cancelled_one_can_be_scheduled_again_at_once),
    TEST(a_deleted_one_does_not_run),
    TEST(one_may_delete_itself),
    TEST(cancelling_works_during_the_poll),
    TEST(scheduled_in_a_callback_runs_in_the_next_poll),
    TEST(one_that_reschedules_itself_runs_once_a_poll),
    TEST(a_nested_poll_runs_the_rest_first_and_then_the_new),
    TEST(polls_nest_deeply),
    TEST(what_a_poll_has_taken_counts_as_scheduled),
    TEST(only_those_that_run_count_as_progress),
    TEST(timeout_is_zero_while_one_is_scheduled),
    TEST(idle_ones_run_without_progress),
    TEST(an_idle_one_stays_idle_when_it_is_scheduled_again),
    TEST(an_idle_one_that_reschedules_itself_lets_the_loop_sleep),
    TEST(runs_are_counted),
    TEST(a_guard_is_engaged_while_it_runs),
    TEST(one_that_was_engaged_stays_so),
    TEST(no_guard_is_none),
    TEST(a_guarded_one_may_be_freed_while_it_runs),
)
