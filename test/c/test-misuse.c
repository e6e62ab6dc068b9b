/* SPDX-License-Identifier: MIT */
/* What a program sees that breaks the contract: a message that names what. */
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "qemu/main-loop.h"
#include "sysemu/iothread.h"

static void a_handler_of_a_negative_fd(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, -1, false, journal_cb, NULL, NULL, NULL);
}

static void removing_that_of_a_negative_fd(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, INT_MIN, false, NULL, NULL, NULL, NULL);
}

static void a_handler_of_a_closed_fd(void)
{
    EventNotifier e;
    int fd;

    loop_setup();
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    fd = event_notifier_get_fd(&e);
    event_notifier_cleanup(&e);
    aio_set_fd_handler(ctx, fd, false, journal_cb, NULL, NULL, NULL);
}

static void a_handler_of_an_fd_that_never_was(void)
{
    loop_setup();
    aio_set_fd_handler(ctx, 4321, false, journal_cb, NULL, NULL, NULL);
}

static void a_handler_of_a_notifier_that_is_not_initialised(void)
{
    EventNotifier e = { .fd = -1 };

    loop_setup();
    aio_set_event_notifier(ctx, &e, false, (EventNotifierHandler *)journal_cb,
                           NULL);
}

/* Removing is always fine. */
static void removing_that_of_a_closed_fd_is_not(void)
{
    EventNotifier e;
    int fd;

    loop_setup();
    ASSERT_INT_EQ(event_notifier_init(&e, 0), 0);
    fd = event_notifier_get_fd(&e);
    aio_set_event_notifier(ctx, &e, false, (EventNotifierHandler *)journal_cb,
                           NULL);
    event_notifier_cleanup(&e);
    aio_set_fd_handler(ctx, fd, false, NULL, NULL, NULL, NULL);
    aio_poll(ctx, false);
    loop_teardown();
}

static int reads;

static void count_read(void *opaque)
{
    (void)opaque;
    reads++;
}

/* A file of the machine is always ready; in WebAssembly the test has one alone,
 * /dev/null as its standard input. */
static void a_handler_of_a_file(void)
{
    int fd = STDIN_FILENO;

    loop_setup();
#ifdef CONFIG_POSIX
    FILE *file = tmpfile();
    fd = fileno(file);
#endif
    aio_set_fd_handler(ctx, fd, false, count_read, NULL, NULL, NULL);
    for (int i = 1; i <= 3; i++) {
        ASSERT_TRUE(aio_poll(ctx, true) || i == 1);
        ASSERT_INT_EQ(reads, i);
    }
    aio_set_fd_handler(ctx, fd, false, NULL, NULL, NULL, NULL);
    loop_teardown();
}

static void poll_it(void *opaque)
{
    (void)opaque;
    aio_poll(ctx, false);
}

static void polling_from_a_foreign_thread(void)
{
    loop_setup();
    test_elsewhere(poll_it, NULL);
}

static void submit_to_it(void *opaque)
{
    thread_pool_submit(opaque, NULL, NULL);
}

/* As programs of QEMU 8.1 submit. */
static void the_pool_of_a_thread_without_a_context(void)
{
    aio_get_current_thread_pool();
}

static void submitting_to_a_pool_from_a_foreign_thread(void)
{
    loop_setup();
    test_elsewhere(submit_to_it, aio_get_thread_pool(ctx));
}

static void a_timer_that_is_armed_in_the_end(void)
{
    static QEMUTimer timer;

    loop_setup();
    timer_setup(&timer, journal_cb, "t");
    timer_mod(&timer, INT64_MAX);
    loop_teardown();
}

static void my_bottom_half(void *opaque)
{
    (void)opaque;
}

static void a_bottom_half_that_is_scheduled_in_the_end(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_bh_schedule(aio_bh_new(ctx, my_bottom_half, NULL));
    aio_context_unref(ctx);
}

static void a_oneshot_that_has_not_run_in_the_end(void)
{
    ctx = aio_context_new(&error_abort);
    aio_bh_schedule_oneshot(ctx, my_bottom_half, NULL);
    aio_context_unref(ctx);
}

static void one_is_called_what_its_maker_says(void)
{
    ctx = aio_context_new(&error_abort);
    aio_bh_schedule_oneshot_full(ctx, my_bottom_half, NULL, "nightly backup");
    aio_context_unref(ctx);
}

/* Somebody else keeps it: that is no end. */
static void while_it_is_kept_there_is_no_end(void)
{
    ctx = aio_context_new(&error_abort);
    aio_bh_schedule_oneshot(ctx, my_bottom_half, NULL);
    aio_context_ref(ctx);
    aio_context_unref(ctx);
    qemu_set_current_aio_context(ctx);
    loop_teardown();
}

static void one_that_an_iothread_has_not_run(void)
{
    IOThread *iothread = iothread_create("io", &error_abort);

    iothread_stop(iothread);
    aio_bh_schedule_oneshot(iothread_get_aio_context(iothread), my_bottom_half,
                            NULL);
    iothread_destroy(iothread);
}

static int no_work(void *opaque)
{
    (void)opaque;
    return 0;
}

