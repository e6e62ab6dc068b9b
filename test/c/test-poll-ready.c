/* SPDX-License-Identifier: MIT */
/* Handlers with io_poll_ready: io_poll looks, io_poll_ready does the work with the other
 * handlers that are ready. */
#include "loop.h"

#define HOUR (INT64_C(3600) * NANOSECONDS_PER_SECOND)

/* Its journal: P an io_poll that says yes, and its letter from io_poll_ready; r io_read,
 * b io_poll_begin, e io_poll_end. */
typedef struct Polled {
    EventNotifier e;
    char letter;
    bool hot;              /* io_poll says yes; io_poll_ready takes it back */
    bool hot_at_end;       /* io_poll_end makes it so */
    int polls;
    void (*found)(void);   /* in an io_poll that says yes */
    void (*then)(void);    /* in io_poll_ready, while it is hot */
} Polled;

static Polled one, two;

static void read_cb(EventNotifier *e)
{
    journal_add('r');
    event_notifier_test_and_clear(e);
}

static bool poll_cb(void *opaque)
{
    Polled *p = container_of((EventNotifier *)opaque, Polled, e);

    p->polls++;
    if (!p->hot) {
        return false;
    }
    journal_add('P');
    if (p->found) {
        p->found();
    }
    return true;
}

static void poll_ready_cb(EventNotifier *e)
{
    Polled *p = container_of(e, Polled, e);

    journal_add(p->letter);
    if (p->then) {
        p->then();
    }
    p->hot = false;
}

static void begin_cb(EventNotifier *e)
{
    (void)e;
    journal_add('b');
}

static void end_cb(EventNotifier *e)
{
    Polled *p = container_of(e, Polled, e);

    journal_add('e');
    p->hot |= p->hot_at_end;
    p->hot_at_end = false;
}

static void polled_register(Polled *p, char letter)
{
    *p = (Polled){ .letter = letter };
    ASSERT_INT_EQ(event_notifier_init(&p->e, 0), 0);
    aio_set_event_notifier_full(ctx, &p->e, false, read_cb, poll_cb,
                                poll_ready_cb);
    aio_set_event_notifier_poll(ctx, &p->e, begin_cb, end_cb);
}

/* It is polled from now on, because its fd has fired. */
static void polled_join(Polled *p)
{
    event_notifier_set(&p->e);
    journal_clear();
    while (!journal[0]) {
        aio_poll(ctx, true);
    }
    ASSERT_STR_EQ(journal, "r");
    journal_clear();
}

static void polled_init(Polled *p, char letter)
{
    polled_register(p, letter);
    polled_join(p);
}

static void polled_cleanup(Polled *p)
{
    aio_set_event_notifier_full(ctx, &p->e, false, NULL, NULL, NULL);
    event_notifier_cleanup(&p->e);
}

/* What poll_ns would be next is not asked for: it stays as it is set. */
static void set_poll_ns(int64_t ns)
{
    ctx->poll_max_ns = HOUR;
    ctx->poll_ns = ns;
    ctx->poll_grow = 1;
}

static void setup(void)
{
    loop_setup();
    polled_init(&one, '1');
    set_poll_ns(HOUR);
}

static void teardown(void)
{
    one.hot = two.hot = false;
    polled_cleanup(&one);
    if (two.letter) {
        polled_cleanup(&two);
    }
    loop_teardown();
}

static void schedule_h(void)
{
    aio_bh_schedule_oneshot(ctx, journal_cb, "h");
}

static void a_hit_is_dealt_with_after_bottom_halves(void)
{
    uint64_t handlers;

    setup();
    handlers = ctx->stats.handlers;
    one.hot = true;
    one.found = schedule_h;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bPh1");
    ASSERT_INT_EQ(ctx->stats.handlers, handlers + 1);
    teardown();
}

/* The handler is the only thing that such an iteration does. */
static void it_is_progress(void)
{
    setup();
    for (int i = 0; i < 3; i++) {
        one.hot = true;
        ASSERT_TRUE(aio_poll(ctx, true));
        ASSERT_FALSE(one.hot);
    }
    ASSERT_STR_EQ(journal, "bP1P1P1");
    teardown();
}

static void hits_run_in_the_order_of_registration(void)
{
    loop_setup();
    polled_register(&one, '1');
    polled_register(&two, '2');
    /* The one that joins last is asked first, and would come second. */
    polled_join(&two);
    polled_join(&one);
    set_poll_ns(HOUR);
    one.hot = two.hot = true;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bbPP12");
    teardown();
}

static void remove_one(void *opaque)
{
    (void)opaque;
    /* Neither does another thread free what is to run. */
    ASSERT_INT_GT(qemu_lockcnt_count(&ctx->list_lock), 0);
    aio_set_event_notifier_full(ctx, &one.e, false, NULL, NULL, NULL);
}

static void schedule_removal(void)
{
    aio_bh_schedule_oneshot(ctx, remove_one, NULL);
}

static void one_that_is_removed_after_its_hit_does_not_run(void)
{
    setup();
    one.hot = true;
    one.found = schedule_removal;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bP");
    teardown();
}

static void remove_itself(void)
{
    remove_one(NULL);
}

