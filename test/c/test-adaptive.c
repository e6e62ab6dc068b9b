/* SPDX-License-Identifier: MIT */
/* Polling in user space before a sleep: who is polled, when it begins and ends,
 * how its time adapts. */
#include "loop.h"

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

/*
 * Its journal: r io_read, b io_poll_begin, e io_poll_end, p io_poll of which
 * the answer was no, P yes. Rounds of which the answer was no are one p: how
 * many there are is a matter of time.
 */
typedef struct Polled {
    EventNotifier e;
    int says_yes_at;      /* the so-manieth io_poll from now; 0: none does */
    bool stays_set;
    bool by_itself;       /* says yes when it is set */
    int polls;
    void (*then)(void);   /* in io_poll */
} Polled;

static Polled one;

/*
 * The clock's smallest step. In a page it moves by 5 to 20 us at a time, so that one
 * nanosecond of polling is many rounds.
 */
static int64_t clock_step(void)
{
    int64_t least = HOUR;

    for (int i = 0; i < 20; i++) {
        int64_t start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME), now;

        do {
            now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        } while (now == start);
        least = MIN(least, now - start);
    }
    return least;
}

#define NEED_FINE_CLOCK                                                      \
    if (clock_step() > 4000) {                                               \
        TEST_SKIP("the clock moves in steps of more than 4 us here");        \
    }

static void add_once(char letter)
{
    size_t length = strlen(journal);

    if (!length || journal[length - 1] != letter) {
        journal_add(letter);
    }
}

static void read_cb(EventNotifier *e)
{
    journal_add('r');
    if (!container_of(e, Polled, e)->stays_set) {
        event_notifier_test_and_clear(e);
    }
}

static bool poll_cb(void *opaque)
{
    Polled *p = container_of((EventNotifier *)opaque, Polled, e);

    p->polls++;
    if (p->then) {
        p->then();
    }
    if ((p->says_yes_at && --p->says_yes_at == 0) ||
        (p->by_itself && event_notifier_test_and_clear(&p->e))) {
        journal_add('P');
        return true;
    }
    add_once('p');
    return false;
}

static void begin_cb(EventNotifier *e)
{
    (void)e;
    journal_add('b');
}

static void end_cb(EventNotifier *e)
{
    (void)e;
    journal_add('e');
}

static void polled_init(Polled *p)
{
    memset(p, 0, sizeof(*p));
    ASSERT_INT_EQ(event_notifier_init(&p->e, 0), 0);
    aio_set_event_notifier(ctx, &p->e, false, read_cb, poll_cb);
    aio_set_event_notifier_poll(ctx, &p->e, begin_cb, end_cb);
}

static void polled_cleanup(Polled *p)
{
    aio_set_event_notifier(ctx, &p->e, false, NULL, NULL);
    event_notifier_cleanup(&p->e);
}

/* A blocking poll that is notified, so that it comes back in any case; without
 * the notifier's own handler among those that are polled. */
static const char *poll_notified(void)
{
    journal_clear();
    aio_notify(ctx);
    aio_poll(ctx, true);
    return journal;
}

static const char *poll_ready(void)
{
    journal_clear();
    event_notifier_set(&one.e);
    aio_notify_accept(ctx);                /* where that notifies the loop */
    while (!aio_poll(ctx, true)) {
        continue;
    }
    return journal;
}

/* What poll_ns would be next is not asked for: it stays as it is set. */
static void set_poll_ns(int64_t ns)
{
    ctx->poll_max_ns = HOUR;
    ctx->poll_ns = ns;
    ctx->poll_grow = 1;
}

static void begin(void)
{
    journal_clear();
    polled_init(&one);
    while (aio_poll(ctx, true)) {
        continue;
    }
}

static void setup(void)
{
    loop_setup();
    begin();
}

/* one's fd fired once: it is polled from now on. */
static void begin_polled(void)
{
    ASSERT_STR_EQ(poll_ready(), "r");
    journal_clear();
    one.polls = 0;
}

static void setup_polled(void)
{
    setup();
    begin_polled();
}

/* The same where there is no ring: an fd is looked at in a wait only. */
static void setup_polled_on_the_scan(void)
{
    loop_setup();
    loop_leave_the_ring();
    begin();
    begin_polled();
}

static void teardown(void)
{
    polled_cleanup(&one);
    loop_teardown();
}

/* ---- Who is polled ---- */