static void a_request_that_is_outstanding_in_the_end(void)
{
    loop_setup();
    thread_pool_submit(aio_get_thread_pool(ctx), no_work, NULL);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

static void unref_inside(void *opaque)
{
    (void)opaque;
    aio_context_unref(ctx);
}

static void the_last_unref_inside_a_bottom_half(void)
{
    loop_setup();
    aio_bh_schedule_oneshot(ctx, unref_inside, NULL);
    aio_poll(ctx, true);
}

static void being_home_to_two(void)
{
    loop_setup();
    qemu_set_current_aio_context(aio_context_new(&error_abort));
}

static void a_second_iothread_of_that_name(void)
{
    IOThread *iothread = iothread_create("io", &error_abort);
    Error *err = NULL;

    ASSERT_PTR_EQ(iothread_create("io", &err), NULL);
    ASSERT_STR_EQ(error_get_pretty(err), "there is an IOThread 'io' already");
    error_free(err);
    iothread_destroy(iothread);
}

static void destroying_a_context_twice_is_once(void)
{
    EventNotifier e;

    loop_setup();
    ASSERT_INT_EQ(event_notifier_init(&e, 1), 0);
    aio_set_event_notifier(ctx, &e, false, (EventNotifierHandler *)count_read,
                           NULL);
    aio_context_destroy(ctx);
    aio_context_destroy(ctx);
    aio_poll(ctx, false);
    ASSERT_INT_EQ(reads, 0);
    event_notifier_cleanup(&e);
    loop_teardown();
}

static void so_is_destroying_a_source(void)
{
    GMainContext *context = g_main_context_new();
    GSource *source;

    loop_setup();
    source = aio_get_g_source(ctx);
    g_source_attach(source, context);
    g_source_destroy(source);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_context_unref(context);
    loop_teardown();
}

static void stopping_an_iothread_twice_is_once(void)
{
    IOThread *iothread = iothread_create("io", &error_abort);

    iothread_stop(iothread);
    iothread_stop(iothread);
    iothread_destroy(iothread);
    ASSERT_PTR_EQ(iothread_by_id("io"), NULL);
}

static const AIOCBInfo no_context_info = { .aiocb_size = sizeof(BlockAIOCB) };

static void cancelling_a_request_that_has_no_context(void)
{
    loop_setup();
    bdrv_aio_cancel(qemu_aio_get(&no_context_info, NULL, NULL, NULL));
}

static void unref_of_a_request_too_many(void)
{
    BlockAIOCB acb = { .refcnt = -1 };

    qemu_aio_ref(&acb);
    ASSERT_INT_EQ(acb.refcnt, 0);
    qemu_aio_unref(&acb);
}

TEST_PROGRAM(
    TEST_PANICS(a_handler_of_a_negative_fd, "fd -1: an fd cannot be negative"),
    TEST_PANICS(removing_that_of_a_negative_fd, "an fd cannot be negative"),
    TEST_PANICS(a_handler_of_a_closed_fd, "Bad file descriptor"),
    TEST_PANICS(a_handler_of_an_fd_that_never_was,
                "aio_set_fd_handler: fd 4321: Bad file descriptor"),
    TEST_PANICS(a_handler_of_a_notifier_that_is_not_initialised,
                "fd -1: an fd cannot be negative"),
    TEST(removing_that_of_a_closed_fd_is_not),
    TEST(a_handler_of_a_file),
    TEST_PANICS(polling_from_a_foreign_thread,
                "aio_poll: this thread is not the context's home"),
    TEST_PANICS(submitting_to_a_pool_from_a_foreign_thread,
                "thread_pool_submit_aio: this thread is not"),
    TEST_PANICS(the_pool_of_a_thread_without_a_context,
                "thread_pool_submit: this thread is not the home of a context"),
    TEST_PANICS(a_timer_that_is_armed_in_the_end,
                "1 timers of clock 0 are armed"),
    TEST_PANICS(a_bottom_half_that_is_scheduled_in_the_end,
                "BH 'my_bottom_half' leaked"),
    TEST_PANICS(a_oneshot_that_has_not_run_in_the_end,
                "BH 'my_bottom_half' leaked"),
    TEST_PANICS(one_is_called_what_its_maker_says, "BH 'nightly backup' leaked"),
    TEST(while_it_is_kept_there_is_no_end),
    TEST_PANICS(one_that_an_iothread_has_not_run, "BH 'my_bottom_half' leaked"),
    TEST_PANICS(a_request_that_is_outstanding_in_the_end,
                "1 requests are outstanding"),
    TEST_PANICS(the_last_unref_inside_a_bottom_half,
                "inside aio_bh_poll of the same context"),
    TEST_PANICS(being_home_to_two, "home of a context already"),
    TEST(a_second_iothread_of_that_name),
    TEST(destroying_a_context_twice_is_once),
    TEST(so_is_destroying_a_source),
    TEST(stopping_an_iothread_twice_is_once),
    TEST_PANICS(cancelling_a_request_that_has_no_context, "get_aio_context"),
    TEST_PANICS(unref_of_a_request_too_many, "was freed already"),
)
