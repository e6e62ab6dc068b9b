/* SPDX-License-Identifier: MIT */
/* Contexts: making, counting, freeing; being current. */
#include "loop.h"

static void do_nothing(void *opaque)
{
    (void)opaque;
}

static void do_nothing_notifier(EventNotifier *e)
{
    (void)e;
}

/* ---- Fresh ---- */

static void a_fresh_context_has_nothing_to_wait_for(void)
{
    ctx = aio_context_new(&error_abort);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    aio_context_unref(ctx);
}

static void the_first_blocking_poll_returns_at_once_with_false(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    ASSERT_FALSE(aio_poll(ctx, true));
    loop_teardown();
}

#ifdef __wasm__
#include <malloc.h>

/* Also in WebAssembly, where notifiers have large numbers. */
static void it_takes_little_memory(void)
{
    enum { N = 16 };
    AioContext *contexts[N];
    int before = mallinfo().uordblks;

    for (int i = 0; i < N; i++) {
        contexts[i] = aio_context_new(&error_abort);
    }
    ASSERT_INT_LE((mallinfo().uordblks - before) / N, 10000);
    for (int i = 0; i < N; i++) {
        aio_context_unref(contexts[i]);
    }
}
#endif

#ifdef CONFIG_POSIX
#include <sys/resource.h>

static void its_notifier_is_closed_with_it(void)
{
    int fd;

    ctx = aio_context_new(&error_abort);
    fd = ctx->wakeup->fd;
    ASSERT_INT_GE(fcntl(fd, F_GETFD), 0);
    aio_context_unref(ctx);
    ASSERT_INT_EQ(fcntl(fd, F_GETFD), -1);
}

static void failing_to_get_a_notifier_is_told(void)
{
    struct rlimit limit, none;
    Error *err = NULL;
    char expected[128];

    ASSERT_INT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    ASSERT_PTR_EQ(aio_context_new(&err), NULL);
    snprintf(expected, sizeof(expected),
             "Failed to initialize event notifier: %s", strerror(EMFILE));
    ASSERT_STR_EQ(error_get_pretty(err), expected);
    error_free(err);
    ASSERT_PTR_EQ(aio_context_new(NULL), NULL);
    ASSERT_INT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
#endif

/* ---- Current ---- */

static void expect_no_current(void *opaque)
{
    (void)opaque;
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), NULL);
}

static void current_is_the_threads_own(void)
{
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), NULL);
    loop_setup();
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), ctx);
    test_elsewhere(expect_no_current, NULL);
    loop_teardown();
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), NULL);
}

static void a_thread_can_be_used_again_after_detaching(void)
{
    for (int i = 0; i < 3; i++) {
        loop_setup();
        loop_teardown();
    }
}

static void becoming_current_takes_no_reference(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    ASSERT_INT_EQ(ctx->source.ref_count, 1);
    aio_context_detach_current();
    aio_context_unref(ctx);
}

static void a_second_current_context_panics(void)
{
    loop_setup();
    qemu_set_current_aio_context(aio_context_new(&error_abort));
}

static void polling_away_from_home_panics(void)
{
    aio_poll(aio_context_new(&error_abort), false);
}

/* ---- Counting ---- */

static void unref(void *opaque)
{
    aio_context_unref(opaque);
}

/* Under AddressSanitizer a context that is not freed fails. */
static void the_last_unref_frees_in_any_thread(void)
{
    ctx = aio_context_new(&error_abort);
    aio_context_ref(ctx);
    aio_context_unref(ctx);
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    test_elsewhere(unref, ctx);
}

static void contexts_come_and_go(int index, void *opaque)
{
    (void)index;
    for (int i = *(int *)opaque; i > 0; i--) {
        AioContext *c = aio_context_new(&error_abort);
        uint32_t ran = 0;
        qemu_set_current_aio_context(c);
        aio_bh_schedule_oneshot(c, do_nothing, &ran);
        ASSERT_TRUE(aio_poll(c, true));
        aio_context_detach_current();
        aio_context_unref(c);
    }
}

static void many_contexts_in_many_threads(void)
{
    int rounds = test_rounds(200);

    test_in_threads(4, contexts_come_and_go, &rounds);
}

