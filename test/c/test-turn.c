/* SPDX-License-Identifier: MIT */
/* Turns of a loop whose thread has other things to do: what there is no time for
 * comes first in the next, in the same order, and nothing is lost. */
#include "loop/loop.h"
#include "notifiers.h"
#include <string.h>

#define HOUR_NS (3600 * NANOSECONDS_PER_SECOND)

static GSource *source;

static void setup(void)
{
    loop_setup();
    source = aio_get_g_source(ctx);
    journal_clear();
}

static void teardown(void)
{
    g_source_unref(source);
    loop_teardown();
}

/* As rt_hosted_turn in wasm/runtime/runtime.c: the ms until the next. */
static int turn(int64_t ns)
{
    gint timeout;

    if (source->source_funcs->check(source)) {
        aio_dispatch_for(ctx, ns);
    }
    source->source_funcs->prepare(source, &timeout);
    return timeout;
}

/* In which there is time for one of each kind only. */
static const char *short_turn(void)
{
    journal_clear();
    turn(0);
    return journal;
}

static void schedule(const char *letters)
{
    for (; *letters; letters++) {
        aio_bh_schedule_oneshot(ctx, journal_cb, (void *)letters);
    }
}

/* ---- Bottom halves ---- */

static void with_time_enough_a_turn_runs_all(void)
{
    setup();
    for (int i = 0; i < 200; i++) {
        aio_bh_schedule_oneshot(ctx, journal_cb, "b");
    }
    ASSERT_INT_EQ(turn(HOUR_NS), -1);
    ASSERT_INT_EQ(strlen(journal), 200);
    teardown();
}

static void what_is_left_comes_before_what_is_scheduled_later(void)
{
    setup();
    schedule("abc");
    ASSERT_STR_EQ(short_turn(), "c");
    schedule("de");
    ASSERT_STR_EQ(short_turn(), "b");
    ASSERT_STR_EQ(short_turn(), "a");
    ASSERT_INT_EQ(turn(HOUR_NS), -1);
    ASSERT_STR_EQ(journal, "aed");
    teardown();
}

static void a_turn_with_time_goes_on_with_the_new_ones(void)
{
    setup();
    schedule("abc");
    ASSERT_STR_EQ(short_turn(), "c");
    schedule("de");
    journal_clear();
    ASSERT_INT_EQ(turn(HOUR_NS), -1);
    ASSERT_STR_EQ(journal, "baed");
    teardown();
}

static void as_long_as_some_are_left_the_next_turn_is_due(void)
{
    setup();
    schedule("ab");
    ASSERT_INT_EQ(turn(0), 0);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), 0);
    turn(0);
    ASSERT_INT_EQ(turn(0), -1);
    ASSERT_STR_EQ(journal, "ba");
    teardown();
}

static void schedule_d(void *opaque)
{
    journal_cb(opaque);
    schedule("d");
}

static void what_a_turn_schedules_waits_for_the_next(void)
{
    setup();
    schedule("a");
    aio_bh_schedule_oneshot(ctx, schedule_d, "b");
    ASSERT_INT_EQ(turn(HOUR_NS), 0);
    ASSERT_STR_EQ(journal, "ba");
    ASSERT_INT_EQ(turn(HOUR_NS), -1);
    ASSERT_STR_EQ(journal, "bad");
    teardown();
}

static void one_that_is_left_is_scheduled_canceled_and_deleted(void)
{
    QEMUBH *bh[4];

    setup();
    for (int i = 0; i < 4; i++) {
        bh[i] = aio_bh_new(ctx, journal_cb, (void *)&"abcd"[i]);
        qemu_bh_schedule(bh[i]);
    }
    ASSERT_STR_EQ(short_turn(), "d");
    qemu_bh_schedule(bh[0]);           /* it is: it runs once */
    qemu_bh_cancel(bh[1]);
    qemu_bh_delete(bh[2]);
    qemu_bh_schedule(bh[3]);           /* it ran: it runs again, last */
    journal_clear();
    while (turn(0) == 0) {
        continue;
    }
    ASSERT_STR_EQ(journal, "ad");
    qemu_bh_delete(bh[0]);
    qemu_bh_delete(bh[1]);
    qemu_bh_delete(bh[3]);
    teardown();
}