static void a_handler_is_polled_once_its_fd_has_fired(void)
{
    setup();
    set_poll_ns(20 * SCALE_US);
    ASSERT_STR_EQ(poll_notified(), "");
    ASSERT_INT_EQ(one.polls, 0);
    ASSERT_STR_EQ(poll_ready(), "r");
    ASSERT_STR_EQ(poll_notified(), "bpep");
    ASSERT_INT_GT(one.polls, 0);
    teardown();
}

static void with_poll_max_ns_0_nobody_is_polled(void)
{
    setup_polled();
    ASSERT_INT_EQ(ctx->poll_max_ns, 0);
    ASSERT_STR_EQ(poll_notified(), "");
    ASSERT_STR_EQ(poll_ready(), "r");
    ASSERT_INT_EQ(one.polls, 0);
    teardown();
}

static void on_the_scan_one_handler_without_io_poll_ends_all_polling(void)
{
    EventNotifier plain;

    setup_polled_on_the_scan();
    set_poll_ns(20 * SCALE_US);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    ASSERT_INT_EQ(event_notifier_init(&plain, 0), 0);
    aio_set_event_notifier(ctx, &plain, false, end_cb, NULL);
    ASSERT_TRUE(aio_poll_disabled(ctx));
    ASSERT_STR_EQ(poll_notified(), "");
    ASSERT_INT_EQ(one.polls, 0);
    aio_set_event_notifier(ctx, &plain, false, NULL, NULL);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    ASSERT_STR_EQ(poll_notified(), "bpep");
    event_notifier_cleanup(&plain);
    teardown();
}

static void changing_a_handler_takes_it_off_those_that_are_polled(void)
{
    setup_polled();
    set_poll_ns(20 * SCALE_US);
    aio_set_event_notifier(ctx, &one.e, false, read_cb, poll_cb);
    ASSERT_STR_EQ(poll_notified(), "");
    ASSERT_STR_EQ(poll_ready(), "r");
    /* And begin and end are gone too. */
    ASSERT_STR_EQ(poll_notified(), "p");
    teardown();
}

static void begin_and_end_of_an_unknown_fd_are_ignored(void)
{
    EventNotifier unknown;

    setup();
    ASSERT_INT_EQ(event_notifier_init(&unknown, 0), 0);
    aio_set_event_notifier_poll(ctx, &unknown, begin_cb, end_cb);
    aio_set_fd_poll(ctx, 12345, journal_cb, journal_cb);
    event_notifier_cleanup(&unknown);
    teardown();
}

/* aio_set_fd_poll's call-backs get the handler's opaque. */
static bool never_ready(void *opaque)
{
    (void)opaque;
    return false;
}

static void fd_handlers_have_begin_and_end_too(void)
{
    int fd;

    loop_setup();
    loop_leave_the_ring();
    begin();
    fd = event_notifier_get_fd(&one.e);
    aio_set_fd_handler(ctx, fd, false, journal_cb, NULL, never_ready, "x");
    aio_set_fd_poll(ctx, fd, journal_cb, journal_cb);
    event_notifier_set(&one.e);
    while (!aio_poll(ctx, true)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "x");
    set_poll_ns(1);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "xxxx");        /* and begin, end, read */
    teardown();
}

/* ---- Begin and end ---- */

static void begin_and_end_bracket_an_iteration_that_ends_in_the_wait(void)
{
    setup_polled_on_the_scan();
    set_poll_ns(20 * SCALE_US);
    ASSERT_STR_EQ(poll_ready(), "bpepr");
    ASSERT_STR_EQ(poll_ready(), "bpepr");
    teardown();
}

static void after_end_there_is_one_last_look(void)
{
    NEED_FINE_CLOCK;
    setup_polled();
    set_poll_ns(1);
    ASSERT_STR_EQ(poll_notified(), "bpep");
    ASSERT_INT_EQ(one.polls, 2);
    teardown();
}

static void while_there_are_hits_polling_does_not_end(void)
{
    setup_polled();
    set_poll_ns(NANOSECONDS_PER_SECOND);
    for (int i = 0; i < 3; i++) {
        journal_clear();
        one.says_yes_at = 1;
        ASSERT_TRUE(aio_poll(ctx, true));
        ASSERT_STR_EQ(journal, i ? "P" : "bP");
    }
    ASSERT_TRUE(ctx->poll_started);
    set_poll_ns(1);
    ASSERT_STR_EQ(poll_notified(), "pep");
    ASSERT_FALSE(ctx->poll_started);
    teardown();
}

