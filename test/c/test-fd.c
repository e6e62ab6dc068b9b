/* SPDX-License-Identifier: MIT */
/* Handlers of event notifiers: adding, changing, removing, order. */
#include "loop.h"

typedef struct Source {
    EventNotifier e;
    char letter;
    void (*then)(struct Source *self);
} Source;

static Source a, b, c;

static void source_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    journal_add(source->letter);
    if (source->then) {
        source->then(source);
    }
}

static void upper_cb(EventNotifier *e)
{
    journal_add((char)(container_of(e, Source, e)->letter - 'a' + 'A'));
}

static void watch(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, source_cb, NULL);
}

static void unwatch(Source *source)
{
    aio_set_event_notifier(ctx, &source->e, false, NULL, NULL);
}

static void set_all(void)
{
    event_notifier_set(&a.e);
    event_notifier_set(&b.e);
    event_notifier_set(&c.e);
}

static void clear(Source *self)
{
    ASSERT_INT_EQ(event_notifier_test_and_clear(&self->e), 1);
}

static void setup(void)
{
    Source *sources[] = { &a, &b, &c };

    loop_setup();
    journal_clear();
    for (int i = 0; i < 3; i++) {
        *sources[i] = (Source){ .letter = (char)('a' + i) };
        ASSERT_INT_EQ(event_notifier_init(&sources[i]->e, 0), 0);
    }
}

static void teardown(void)
{
    unwatch(&a);
    unwatch(&b);
    unwatch(&c);
    event_notifier_cleanup(&a.e);
    event_notifier_cleanup(&b.e);
    event_notifier_cleanup(&c.e);
    loop_teardown();
}

static const char *poll_once(void)
{
    journal_clear();
    aio_poll(ctx, false);
    return journal;
}

/* ---- Running ---- */