/* ---- Of all kinds ---- */

static void one_of_each_kind_runs_however_little_time_there_is(void)
{
    Source ready[2];
    QEMUTimer timers[3];

    setup();
    schedule("ab");
    for (int i = 0; i < 2; i++) {
        source_init(&ready[i], (char)('A' + i));
        ready[i].then = source_clear;
        source_watch(&ready[i]);
        event_notifier_set(&ready[i].e);
    }
    /* Of each clock: 3 is the last of one. */
    timer_setup(&timers[0], journal_cb, "1");
    aio_timer_init(ctx, &timers[1], QEMU_CLOCK_HOST, SCALE_NS, journal_cb, "2");
    timer_setup(&timers[2], journal_cb, "3");
    for (int i = 0; i < 3; i++) {
        timer_mod(&timers[i], i);
    }
    ASSERT_STR_EQ(short_turn(), "bA12");
    ASSERT_STR_EQ(short_turn(), "aB3");
    for (int i = 0; i < 2; i++) {
        source_cleanup(&ready[i]);
    }
    teardown();
}

/* ---- Handlers ---- */

/* They stay ready: each turn could find the oldest first. */
static void handlers_that_stay_ready_take_turns(void)
{
    Source ready[3];
    char all[16] = "";

    setup();
    for (int i = 0; i < 3; i++) {
        source_init(&ready[i], (char)('A' + i));
        source_watch(&ready[i]);
        event_notifier_set(&ready[i].e);
    }
    for (int i = 0; strlen(all) < 6; i++) {
        ASSERT_INT_LT(i, 12);           /* the loop's own runs, too */
        strcat(all, short_turn());
    }
    ASSERT_STR_EQ(all, "ABCABC");
    for (int i = 0; i < 3; i++) {
        source_cleanup(&ready[i]);
    }
    teardown();
}

static void as_long_as_handlers_are_left_the_next_turn_is_due(void)
{
    Source ready[2];

    setup();
    for (int i = 0; i < 2; i++) {
        source_init(&ready[i], (char)('A' + i));
        ready[i].then = source_clear;
        source_watch(&ready[i]);
    }
    while (turn(0) == 0) {
        continue;                       /* adding them has notified */
    }
    event_notifier_set(&ready[0].e);
    event_notifier_set(&ready[1].e);
    do {
        ASSERT_INT_EQ(turn(0), 0);
    } while (!*journal);                /* the loop's own comes before */
    ASSERT_STR_EQ(journal, "A");
    while (turn(0) == 0) {
        continue;
    }
    ASSERT_STR_EQ(journal, "AB");
    for (int i = 0; i < 2; i++) {
        source_cleanup(&ready[i]);
    }
    teardown();
}

static void one_that_is_left_may_be_removed(void)
{
    Source ready[3];

    setup();
    for (int i = 0; i < 3; i++) {
        source_init(&ready[i], (char)('A' + i));
        ready[i].then = source_clear;
        source_watch(&ready[i]);
        event_notifier_set(&ready[i].e);
    }
    ASSERT_STR_EQ(short_turn(), "A");
    source_unwatch(&ready[1]);
    journal_clear();
    while (turn(0) == 0) {
        continue;
    }
    ASSERT_STR_EQ(journal, "C");
    for (int i = 0; i < 3; i++) {
        source_cleanup(&ready[i]);
    }
    teardown();
}

/* ---- Timers ---- */