static void the_last_look_may_hit_too(void)
{
    NEED_FINE_CLOCK;
    setup_polled();
    set_poll_ns(1);
    one.says_yes_at = 2;
    /* The journal is of the blocking poll: without a hit it would not return. */
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bpeP");
    teardown();
}

static void a_hit_is_progress_and_keeps_from_sleeping(void)
{
    uint64_t sleeps, hits;

    setup_polled();
    set_poll_ns(NANOSECONDS_PER_SECOND);
    sleeps = ctx->stats.sleeps;
    hits = ctx->stats.poll_hits;
    one.says_yes_at = 5;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_INT_EQ(one.polls, 5);
    ASSERT_INT_EQ(ctx->stats.sleeps, sleeps);
    ASSERT_INT_EQ(ctx->stats.poll_hits, hits + 1);
    teardown();
}

static void a_poll_that_does_not_block_ends_polling_mode(void)
{
    setup_polled();
    set_poll_ns(NANOSECONDS_PER_SECOND);
    one.says_yes_at = 1;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_TRUE(ctx->poll_started);
    journal_clear();
    ASSERT_FALSE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "ep");
    ASSERT_FALSE(ctx->poll_started);
    teardown();
}

static void and_its_last_look_is_progress(void)
{
    setup_polled();
    set_poll_ns(NANOSECONDS_PER_SECOND);
    one.says_yes_at = 1;
    ASSERT_TRUE(aio_poll(ctx, true));
    journal_clear();
    one.says_yes_at = 1;
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "eP");
    teardown();
}

static void an_iteration_awake_polls_for_its_own_time_and_never_sleeps(void)
{
    uint64_t sleeps, misses;

    NEED_FINE_CLOCK;
    setup_polled();
    set_poll_ns(HOUR);
    sleeps = ctx->stats.sleeps;
    misses = ctx->stats.poll_misses;
    ASSERT_FALSE(aio_poll_awake(ctx, 1));
    ASSERT_STR_EQ(journal, "bpep");
    ASSERT_INT_EQ(ctx->stats.poll_misses, misses + 1);
    one.polls = 0;
    ASSERT_FALSE(aio_poll_awake(ctx, 0));
    ASSERT_INT_EQ(one.polls, 0);
    ASSERT_INT_EQ(ctx->stats.sleeps, sleeps);
    ASSERT_INT_EQ(ctx->poll_ns, HOUR);
    teardown();
}

/* There is a hit and a handler that has the fds looked at nevertheless. */
static void one_that_joins_while_polling_is_on_is_begun_at_once(void)
{
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);

    setup();
    set_poll_ns(NANOSECONDS_PER_SECOND);
    ctx->poll_started = true;
    aio_add_ready_handler(
        &ready_list, aio_find_handler(ctx, event_notifier_get_fd(&one.e)),
        PORT_POLLIN);
    ASSERT_TRUE(aio_dispatch_ready_handlers(ctx, &ready_list, NULL));
    ASSERT_STR_EQ(journal, "br");
    teardown();
}

static void remove_one(void)
{
    aio_set_event_notifier(ctx, &one.e, false, NULL, NULL);
}

static void io_poll_may_remove_its_own_handler(void)
{
    setup_polled();
    set_poll_ns(20 * SCALE_US);
    one.then = remove_one;
    ASSERT_STR_EQ(poll_notified(), "bp");
    ASSERT_INT_EQ(one.polls, 1);
    teardown();
}

static void a_nested_poll_in_io_poll(void)
{
    one.then = NULL;
    aio_poll(ctx, false);
    aio_notify(ctx);                       /* the inner one took it */
}

static void io_poll_may_poll_the_context(void)
{
    setup_polled();
    set_poll_ns(20 * SCALE_US);
    one.then = a_nested_poll_in_io_poll;
    poll_notified();
    ASSERT_INT_GT(one.polls, 0);
    ASSERT_FALSE(ctx->poll_started);
    teardown();
}

/* ---- Time ---- */

/* Its fd is set only while somebody may sleep; then it fires. */
static void the_notifier_is_polled_too(void)
{
    int64_t start;

    setup_polled_on_the_scan();
    ctx->wakeup->notify_me += 2;
    aio_notify(ctx);
    ctx->wakeup->notify_me -= 2;
    aio_poll(ctx, true);                   /* notified: does not look at fds */
    ASSERT_FALSE(aio_poll(ctx, true));     /* they end this one's sleep */
    set_poll_ns(HOUR);
    start = now_ns();
    aio_notify(ctx);
    ASSERT_FALSE(aio_poll(ctx, true));
    ASSERT_INT_LT(now_ns() - start, HOUR);
    ASSERT_STR_EQ(journal, "bpep");        /* no progress, so polling ended */
    teardown();
}

