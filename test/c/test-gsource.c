/* SPDX-License-Identifier: MIT */
/* The context as a GSource, driven by a foreign event loop. */
#include "loop.h"

#define HOUR_MS (3600 * 1000)

static const GSourceFuncs *funcs;
static GSource *source;
static QEMUBH *bh;

static void setup(void)
{
    loop_setup();
    journal_clear();
    source = aio_get_g_source(ctx);
    funcs = source->source_funcs;
    bh = aio_bh_new(ctx, journal_cb, "b");
}

static void teardown(void)
{
    g_source_unref(source);
    if (bh) {
        qemu_bh_delete(bh);
    }
    loop_teardown();
}

static bool prepare(gint *timeout)
{
    return funcs->prepare(source, timeout);
}

/* What GLib does in one iteration that may not wait: fds are polled in any case,
 * check is left out when prepare said that the source is ready. */
static bool iteration(void)
{
    gint timeout;
    bool ready = prepare(&timeout);

    if (!ready && !funcs->check(source)) {
        return false;
    }
    ASSERT_TRUE(funcs->dispatch(source, NULL, NULL));
    return true;
}

/* ---- The object ---- */

static void getting_it_adds_a_reference(void)
{
    AioContext *c = aio_context_new(&error_abort);

    source = aio_get_g_source(c);
    ASSERT_PTR_EQ(source, c);
    ASSERT_INT_EQ(source->ref_count, 2);
    aio_context_unref(c);
    ASSERT_INT_EQ(source->ref_count, 1);
    g_source_unref(source);
}

/* ---- prepare ---- */

static void prepare_gives_the_timeout_in_milliseconds(void)
{
    QEMUTimer timer;
    gint timeout;

    setup();
    ASSERT_FALSE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, -1);
    qemu_bh_schedule_idle(bh);
    ASSERT_FALSE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, 10);
    qemu_bh_schedule(bh);
    qemu_bh_cancel(bh);
    ASSERT_FALSE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, -1);

    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, now_ns() + HOUR_MS * (int64_t)SCALE_MS);
    ASSERT_FALSE(prepare(&timeout));
    ASSERT_INT_GT(timeout, HOUR_MS / 2);
    ASSERT_INT_LE(timeout, HOUR_MS);
    timer_del(&timer);
    teardown();
}

static void prepare_is_true_when_something_is_due(void)
{
    QEMUTimer timer;
    gint timeout;

    setup();
    qemu_bh_schedule(bh);
    ASSERT_TRUE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, 0);
    aio_dispatch(ctx);
    ASSERT_FALSE(prepare(&timeout));
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    ASSERT_TRUE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, 0);
    timer_del(&timer);
    teardown();
}

static void less_than_a_millisecond_is_one(void)
{
    QEMUTimer timer;
    gint timeout = 0;

    setup();
    timer_setup(&timer, journal_cb, "t");
    /* Unless it has become due meanwhile. */
    while (!timeout) {
        timer_mod(&timer, now_ns() + 500 * SCALE_US);
        prepare(&timeout);
    }
    ASSERT_INT_EQ(timeout, 1);
    timer_del(&timer);
    teardown();
}

static void prepare_does_not_look_at_notified(void)
{
    gint timeout;

    setup();
    aio_notify(ctx);
    ASSERT_FALSE(prepare(&timeout));
    ASSERT_INT_EQ(timeout, -1);
    ASSERT_TRUE(ctx->wakeup->notified);
    teardown();
}

static void prepare_and_pending_of_an_idle_context_are_false(void)
{
    setup();
    ASSERT_FALSE(aio_prepare(ctx));
    ASSERT_FALSE(aio_pending(ctx));
    teardown();
}

/* ---- check ---- */