static void timers_keep_the_order_of_their_deadlines(void)
{
    QEMUTimer timers[5];

    setup();
    for (int i = 0; i < 5; i++) {
        timer_setup(&timers[i], journal_cb, (void *)&"abcde"[i]);
        timer_mod(&timers[i], 5 - i);
    }
    ASSERT_STR_EQ(short_turn(), "e");
    ASSERT_STR_EQ(short_turn(), "d");
    timer_mod(&timers[4], 1);           /* the first again */
    journal_clear();
    ASSERT_INT_EQ(turn(HOUR_NS), -1);
    ASSERT_STR_EQ(journal, "ecba");
    teardown();
}

/* ---- Together with aio_poll ---- */

static void a_blocking_poll_does_not_sleep_and_runs_all_that_is_left(void)
{
    setup();
    schedule("abc");
    ASSERT_STR_EQ(short_turn(), "c");
    schedule("d");
    journal_clear();
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bad");
    ASSERT_FALSE(aio_poll(ctx, false));
    teardown();
}

static void poll_inside(void *opaque)
{
    journal_cb(opaque);
    ASSERT_TRUE(aio_poll(ctx, true));
    journal_add('.');
}

static void nor_does_one_in_a_call_back(void)
{
    setup();
    schedule("ab");
    aio_bh_schedule_oneshot(ctx, poll_inside, "c");
    ASSERT_STR_EQ(short_turn(), "cba.");
    ASSERT_INT_EQ(turn(0), -1);
    teardown();
}

static void turn_inside(void *opaque)
{
    journal_cb(opaque);
    turn(0);
    journal_add('.');
}

static void a_turn_inside_a_poll_is_one_of_its_polls(void)
{
    setup();
    schedule("ab");
    aio_bh_schedule_oneshot(ctx, turn_inside, "c");
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "cba.");
    teardown();
}

static void a_turn_inside_a_turn_goes_on_with_what_is_left(void)
{
    setup();
    schedule("ab");
    aio_bh_schedule_oneshot(ctx, turn_inside, "c");
    ASSERT_STR_EQ(short_turn(), "cb.");
    ASSERT_STR_EQ(short_turn(), "a");
    ASSERT_INT_EQ(turn(0), -1);
    teardown();
}

/* ---- The context's end ---- */

static void those_that_were_deleted_are_freed_with_the_context(void)
{
    QEMUBH *bh;

    setup();
    bh = aio_bh_new_full(ctx, journal_cb, "a", "left");
    qemu_bh_schedule(bh);
    schedule("b");
    ASSERT_STR_EQ(short_turn(), "b");
    qemu_bh_delete(bh);
    g_source_unref(source);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

static void one_that_is_left_when_the_context_ends_panics(void)
{
    QEMUBH *bh;

    setup();
    bh = aio_bh_new_full(ctx, journal_cb, "a", "left");
    qemu_bh_schedule(bh);
    schedule("b");
    ASSERT_STR_EQ(short_turn(), "b");
    g_source_unref(source);
    aio_context_unref(ctx);
}

static void unref(void *opaque)
{
    (void)opaque;
    aio_context_unref(ctx);
}

static void its_end_inside_a_turn_panics(void)
{
    setup();
    g_source_unref(source);
    aio_bh_schedule_oneshot(ctx, unref, NULL);
    aio_dispatch_for(ctx, 0);
}

/* ---- The clock ---- */

/* After which of so many call-backs the clock is read. */
static const char *looks(AioBudget *budget, int count)
{
    static char text[256];

    *text = 0;
    for (int i = 1; i <= count; i++) {
        if (budget->left == 1) {
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ",
                     i);
        }
        ASSERT_FALSE(aio_budget_is_spent(budget));
    }
    return text;
}

static void the_clock_is_read_seldom_while_call_backs_are_quick(void)
{
    AioBudget budget = aio_budget(HOUR_NS);

    ASSERT_STR_EQ(looks(&budget, 191), "1 3 7 15 31 63 95 127 159 191 ");
    budget.looked -= HOUR_NS / 2;      /* these took long */
    ASSERT_STR_EQ(looks(&budget, 36), "32 33 35 ");
}