/* ---- What may be left when it is freed ---- */

static void deleted_bottom_halves_are_freed_with_it(void)
{
    QEMUBH *bh;

    ctx = aio_context_new(&error_abort);
    bh = aio_bh_new(ctx, do_nothing, NULL);
    qemu_bh_schedule(bh);
    qemu_bh_delete(bh);
    aio_context_unref(ctx);
}

/*
 * Keeps the bottom half reachable for LeakSanitizer. Without volatile a compiler
 * may drop a variable that is only written, and the bottom half is a leak then.
 */
static QEMUBH *volatile kept;

static void a_bottom_half_that_was_never_scheduled_does_not_matter(void)
{
    ctx = aio_context_new(&error_abort);
    kept = aio_bh_new(ctx, do_nothing, NULL);
    aio_context_unref(ctx);
}

static void registered_handlers_do_not_matter(void)
{
    EventNotifier e;

    event_notifier_init(&e, 0);
    ctx = aio_context_new(&error_abort);
    aio_set_event_notifier(ctx, &e, false, do_nothing_notifier, NULL);
    aio_context_unref(ctx);
    /* And the fd knows the context no more. */
    event_notifier_set(&e);
    event_notifier_cleanup(&e);
}

static void a_oneshot_that_has_not_run_panics(void)
{
    ctx = aio_context_new(&error_abort);
    aio_bh_schedule_oneshot(ctx, do_nothing, NULL);
    aio_context_unref(ctx);
}

static void a_scheduled_bottom_half_panics(void)
{
    ctx = aio_context_new(&error_abort);
    qemu_bh_schedule(aio_bh_new(ctx, do_nothing, NULL));
    aio_context_unref(ctx);
}

static void a_cancelled_one_on_the_list_panics(void)
{
    QEMUBH *bh;

    ctx = aio_context_new(&error_abort);
    bh = aio_bh_new(ctx, do_nothing, NULL);
    qemu_bh_schedule(bh);
    qemu_bh_cancel(bh);
    aio_context_unref(ctx);
}

static void an_armed_timer_panics(void)
{
    static QEMUTimer timer;

    ctx = aio_context_new(&error_abort);
    timer_setup(&timer, do_nothing, NULL);
    timer_mod(&timer, 0);
    aio_context_unref(ctx);
}

static void freeing_it_from_its_own_bottom_half_panics(void)
{
    loop_setup();
    aio_bh_schedule_oneshot(ctx, unref, ctx);
    aio_poll(ctx, false);
}

TEST_PROGRAM(
    TEST(a_fresh_context_has_nothing_to_wait_for),
    TEST(the_first_blocking_poll_returns_at_once_with_false),
    TEST(current_is_the_threads_own),
    TEST(a_thread_can_be_used_again_after_detaching),
    TEST(becoming_current_takes_no_reference),
    TEST(the_last_unref_frees_in_any_thread),
    TEST(many_contexts_in_many_threads),
    TEST(deleted_bottom_halves_are_freed_with_it),
    TEST(a_bottom_half_that_was_never_scheduled_does_not_matter),
    TEST(registered_handlers_do_not_matter),
    TEST_PANICS(a_second_current_context_panics, "home of a context already"),
    TEST_PANICS(polling_away_from_home_panics, "not the context's home"),
    TEST_PANICS(a_oneshot_that_has_not_run_panics, "BH 'do_nothing' leaked"),
    TEST_PANICS(a_scheduled_bottom_half_panics, "BH 'do_nothing' leaked"),
    TEST_PANICS(a_cancelled_one_on_the_list_panics, "BH 'do_nothing' leaked"),
    TEST_PANICS(an_armed_timer_panics, "1 timers of clock 0 are armed"),
    TEST_PANICS(freeing_it_from_its_own_bottom_half_panics,
                "inside aio_bh_poll"),
#ifdef __wasm__
    TEST(it_takes_little_memory),
#endif
#ifdef CONFIG_POSIX
    TEST(its_notifier_is_closed_with_it),
    TEST(failing_to_get_a_notifier_is_told),
#endif
)