static void between_prepare_and_check_a_notification_sets_the_notifier(void)
{
    uint64_t sent;
    gint timeout;

    setup();
    sent = ctx->wakeup->sent;
    prepare(&timeout);
    ASSERT_INT_EQ(ctx->wakeup->notify_me, 1);
    aio_notify(ctx);
    ASSERT_INT_EQ(ctx->wakeup->sent, sent + 1);
    ASSERT_TRUE(funcs->check(source));     /* the notifier is to be cleared */
    ASSERT_INT_EQ(ctx->wakeup->notify_me, 0);
    ASSERT_FALSE(ctx->wakeup->notified);
    aio_notify(ctx);
    ASSERT_INT_EQ(ctx->wakeup->sent, sent + 1);
    teardown();
}

static void check_is_true_when_there_is_something_to_dispatch(void)
{
    QEMUTimer timer;
    gint timeout;

    setup();
    prepare(&timeout);
    ASSERT_FALSE(funcs->check(source));
    qemu_bh_schedule(bh);
    ASSERT_TRUE(funcs->check(source));
    aio_dispatch(ctx);
    ASSERT_FALSE(funcs->check(source));
    qemu_bh_schedule_idle(bh);
    ASSERT_TRUE(funcs->check(source));
    aio_dispatch(ctx);
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    ASSERT_TRUE(funcs->check(source));
    aio_dispatch(ctx);
    ASSERT_FALSE(funcs->check(source));
    ASSERT_STR_EQ(journal, "bbt");
    teardown();
}

/* ---- dispatch ---- */

typedef struct Ready {
    EventNotifier e;
    char letter;
} Ready;

static void ready_cb(EventNotifier *e)
{
    journal_add(container_of(e, Ready, e)->letter);
    event_notifier_test_and_clear(e);
}

static void handlers_run_in_the_order_of_registration(void)
{
    Ready ready[3];

    setup();
    for (int i = 0; i < 3; i++) {
        ready[i].letter = (char)('A' + i);
        event_notifier_init(&ready[i].e, 1);
        aio_set_event_notifier(ctx, &ready[i].e, false, ready_cb, NULL);
    }
    ASSERT_FALSE(aio_pending(ctx));
    ASSERT_TRUE(funcs->check(source));
    ASSERT_TRUE(aio_pending(ctx));
    aio_dispatch(ctx);
    ASSERT_STR_EQ(journal, "ABC");
    ASSERT_FALSE(aio_pending(ctx));
    for (int i = 0; i < 3; i++) {
        aio_set_event_notifier(ctx, &ready[i].e, false, NULL, NULL);
        event_notifier_cleanup(&ready[i].e);
    }
    teardown();
}

/* An io_poll_end that removes the other handler, in the middle of prepare's walk. */
static Ready pair[2];
static int hits, ended;

static bool hit(void *opaque)
{
    (void)opaque;
    return hits-- > 0;
}

static void remove_the_other(EventNotifier *e)
{
    if (ended++ == 0) {
        aio_set_event_notifier(ctx, &pair[e == &pair[0].e].e, false, NULL, NULL);
    }
}

static void prepare_ends_polling_although_that_removes_a_handler(void)
{
    gint timeout;

    setup();
    loop_leave_the_ring();
    ended = 0;
    aio_context_set_poll_params(ctx, 10 * SCALE_MS, 0, 0, &error_abort);
    for (int i = 0; i < 2; i++) {
        event_notifier_init(&pair[i].e, 1);
        aio_set_event_notifier(ctx, &pair[i].e, false, ready_cb, hit);
        aio_set_event_notifier_poll(ctx, &pair[i].e, NULL, remove_the_other);
    }
    /* A handler is polled once its fd has fired, and the loop polls after a sleep. */
    while (!ctx->poll_started) {
        for (int i = 0; i < 2; i++) {
            event_notifier_set(&pair[i].e);
        }
        hits = 1;
        qatomic_set(&ctx->poll_ns, 10 * SCALE_MS);
        aio_poll(ctx, true);
    }
    hits = 0;
    funcs->prepare(source, &timeout);
    ASSERT_FALSE(ctx->poll_started);
    ASSERT_INT_EQ(ended, 1);
    for (int i = 0; i < 2; i++) {
        aio_set_event_notifier(ctx, &pair[i].e, false, NULL, NULL);
        event_notifier_cleanup(&pair[i].e);
    }
    teardown();
}