static void without_time_it_is_read_after_each(void)
{
    AioBudget budget = aio_budget(0);

    for (int i = 0; i < 10; i++) {
        ASSERT_TRUE(aio_budget_is_spent(&budget));
    }
}

/* ---- Other threads ---- */

#define THREADS 3
static uint32_t sent[THREADS], got[THREADS];
static uint32_t finished;

static void count_in(void *opaque)
{
    ++*(uint32_t *)opaque;
}

static void finish(void *opaque)
{
    (void)opaque;
    finished++;
}

/* One-shots, and a bottom half that coalesces, at random. */
static void send(int index, void *opaque)
{
    uint64_t random = *(uint64_t *)opaque + (uint64_t)index;
    int rounds = test_rounds(2000);

    for (int i = 0; i < rounds; i++) {
        for (unsigned n = test_random(&random) % 8; n; n--) {
            sent[index]++;
            aio_bh_schedule_oneshot(ctx, count_in, &got[index]);
        }
        if (test_random(&random) % 64 == 0) {
            test_nap(UINT_MAX);
        }
    }
    aio_bh_schedule_oneshot(ctx, finish, NULL);
}

/* The loop is driven now in turns, short and long, and now by polls, and sleeps in
 * both. */
static void nothing_from_other_threads_is_lost(void)
{
    uint64_t seed = test_seed(), random = seed;
    TestGang gang;

    setup();
    test_gang_start(&gang, THREADS, send, &seed);
    while (finished < THREADS) {
        unsigned kind = test_random(&random) % 3;

        if (kind == 0) {
            aio_poll(ctx, true);
        } else if (turn(kind == 1 ? 0 : SCALE_MS) == -1 && finished < THREADS) {
            PortPollFd fd = { ctx->wakeup->fd, PORT_POLLIN, 0 };
            while (!port_fd_poll(&fd, 1, fd.fd, -1)) {
                continue;
            }
        }
    }
    test_gang_join(&gang);
    while (turn(SCALE_MS) == 0) {
        continue;
    }
    for (int i = 0; i < THREADS; i++) {
        ASSERT_INT_GT(sent[i], 0);
        ASSERT_INT_EQ(got[i], sent[i]);
    }
    teardown();
}

TEST_PROGRAM(
    TEST(with_time_enough_a_turn_runs_all),
    TEST(what_is_left_comes_before_what_is_scheduled_later),
    TEST(a_turn_with_time_goes_on_with_the_new_ones),
    TEST(as_long_as_some_are_left_the_next_turn_is_due),
    TEST(what_a_turn_schedules_waits_for_the_next),
    TEST(one_that_is_left_is_scheduled_canceled_and_deleted),
    TEST(one_of_each_kind_runs_however_little_time_there_is),
    TEST(handlers_that_stay_ready_take_turns),
    TEST(as_long_as_handlers_are_left_the_next_turn_is_due),
    TEST(one_that_is_left_may_be_removed),
    TEST(timers_keep_the_order_of_their_deadlines),
    TEST(a_blocking_poll_does_not_sleep_and_runs_all_that_is_left),
    TEST(nor_does_one_in_a_call_back),
    TEST(a_turn_inside_a_poll_is_one_of_its_polls),
    TEST(a_turn_inside_a_turn_goes_on_with_what_is_left),
    TEST(those_that_were_deleted_are_freed_with_the_context),
    TEST(the_clock_is_read_seldom_while_call_backs_are_quick),
    TEST(without_time_it_is_read_after_each),
    TEST(nothing_from_other_threads_is_lost),
    TEST_PANICS(one_that_is_left_when_the_context_ends_panics,
                "BH 'left' leaked"),
    TEST_PANICS(its_end_inside_a_turn_panics, "inside aio_bh_poll"),
)
