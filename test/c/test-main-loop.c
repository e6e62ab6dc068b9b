/* SPDX-License-Identifier: MIT */
/* The main thread's loop: its two contexts, its timers, its wake-up. */
#include "block/aio-wait.h"
#include "loop.h"
#include "notifiers.h"
#include "qemu/main-loop.h"

static void setup(void)
{
    ASSERT_PTR_EQ(qemu_get_aio_context(), NULL);
    ASSERT_INT_EQ(qemu_init_main_loop(&error_abort), 0);
    ctx = qemu_get_aio_context();
    ASSERT_PTR_NE(ctx, NULL);
    while (g_main_context_iteration(NULL, false)) {
        continue;
    }
    journal_clear();
}

static void the_main_context_is_this_thread_s(void)
{
    setup();
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), ctx);
    ASSERT_PTR_EQ(qemu_get_aio_context(), ctx);
    ASSERT_TRUE(in_aio_context_home_thread(ctx));
    ASSERT_FALSE(qemu_mutex_iothread_locked());
}

static void expect_no_current(void *opaque)
{
    (void)opaque;
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), NULL);
    ASSERT_PTR_EQ(qemu_get_aio_context(), ctx);
    ASSERT_FALSE(in_aio_context_home_thread(ctx));
}

static void other_threads_have_none(void)
{
    setup();
    test_elsewhere(expect_no_current, NULL);
}

static void initialising_twice_panics(void)
{
    setup();
    qemu_init_main_loop(&error_abort);
}

static void main_loop_wait_runs_the_main_context(void)
{
    QEMUBH *bh;

    setup();
    bh = qemu_bh_new(journal_cb, "b");
    qemu_bh_schedule(bh);
    ASSERT_STR_EQ(journal, "");
    main_loop_wait(false);
    ASSERT_STR_EQ(journal, "b");
    main_loop_wait(true);
    ASSERT_STR_EQ(journal, "b");
    qemu_bh_delete(bh);
    main_loop_wait(true);
}

static void so_does_aio_poll(void)
{
    setup();
    aio_bh_schedule_oneshot(ctx, journal_cb, "b");
    ASSERT_TRUE(aio_poll(ctx, true));
    ASSERT_STR_EQ(journal, "b");
}

static EventNotifier e;

static void read_cb(void *opaque)
{
    journal_cb(opaque);
    event_notifier_test_and_clear(&e);
}

static void fd_handlers_are_the_iohandler_context_s(void)
{
    int fd;

    setup();
    ASSERT_PTR_NE(iohandler_get_aio_context(), ctx);
    ASSERT_PTR_EQ(iohandler_get_aio_context(), iohandler_get_aio_context());
    ASSERT_INT_EQ(event_notifier_init(&e, 1), 0);
    fd = event_notifier_get_fd(&e);
    qemu_set_fd_handler(fd, read_cb, NULL, "r");
    while (aio_poll(ctx, false)) {
        continue;
    }
    ASSERT_STR_EQ(journal, "");          /* aio_poll of the main one is not it */
    main_loop_wait(false);
    while (!journal[0]) {
        main_loop_wait(false);
    }
    ASSERT_STR_EQ(journal, "r");
    qemu_set_fd_handler(fd, NULL, NULL, NULL);
    event_notifier_set(&e);
    main_loop_wait(true);
    main_loop_wait(true);
    ASSERT_STR_EQ(journal, "r");
    event_notifier_cleanup(&e);
}

static void write_cb(void *opaque)
{
    journal_cb(opaque);
    qemu_set_fd_handler(event_notifier_get_fd(&e), NULL, NULL, NULL);
}

static void writability_is_theirs_too(void)
{
    setup();
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    qemu_set_fd_handler(event_notifier_get_fd(&e), NULL, write_cb, "w");
    while (!journal[0]) {
        main_loop_wait(false);
    }
    ASSERT_STR_EQ(journal, "w");
    event_notifier_cleanup(&e);
}

static void timers_without_a_context_run_there(void)
{
    QEMUTimer *timer;
    int64_t start;

    setup();
    timer = timer_new_ms(QEMU_CLOCK_REALTIME, journal_cb, "t");
    start = qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
    timer_mod(timer, start + 3);
    while (!journal[0]) {
        main_loop_wait(false);
    }
    ASSERT_INT_GE(qemu_clock_get_ms(QEMU_CLOCK_REALTIME), start + 3);
    timer_free(timer);
}

/* ---- From other threads ---- */

static void *elsewhere(void *opaque)
{
    TestCall *call = opaque;

    TEST_WAIT_UNTIL(qatomic_mb_read(&ctx->wakeup->notify_me) & 1);
    test_nap(UINT_MAX);
    call->run(call->opaque);
    return NULL;
}

/* run(opaque) in another thread ends main_loop_wait's sleep, or the test does
 * not end. */
static void expect_end(void (*run)(void *opaque), void *opaque)
{
    TestCall call = { run, opaque };

    for (int i = 0; i < 20; i++) {
        QemuThread thread;
        main_loop_wait(true);
        qatomic_mb_set(&ctx->wakeup->notify_me, 0);
        qemu_thread_create(&thread, "elsewhere", elsewhere, &call,
                           QEMU_THREAD_JOINABLE);
        main_loop_wait(false);
        qemu_thread_join(&thread);
    }
}

static void notify_event(void *opaque)
{
    (void)opaque;
    qemu_notify_event();
}

static void qemu_notify_event_ends_the_wait(void)
{
    setup();
    expect_end(notify_event, NULL);
}

static void set_e(void *opaque)
{
    (void)opaque;
    event_notifier_set(&e);
}

static void an_fd_ends_the_wait(void)
{
    setup();
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    qemu_set_fd_handler(event_notifier_get_fd(&e), read_cb, NULL, "r");
    main_loop_wait(true);
    expect_end(set_e, NULL);
    main_loop_wait(true);
    main_loop_wait(true);
    ASSERT_INT_EQ(strlen(journal), 20);
    qemu_set_fd_handler(event_notifier_get_fd(&e), NULL, NULL, NULL);
    event_notifier_cleanup(&e);
}

static void arm(void *opaque)
{
    timer_mod(opaque, 0);
}

static void a_timer_armed_elsewhere_ends_the_wait(void)
{
    QEMUTimer *timer;

    setup();
    timer = timer_new_ns(QEMU_CLOCK_REALTIME, journal_cb, "t");
    expect_end(arm, timer);
    main_loop_wait(true);
    ASSERT_INT_EQ(strlen(journal), 20);
    timer_free(timer);
}

static void notifying_before_there_is_one_is_nothing(void)
{
    qemu_notify_event();
    ASSERT_PTR_EQ(qemu_get_aio_context(), NULL);
}

TEST_PROGRAM(
    TEST(the_main_context_is_this_thread_s),
    TEST(other_threads_have_none),
    TEST_PANICS(initialising_twice_panics, "the main loop exists already"),
    TEST(main_loop_wait_runs_the_main_context),
    TEST(so_does_aio_poll),
    TEST(fd_handlers_are_the_iohandler_context_s),
    TEST(writability_is_theirs_too),
    TEST(timers_without_a_context_run_there),
    TEST(qemu_notify_event_ends_the_wait),
    TEST(an_fd_ends_the_wait),
    TEST(a_timer_armed_elsewhere_ends_the_wait),
    TEST(notifying_before_there_is_one_is_nothing),
)