static void one_may_remove_itself(void)
{
    setup();
    one.hot = true;
    one.then = remove_itself;
    ASSERT_TRUE(aio_poll(ctx, true));
    one.hot = true;
    aio_notify(ctx);
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "bP1");
    teardown();
}

/* ---- Nesting ---- */

static int polls_before, polls_after;

static void poll_nested(void)
{
    polls_before = one.polls;
    /* One that does not block ends polling, which is followed by a last look. */
    aio_poll(ctx, false);
    /* And one that blocks polls, until the bottom half is seen. */
    set_poll_ns(20 * SCALE_US);
    schedule_h();
    ASSERT_TRUE(aio_poll(ctx, true));
    aio_notify(ctx);
    aio_poll(ctx, true);
    polls_after = one.polls;
}

static void a_nested_poll_does_not_enter_it_again(void)
{
    setup();
    polled_init(&two, '2');
    one.hot = true;
    one.then = poll_nested;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_INT_EQ(polls_after, polls_before);
    ASSERT_TRUE(strchr(journal, 'h'));
    ASSERT_PTR_EQ(strchr(journal, '1'), strrchr(journal, '1'));
    teardown();
}

static void make_two_hot_and_poll(void)
{
    two.hot = true;
    set_poll_ns(HOUR);
    ASSERT_TRUE(aio_poll(ctx, true));
    journal_add('.');
}

static void others_are_polled_in_it(void)
{
    setup();
    polled_init(&two, '2');
    one.hot = true;
    one.then = make_two_hot_and_poll;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bbP1P2.");
    /* And it is polled again. */
    one.then = NULL;
    one.hot = true;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "bbP1P2.P1");
    teardown();
}

/* ---- The last look ---- */

static void the_look_after_io_poll_end_counts(void)
{
    setup();
    one.hot_at_end = true;
    set_poll_ns(1);
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "beP1");
    teardown();
}

/* A foreign loop, in which there is no polling, drives the context now. */
static GSource *begin_as_source(void)
{
    setup();
    one.hot = true;
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_TRUE(ctx->poll_started);
    journal_clear();
    one.hot_at_end = true;
    return aio_get_g_source(ctx);
}

static void a_gsource_dispatches_what_prepare_found(void)
{
    GSource *source = begin_as_source();
    gint timeout = -1;

    ASSERT_TRUE(source->source_funcs->prepare(source, &timeout));
    ASSERT_INT_EQ(timeout, 0);
    ASSERT_STR_EQ(journal, "eP");
    ASSERT_TRUE(aio_pending(ctx));
    source->source_funcs->dispatch(source, NULL, NULL);
    ASSERT_STR_EQ(journal, "eP1");
    ASSERT_FALSE(aio_pending(ctx));
    g_source_unref(source);
    teardown();
}

static void so_do_the_steps_by_hand(void)
{
    GSource *source = begin_as_source();

    ASSERT_FALSE(aio_prepare(ctx));
    ASSERT_TRUE(aio_pending(ctx));
    aio_dispatch(ctx);
    ASSERT_STR_EQ(journal, "eP1");
    g_source_unref(source);
    teardown();
}

static void set_one(void)
{
    event_notifier_set(&one.e);
}

/* On the scan, which sees at once that the fd is ready. */
static void where_the_fd_is_ready_io_read_runs_instead(void)
{
    GSource *source;
    gint timeout = -1;

    loop_setup();
    loop_leave_the_ring();
    polled_init(&one, '1');
    set_poll_ns(HOUR);
    one.hot = true;
    ASSERT_TRUE(aio_poll(ctx, true));
    journal_clear();
    one.hot_at_end = true;
    one.found = set_one;
    source = aio_get_g_source(ctx);
    ASSERT_TRUE(source->source_funcs->prepare(source, &timeout));
    source->source_funcs->dispatch(source, NULL, NULL);
    ASSERT_STR_EQ(journal, "ePr");
    g_source_unref(source);
    teardown();
}

/* ---- Without io_poll_ready ---- */

static void without_it_io_poll_counts_as_null(void)
{
    setup();
    aio_set_event_notifier_full(ctx, &one.e, false, read_cb, poll_cb, NULL);
    ASSERT_TRUE(aio_poll_disabled(ctx));
    aio_set_event_notifier_full(ctx, &one.e, false, NULL, poll_cb, NULL);
    ASSERT_PTR_EQ(aio_find_handler(ctx, event_notifier_get_fd(&one.e)), NULL);
    ASSERT_INT_EQ(one.polls, 0);
    teardown();
}

TEST_PROGRAM(
    TEST(a_hit_is_dealt_with_after_bottom_halves),
    TEST(it_is_progress),
    TEST(hits_run_in_the_order_of_registration),
    TEST(one_that_is_removed_after_its_hit_does_not_run),
    TEST(one_may_remove_itself),
    TEST(a_nested_poll_does_not_enter_it_again),
    TEST(others_are_polled_in_it),
    TEST(the_look_after_io_poll_end_counts),
    TEST(a_gsource_dispatches_what_prepare_found),
    TEST(so_do_the_steps_by_hand),
    TEST(where_the_fd_is_ready_io_read_runs_instead),
    TEST(without_it_io_poll_counts_as_null),
)
