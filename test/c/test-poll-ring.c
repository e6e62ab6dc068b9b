/* SPDX-License-Identifier: MIT */
/* The ring as a monitor: what is seen without a call, threads that come and go, and
 * producers in other threads. test-fdmon.c has what it does as the other monitors do. */
#include "loop.h"

enum { THREADS = 3, ROUNDS = 2000 };

typedef struct Source {
    EventNotifier e;
    uint32_t ran;
    } Source;

static Source sources[THREADS];
static unsigned ran;

static bool on_the_ring(void)
{
    return ctx->fdmon_ops == &fdmon_io_uring_ops;
}

static void source_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    event_notifier_test_and_clear(e);
    ran++;
    qatomic_mb_set(&source->ran, source->ran + 1);
}

static bool setup_ring(int count)
{
    loop_setup();
    memset(sources, 0, sizeof(sources));
    if (!on_the_ring()) {
        return false;
    }
    for (int i = 0; i < count; i++) {
        ASSERT_INT_EQ(event_notifier_init(&sources[i].e, 0), 0);
        aio_set_event_notifier(ctx, &sources[i].e, false, source_cb, NULL);
    }
    aio_poll(ctx, false);
    return true;
}

static void teardown(int count)
{
    for (int i = 0; i < count; i++) {
        aio_set_event_notifier(ctx, &sources[i].e, false, NULL, NULL);
        event_notifier_cleanup(&sources[i].e);
    }
    loop_teardown();
}

#define NEED_RING(count)                                                     \
    if (!setup_ring(count)) {                                                \
        TEST_SKIP("this machine has no io_uring, or forbids it");            \
    }

static unsigned poll_once(void)
{
    ran = 0;
    aio_poll(ctx, false);
    return ran;
}

static void count_fire(void *opaque)
{
    ++*(int *)opaque;
}

static bool never_set(void *opaque)
{
    (void)opaque;
    return false;
}

/* Without a call, and although nothing is to be waited for. */
static void what_is_ready_is_seen_in_a_poll_that_need_not_wait(void)
{
    NEED_RING(1);
    aio_set_event_notifier(ctx, &sources[0].e, false, source_cb, never_set);
    poll_once();
    event_notifier_set(&sources[0].e);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    ASSERT_INT_EQ(poll_once(), 1);
    teardown(1);
}

/* A handler without io_poll does not end polling in user space: its fd, too, is looked
 * at without a call. */
static void a_handler_without_io_poll_does_not_end_polling(void)
{
    QEMUTimer timer;
    int fired = 0;

    NEED_RING(2);
    aio_context_set_poll_params(ctx, NANOSECONDS_PER_SECOND, 2, 0, NULL);
    aio_set_event_notifier(ctx, &sources[0].e, false, source_cb, never_set);
    event_notifier_set(&sources[0].e);
    poll_once();
    ASSERT_INT_EQ(sources[0].ran, 1);        /* from now on it is polled */
    ASSERT_TRUE(aio_poll_disabled(ctx));     /* the other one has no io_poll */
    qatomic_set(&ctx->poll_ns, NANOSECONDS_PER_SECOND);
    aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, count_fire, &fired);
    timer_mod(&timer, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + SCALE_MS);
    while (!fired) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_GT(ctx->stats.poll_misses, 0);
    ASSERT_INT_EQ(ctx->stats.poll_hits, 0);
    teardown(2);
}

/* Is told of an event, arms its poll again, and ends. */
static void *poll_as_home(void *opaque)
{
    (void)opaque;
    qemu_set_current_aio_context(ctx);
    event_notifier_set(&sources[0].e);
    while (!sources[0].ran) {
        aio_poll(ctx, true);
    }
    aio_poll(ctx, false);
    aio_context_detach_current();
    return NULL;
}

/* io_uring withdraws what a thread has handed over when that ends. */
static void it_outlives_the_thread_that_armed_it(void)
{
    QemuThread thread;

    NEED_RING(1);
    aio_context_detach_current();
    qemu_thread_create(&thread, "home", poll_as_home, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_join(&thread);
    qemu_set_current_aio_context(ctx);
    ASSERT_INT_EQ(sources[0].ran, 1);
    event_notifier_set(&sources[0].e);
    while (sources[0].ran < 2) {
        aio_poll(ctx, true);
    }
    teardown(1);
}

/* ---- Producers in other threads ---- */

static void *produce(void *opaque)
{
    Source *source = opaque;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        event_notifier_set(&source->e);
        TEST_WAIT_UNTIL(qatomic_mb_read(&source->ran) > i);
    }
    return NULL;
}

static unsigned sum_of_runs(void)
{
    unsigned sum = 0;

    for (int i = 0; i < THREADS; i++) {
        sum += sources[i].ran;
    }
    return sum;
}

/* Each set is awaited before the next: one that was lost would hang. */
static void no_wake_up_is_lost(void)
{
    QemuThread threads[THREADS];

    NEED_RING(THREADS);
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_create(&threads[i], "producer", produce, &sources[i],
                           QEMU_THREAD_JOINABLE);
    }
    while (sum_of_runs() < THREADS * ROUNDS) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_join(&threads[i]);
        ASSERT_INT_EQ(sources[i].ran, ROUNDS);
    }
    teardown(THREADS);
}

static void *add_and_remove(void *opaque)
{
    Source *source = opaque;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t before = qatomic_mb_read(&source->ran);

        aio_set_event_notifier(ctx, &source->e, false, source_cb, NULL);
        event_notifier_set(&source->e);
        TEST_WAIT_UNTIL(qatomic_mb_read(&source->ran) > before);
        aio_set_event_notifier(ctx, &source->e, false, NULL, NULL);
    }
    return NULL;
}

static void handlers_come_and_go_from_other_threads(void)
{
    QemuThread threads[THREADS];

    NEED_RING(THREADS);
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_create(&threads[i], "changer", add_and_remove, &sources[i],
                           QEMU_THREAD_JOINABLE);
    }
    while (sum_of_runs() < THREADS * ROUNDS) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < THREADS; i++) {
        qemu_thread_join(&threads[i]);
    }
    teardown(THREADS);
}

TEST_PROGRAM(
    TEST(what_is_ready_is_seen_in_a_poll_that_need_not_wait),
    TEST(a_handler_without_io_poll_does_not_end_polling),
    TEST(it_outlives_the_thread_that_armed_it),
    TEST(no_wake_up_is_lost),
    TEST(handlers_come_and_go_from_other_threads),
)