static void a_handler_runs_when_its_notifier_is_set(void)
{
    setup();
    watch(&a);
    watch(&b);
    ASSERT_STR_EQ(poll_once(), "");
    event_notifier_set(&a.e);
    event_notifier_set(&a.e);
    a.then = clear;
    ASSERT_STR_EQ(poll_once(), "a");
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

static void one_that_does_not_clear_runs_again(void)
{
    setup();
    event_notifier_set(&a.e);
    watch(&a);
    for (int i = 0; i < 3; i++) {
        ASSERT_STR_EQ(poll_once(), "a");
    }
    event_notifier_test_and_clear(&a.e);
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

static void handlers_run_in_the_order_of_registration(void)
{
    setup();
    watch(&b);
    watch(&a);
    watch(&c);
    set_all();
    ASSERT_STR_EQ(poll_once(), "bac");
    teardown();
}

static void a_change_moves_a_handler_to_the_end(void)
{
    setup();
    watch(&a);
    watch(&b);
    watch(&c);
    set_all();
    aio_set_event_notifier(ctx, &a.e, false, upper_cb, NULL);
    ASSERT_STR_EQ(poll_once(), "bcA");
    teardown();
}

static void the_handlers_that_ran_are_counted(void)
{
    uint64_t handlers;

    setup();
    watch(&a);
    watch(&b);
    set_all();
    handlers = ctx->stats.handlers;
    poll_once();
    ASSERT_INT_EQ(ctx->stats.handlers, handlers + 2);
    teardown();
}

/* ---- Removing ---- */

static void a_removed_handler_does_not_run(void)
{
    setup();
    watch(&a);
    watch(&b);
    set_all();
    unwatch(&a);
    ASSERT_STR_EQ(poll_once(), "b");
    watch(&a);
    ASSERT_STR_EQ(poll_once(), "ba");
    teardown();
}

static void remove_a(Source *self)
{
    (void)self;
    unwatch(&a);
}

static void remove_b(Source *self)
{
    (void)self;
    unwatch(&b);
}

static void remove_b_and_watch_it_again(Source *self)
{
    (void)self;
    unwatch(&b);
    watch(&b);
    a.then = NULL;
}

static void removed_by_another_that_is_ready_it_does_not_run(void)
{
    setup();
    a.then = remove_b;
    watch(&a);
    watch(&b);
    watch(&c);
    set_all();
    ASSERT_STR_EQ(poll_once(), "ac");
    ASSERT_STR_EQ(poll_once(), "ac");
    teardown();
}

static void a_handler_may_remove_itself(void)
{
    setup();
    a.then = remove_a;
    watch(&a);
    watch(&b);
    set_all();
    ASSERT_STR_EQ(poll_once(), "ab");
    /* The poll has freed it at its end. */
    ASSERT_TRUE(QLIST_EMPTY(&ctx->deleted_aio_handlers));
    ASSERT_STR_EQ(poll_once(), "b");
    teardown();
}

static void replaced_during_a_poll_it_runs_in_the_next(void)
{
    setup();
    a.then = remove_b_and_watch_it_again;
    watch(&a);
    watch(&b);
    set_all();
    ASSERT_STR_EQ(poll_once(), "a");
    ASSERT_STR_EQ(poll_once(), "ab");
    teardown();
}

static void close_b(Source *self)
{
    (void)self;
    unwatch(&b);
    event_notifier_cleanup(&b.e);
}

static void a_removed_notifier_may_be_closed_at_once(void)
{
    setup();
    a.then = close_b;
    watch(&a);
    watch(&b);
    watch(&c);
    set_all();
    ASSERT_STR_EQ(poll_once(), "ac");
    a.then = NULL;
    event_notifier_init(&b.e, 1);         /* most likely the same fd */
    ASSERT_STR_EQ(poll_once(), "ac");
    watch(&b);
    ASSERT_STR_EQ(poll_once(), "acb");
    teardown();
}

static void nested_remove(Source *self)
{
    (void)self;
    a.then = NULL;
    unwatch(&b);
    aio_poll(ctx, false);
}

static void removed_in_a_nested_poll_it_is_gone(void)
{
    setup();
    a.then = nested_remove;
    watch(&a);
    watch(&b);
    set_all();
    ASSERT_STR_EQ(poll_once(), "aa");     /* a is level-triggered: inside too */
    ASSERT_STR_EQ(poll_once(), "a");
    teardown();
}

/* ---- Notifying ---- */

static void changes_notify_but_removing_an_unknown_fd_does_not(void)
{
    setup();
    unwatch(&a);
    ASSERT_FALSE(ctx->wakeup->notified);
    watch(&a);
    ASSERT_TRUE(ctx->wakeup->notified);
    poll_once();
    aio_set_event_notifier(ctx, &a.e, false, upper_cb, NULL);
    ASSERT_TRUE(ctx->wakeup->notified);
    poll_once();
    unwatch(&a);
    ASSERT_TRUE(ctx->wakeup->notified);
    poll_once();
    unwatch(&a);
    ASSERT_FALSE(ctx->wakeup->notified);
    teardown();
}

static void set_a(void *opaque)
{
    (void)opaque;
    event_notifier_set(&a.e);
}

static void watch_b(void *opaque)
{
    (void)opaque;
    watch(&b);
}

static void a_set_notifier_ends_the_sleep(void)
{
    WhenAsleep w;

    setup();
    a.then = clear;
    watch(&a);
    aio_poll(ctx, true);
    for (int i = 0; i < 20; i++) {
        journal_clear();
        when_asleep(&w, set_a, NULL);
        while (!aio_poll(ctx, true)) {
            continue;
        }
        ASSERT_STR_EQ(journal, "a");
        when_asleep_join(&w);
    }
    teardown();
}

static void a_new_handler_of_a_set_notifier_ends_the_sleep(void)
{
    WhenAsleep w;

    setup();
    event_notifier_set(&b.e);
    when_asleep(&w, watch_b, NULL);
    while (!aio_poll(ctx, true)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "b");
    when_asleep_join(&w);
    teardown();
}

static void cleared_by_another_it_does_not_run(void)
{
    setup();
    watch(&a);
    set_all();
    event_notifier_test_and_clear(&a.e);
    ASSERT_STR_EQ(poll_once(), "");
    teardown();
}

/* ---- Many ---- */

static uint32_t ran;

static void count_and_clear(EventNotifier *e)
{
    ASSERT_INT_EQ(event_notifier_test_and_clear(e), 1);
    ran++;
}

static void hundreds_are_watched_at_once(void)
{
    enum { MANY = 300 };
    static EventNotifier es[MANY];

    loop_setup();
    for (int i = 0; i < MANY; i++) {
        ASSERT_INT_EQ(event_notifier_init(&es[i], 0), 0);
        aio_set_event_notifier(ctx, &es[i], false, count_and_clear, NULL);
    }
    for (int step = 1; step < 100; step *= 7) {
        ran = 0;
        for (int i = 0; i < MANY; i += step) {
            event_notifier_set(&es[i]);
        }
        /* A wait finds 128. */
        while (aio_poll(ctx, false)) {
            continue;
        }
        ASSERT_INT_EQ(ran, DIV_ROUND_UP(MANY, step));
    }
    for (int i = 0; i < MANY; i++) {
        aio_set_event_notifier(ctx, &es[i], false, NULL, NULL);
        event_notifier_cleanup(&es[i]);
    }
    loop_teardown();
}

static void watching_no_fd_panics(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, 987, false, journal_cb, NULL, NULL, NULL);
}

TEST_PROGRAM(
    TEST(a_handler_runs_when_its_notifier_is_set),
    TEST(one_that_does_not_clear_runs_again),
    TEST(handlers_run_in_the_order_of_registration),
    TEST(a_change_moves_a_handler_to_the_end),
    TEST(the_handlers_that_ran_are_counted),
    TEST(a_removed_handler_does_not_run),
    TEST(removed_by_another_that_is_ready_it_does_not_run),
    TEST(a_handler_may_remove_itself),
    TEST(replaced_during_a_poll_it_runs_in_the_next),
    TEST(a_removed_notifier_may_be_closed_at_once),
    TEST(removed_in_a_nested_poll_it_is_gone),
    TEST(changes_notify_but_removing_an_unknown_fd_does_not),
    TEST(a_set_notifier_ends_the_sleep),
    TEST(a_new_handler_of_a_set_notifier_ends_the_sleep),
    TEST(cleared_by_another_it_does_not_run),
    TEST(hundreds_are_watched_at_once),
    TEST_PANICS(watching_no_fd_panics, "fd 987"),
)
