/* SPDX-License-Identifier: MIT */
/* The ring as a monitor: when a context comes to it and leaves it, more at once than
 * a wait reports, and producers in other threads. test-fdmon.c has what it does as
 * the other monitors do. */
#include "block/raw-aio.h"
#include "loop.h"
#include "loop/aio-context.h"

enum { SOURCES = 300, THREADS = 3, ROUNDS = 2000 };

typedef struct Source {
    EventNotifier e;
    uint32_t ran;
    bool stays_set;
} Source;

static Source sources[SOURCES];
static unsigned ran;

static bool on_the_ring(void)
{
    return ctx->fdmon_ops == &fdmon_io_uring_ops;
}

static void source_cb(EventNotifier *e)
{
    Source *source = container_of(e, Source, e);

    if (!source->stays_set) {
        event_notifier_test_and_clear(e);
    }
    ran++;
    qatomic_mb_set(&source->ran, source->ran + 1);
}

static bool setup_ring(int count)
{
    loop_setup();
    memset(sources, 0, sizeof(sources));
    if (!fdmon_io_uring_setup(ctx)) {
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

static void the_io_uring_engine_brings_it(void)
{
    loop_setup();
    if (!aio_setup_linux_io_uring(ctx, NULL)) {
        TEST_SKIP("this machine has no io_uring, or forbids it");
    }
    ASSERT_TRUE(on_the_ring());
    loop_teardown();
}

static void taking_the_gsource_leaves_it_for_the_ready_list(void)
{
    NEED_RING(2);
    g_source_unref(aio_get_g_source(ctx));
    ASSERT_TRUE(ctx->fdmon_ops == &fdmon_ready_ops);
    event_notifier_set(&sources[1].e);
    ASSERT_INT_EQ(poll_once(), 1);
    ASSERT_FALSE(fdmon_io_uring_setup(ctx));
    teardown(2);
}

static void more_than_a_wait_reports_all_run(void)
{
    unsigned total = 0;

    NEED_RING(SOURCES);
    for (int i = 0; i < SOURCES; i++) {
        event_notifier_set(&sources[i].e);
    }
    for (int polls = 0; polls < 4; polls++) {
        total += poll_once();
    }
    ASSERT_INT_EQ(total, SOURCES);
    for (int i = 0; i < SOURCES; i++) {
        ASSERT_INT_EQ(sources[i].ran, 1);
    }
    teardown(SOURCES);
}

static void nobody_starves_behind_those_that_stay_ready(void)
{
    NEED_RING(SOURCES);
    for (int i = 0; i < SOURCES; i++) {
        sources[i].stays_set = true;
        event_notifier_set(&sources[i].e);
    }
    for (int i = 0; i < 10; i++) {
        poll_once();
    }
    for (int i = 0; i < SOURCES; i++) {
        ASSERT_INT_GT(sources[i].ran, 1);
    }
    teardown(SOURCES);
}

static bool is_set(void *opaque)
{
    (void)opaque;
    return false;
}

/* Without a call, and although nothing is to be waited for. */
static void what_is_ready_is_seen_in_a_poll_that_need_not_wait(void)
{
    NEED_RING(1);
    aio_set_event_notifier(ctx, &sources[0].e, false, source_cb, is_set);
    poll_once();
    event_notifier_set(&sources[0].e);
    ASSERT_FALSE(aio_poll_disabled(ctx));
    ASSERT_INT_EQ(poll_once(), 1);
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
    TEST(the_io_uring_engine_brings_it),
    TEST(taking_the_gsource_leaves_it_for_the_ready_list),
    TEST(more_than_a_wait_reports_all_run),
    TEST(nobody_starves_behind_those_that_stay_ready),
    TEST(what_is_ready_is_seen_in_a_poll_that_need_not_wait),
    TEST(no_wake_up_is_lost),
    TEST(handlers_come_and_go_from_other_threads),
)