static void fire(void *opaque)
{
    *(bool *)opaque = true;
}

/* Polling for an hour would let the timer wait. */
static void polling_ends_when_a_timer_is_due(void)
{
    QEMUTimer timer;
    bool fired = false;

    setup_polled();
    set_poll_ns(HOUR);
    timer_setup(&timer, fire, &fired);
    timer_mod(&timer, now_ns() + 2 * SCALE_MS);
    while (!fired) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_GT(one.polls, 1);
    teardown();
}

static void without_a_hit_it_lasts_poll_ns(void)
{
    int64_t start;
    uint64_t misses;

    setup_polled();
    set_poll_ns(2 * SCALE_MS);
    misses = ctx->stats.poll_misses;
    start = now_ns();
    poll_notified();
    ASSERT_INT_GE(now_ns() - start, 2 * SCALE_MS);
    ASSERT_INT_EQ(ctx->stats.poll_misses, misses + 1);
    teardown();
}

/*
 * As of 2021: a poll that does not block, and handlers that can all be polled,
 * mean no look at any fd. The next one that blocks finds it.
 */
static void on_the_scan_three_that_do_not_block_miss_a_ready_fd(void)
{
    setup_polled_on_the_scan();
    set_poll_ns(20 * SCALE_US);
    event_notifier_set(&one.e);
    for (int i = 0; i < 3; i++) {
        ASSERT_FALSE(aio_poll(ctx, false));
    }
    ASSERT_STR_EQ(journal, "");
    ASSERT_INT_EQ(one.polls, 0);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bpepr");
    teardown();
}

static void with_one_that_cannot_be_polled_the_first_sees_it(void)
{
    EventNotifier plain;

    setup_polled();
    ASSERT_INT_EQ(event_notifier_init(&plain, 0), 0);
    aio_set_event_notifier(ctx, &plain, false, end_cb, NULL);
    event_notifier_set(&one.e);
    ASSERT_TRUE(aio_poll(ctx, false));
    ASSERT_STR_EQ(journal, "r");
    aio_set_event_notifier(ctx, &plain, false, NULL, NULL);
    event_notifier_cleanup(&plain);
    teardown();
}

/* ---- Adapting ---- */

static int64_t adapted(int64_t poll_ns, int64_t block_ns)
{
    ctx->poll_ns = poll_ns;
    aio_adapt_polling(ctx, block_ns);
    return ctx->poll_ns;
}

static void set_params(int64_t max_ns, int64_t grow, int64_t shrink)
{
    aio_context_set_poll_params(ctx, max_ns, grow, shrink, &error_abort);
}

static void a_wait_that_polling_covered_changes_nothing(void)
{
    setup();
    set_params(32768, 0, 0);
    ASSERT_INT_EQ(adapted(8000, 0), 8000);
    ASSERT_INT_EQ(adapted(8000, 8000), 8000);
    ASSERT_INT_EQ(adapted(32768, 32768), 32768);
    teardown();
}

static void one_that_was_a_little_longer_makes_it_grow(void)
{
    setup();
    set_params(32768, 0, 0);
    ASSERT_INT_EQ(adapted(0, 100), 4000);
    ASSERT_INT_EQ(adapted(4000, 4001), 8000);
    ASSERT_INT_EQ(adapted(4000, 32767), 8000);
    ASSERT_INT_EQ(adapted(4000, 32768), 4000);    /* as long as the limit */
    set_params(32768, 3, 0);
    ASSERT_INT_EQ(adapted(0, 100), 4000);
    ASSERT_INT_EQ(adapted(4000, 5000), 12000);
    teardown();
}

static void it_does_not_grow_beyond_poll_max_ns(void)
{
    setup();
    set_params(10000, 0, 0);
    ASSERT_INT_EQ(adapted(8000, 9000), 10000);
    set_params(3000, 0, 0);
    ASSERT_INT_EQ(adapted(0, 100), 3000);
    set_params(INT64_MAX, INT64_MAX, 0);
    ASSERT_INT_EQ(adapted(4000, 5000), INT64_MAX);
    teardown();
}