static void bottom_halves_run_first_and_timers_last(void)
{
    QEMUTimer timer;
    Ready ready = { .letter = 'f' };

    setup();
    event_notifier_init(&ready.e, 1);
    aio_set_event_notifier(ctx, &ready.e, false, ready_cb, NULL);
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, 0);
    qemu_bh_schedule(bh);
    ASSERT_TRUE(iteration());
    ASSERT_STR_EQ(journal, "bft");
    aio_set_event_notifier(ctx, &ready.e, false, NULL, NULL);
    event_notifier_cleanup(&ready.e);
    teardown();
}

static gboolean callback(gpointer opaque)
{
    (void)opaque;
    return true;
}

static void a_callback_on_the_source_panics(void)
{
    setup();
    funcs->dispatch(source, callback, NULL);
}

/* ---- Whole iterations ---- */

static void iterations_stop_when_nothing_is_left(void)
{
    setup();
    qemu_bh_schedule(bh);
    ASSERT_TRUE(iteration());
    ASSERT_STR_EQ(journal, "b");
    for (int i = 0; iteration(); i++) {
        ASSERT_INT_LT(i, 3);
    }
    ASSERT_STR_EQ(journal, "b");
    teardown();
}

static void delete_bh(void *opaque)
{
    (void)opaque;
    qemu_bh_delete(bh);
    bh = NULL;
}

static void one_that_deletes_itself_makes_one_more_iteration_true(void)
{
    setup();
    qemu_bh_delete(bh);
    while (iteration()) {
        continue;
    }
    bh = aio_bh_new(ctx, delete_bh, NULL);
    qemu_bh_schedule(bh);
    ASSERT_TRUE(iteration());
    ASSERT_PTR_EQ(bh, NULL);
    ASSERT_TRUE(iteration());
    ASSERT_FALSE(iteration());
    teardown();
}

static void schedule_bh(void *opaque)
{
    (void)opaque;
    qemu_bh_schedule(bh);
}

/* The foreign loop sleeps on the notifier alone. */
static void the_notifier_wakes_a_foreign_loop(void)
{
    TestCall call = { schedule_bh, NULL };

    setup();
    for (int i = 1; i <= test_rounds(500); i++) {
        PortPollFd fd = { ctx->wakeup->fd, PORT_POLLIN, 0 };
        QemuThread thread;
        gint timeout;

        journal_clear();
        qemu_thread_create(&thread, "schedule", test_call, &call,
                           QEMU_THREAD_JOINABLE);
        while (!*journal) {
            if (!prepare(&timeout)) {
                ASSERT_INT_EQ(timeout, -1);
                while (!port_fd_poll(&fd, 1, fd.fd, -1)) {
                    continue;
                }
                ASSERT_TRUE(funcs->check(source));
            }
            funcs->dispatch(source, NULL, NULL);
        }
        qemu_thread_join(&thread);
    }
    teardown();
}

TEST_PROGRAM(
    TEST(getting_it_adds_a_reference),
    TEST(prepare_gives_the_timeout_in_milliseconds),
    TEST(prepare_is_true_when_something_is_due),
    TEST(less_than_a_millisecond_is_one),
    TEST(prepare_does_not_look_at_notified),
    TEST(prepare_and_pending_of_an_idle_context_are_false),
    TEST(between_prepare_and_check_a_notification_sets_the_notifier),
    TEST(check_is_true_when_there_is_something_to_dispatch),
    TEST(handlers_run_in_the_order_of_registration),
    TEST(prepare_ends_polling_although_that_removes_a_handler),
    TEST(bottom_halves_run_first_and_timers_last),
    TEST(iterations_stop_when_nothing_is_left),
    TEST(one_that_deletes_itself_makes_one_more_iteration_true),
    TEST(the_notifier_wakes_a_foreign_loop),
    TEST_PANICS(a_callback_on_the_source_panics, "takes no callback"),
)