static void one_that_was_longer_than_poll_max_ns_makes_it_shrink(void)
{
    setup();
    set_params(32768, 0, 0);
    ASSERT_INT_EQ(adapted(16000, 32769), 0);
    set_params(32768, 0, 4);
    ASSERT_INT_EQ(adapted(16000, 32769), 4000);
    ASSERT_INT_EQ(adapted(0, 32769), 0);
    teardown();
}

static void new_parameters_begin_anew_and_notify(void)
{
    setup();
    set_params(32768, 5, 6);
    ctx->poll_ns = 8000;
    aio_poll(ctx, false);
    ASSERT_FALSE(ctx->wakeup->notified);
    aio_context_set_poll_params(ctx, 40000, 3, 4, &error_abort);
    ASSERT_TRUE(ctx->wakeup->notified);
    ASSERT_INT_EQ(ctx->poll_ns, 0);
    ASSERT_INT_EQ(ctx->poll_max_ns, 40000);
    ASSERT_INT_EQ(ctx->poll_grow, 3);
    ASSERT_INT_EQ(ctx->poll_shrink, 4);
    teardown();
}

static void set_params_elsewhere(void *opaque)
{
    (void)opaque;
    set_params(1000, 0, 0);
}

static void new_parameters_wake_a_loop_that_sleeps(void)
{
    WhenAsleep w;

    setup();
    when_asleep(&w, set_params_elsewhere, NULL);
    ASSERT_FALSE(when_asleep_poll(&w));
    when_asleep_join(&w);
    ASSERT_INT_EQ(ctx->poll_max_ns, 1000);
    teardown();
}

static void a_batch_size_notifies_too(void)
{
    setup();
    aio_poll(ctx, false);
    aio_context_set_aio_params(ctx, 17, &error_abort);
    ASSERT_TRUE(ctx->wakeup->notified);
    ASSERT_INT_EQ(ctx->aio_max_batch, 17);
    teardown();
}

static void a_loop_that_polls_learns_by_itself(void)
{
    NEED_FINE_CLOCK;
    setup_polled_on_the_scan();
    set_params(HOUR, 0, 0);
    ASSERT_FALSE(aio_poll(ctx, true));
    ASSERT_INT_EQ(one.polls, 0);               /* nothing was learnt yet */
    ASSERT_INT_EQ(ctx->poll_ns, 4000);
    ASSERT_STR_EQ(poll_ready(), "bpepr");
    teardown();
}

TEST_PROGRAM(
    TEST(a_handler_is_polled_once_its_fd_has_fired),
    TEST(with_poll_max_ns_0_nobody_is_polled),
    TEST(on_the_scan_one_handler_without_io_poll_ends_all_polling),
    TEST(changing_a_handler_takes_it_off_those_that_are_polled),
    TEST(begin_and_end_of_an_unknown_fd_are_ignored),
    TEST(fd_handlers_have_begin_and_end_too),
    TEST(begin_and_end_bracket_an_iteration_that_ends_in_the_wait),
    TEST(after_end_there_is_one_last_look),
    TEST(while_there_are_hits_polling_does_not_end),
    TEST(the_last_look_may_hit_too),
    TEST(a_hit_is_progress_and_keeps_from_sleeping),
    TEST(a_poll_that_does_not_block_ends_polling_mode),
    TEST(and_its_last_look_is_progress),
    TEST(an_iteration_awake_polls_for_its_own_time_and_never_sleeps),
    TEST(one_that_joins_while_polling_is_on_is_begun_at_once),
    TEST(io_poll_may_remove_its_own_handler),
    TEST(io_poll_may_poll_the_context),
    TEST(the_notifier_is_polled_too),
    TEST(polling_ends_when_a_timer_is_due),
    TEST(without_a_hit_it_lasts_poll_ns),
    TEST(on_the_scan_three_that_do_not_block_miss_a_ready_fd),
    TEST(with_one_that_cannot_be_polled_the_first_sees_it),
    TEST(a_wait_that_polling_covered_changes_nothing),
    TEST(one_that_was_a_little_longer_makes_it_grow),
    TEST(it_does_not_grow_beyond_poll_max_ns),
    TEST(one_that_was_longer_than_poll_max_ns_makes_it_shrink),
    TEST(new_parameters_begin_anew_and_notify),
    TEST(new_parameters_wake_a_loop_that_sleeps),
    TEST(a_batch_size_notifies_too),
    TEST(a_loop_that_polls_learns_by_itself),
)
