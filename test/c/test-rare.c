/* SPDX-License-Identifier: MIT */
/* What programs do rarely: functions that few need, sizes that few reach, contracts that few break. */
#include "../fail-nth/fail.h"
#include "block/block.h"
#include "block/raw-aio.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "qemu/coroutine.h"
#include "qemu/error-report.h"
#include "qemu/gmain.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "time/heap.h"

/* ---- Functions that few need ---- */

static unsigned ran;

static void count(void *opaque)
{
    (void)opaque;
    ran++;
}

static void coroutine_fn count_co(void *opaque)
{
    count(opaque);
}

static void coroutine_fn yield_once(void *opaque)
{
    count(opaque);
    qemu_coroutine_yield();
}

/* Returns the memory in use after many coroutines, which were there at once, have ended. */
static size_t kept_of_many(void)
{
    static Coroutine *coroutines[300];

    for (size_t i = 0; i < ARRAY_SIZE(coroutines); i++) {
        coroutines[i] = qemu_coroutine_create(yield_once, NULL);
        qemu_coroutine_enter(coroutines[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(coroutines); i++) {
        qemu_coroutine_enter(coroutines[i]);
    }
    return fail_memory_in_use();
}

/* Where memory is counted in bytes, a block may have some more than was asked for. */
static bool is_about(size_t memory, size_t expected)
{
    return (MAX(memory, expected) - MIN(memory, expected)) * 1000 <= expected;
}

/* Whether the pool keeps what its size says, as far as the memory of all threads shows it. */
static bool pool_sizes_show(void)
{
    size_t least, some, more;

    qemu_coroutine_dec_pool_size(UINT_MAX);    /* not below 0 */
    least = kept_of_many();
    qemu_coroutine_dec_pool_size(UINT_MAX);
    if (!is_about(kept_of_many(), least)) {
        return false;
    }
    qemu_coroutine_inc_pool_size(50);
    some = kept_of_many();
    qemu_coroutine_inc_pool_size(100);
    more = kept_of_many();
    if (some <= least || !is_about(more - some, 2 * (some - least))) {
        return false;
    }
    qemu_coroutine_dec_pool_size(100);
    return is_about(kept_of_many(), some);
}

static void the_pool_of_coroutines_has_another_size(void)
{
    unsigned attempts = 1;

    /* A thread of an earlier test may be about to give back its last. */
    while (!pool_sizes_show()) {
        ASSERT_INT_LE(++attempts, 100);
    }
    ASSERT_INT_GE(ran, 5 * 300);
}

/* As a function and not as the macro, which names the caller. */
static void a_coroutine_is_entered_for_a_context(void)
{
    loop_setup();
    (qemu_aio_coroutine_enter)(ctx, qemu_coroutine_create(count_co, NULL));
    ASSERT_INT_EQ(ran, 1);
    loop_teardown();
}

static void timers_of_the_main_loop(void)
{
    QEMUTimer timer, other;

    ASSERT_INT_EQ(qemu_init_main_loop(&error_abort), 0);
    timer_init(&timer, QEMU_CLOCK_REALTIME, SCALE_MS, count, NULL);
    timer_init_ns(&other, QEMU_CLOCK_REALTIME, count, NULL);
    timer_mod(&timer, 1);
    timer_mod(&other, 1);
    qemu_clock_run_all_timers();
    ASSERT_INT_EQ(ran, 2);
    ASSERT_PTR_EQ(bdrv_get_aio_context(NULL), qemu_get_aio_context());
}

static void the_context_of_io_handlers_comes_first(void)
{
    AioContext *io = iohandler_get_aio_context();

    ASSERT_INT_EQ(qemu_init_main_loop(&error_abort), 0);
    ASSERT_PTR_EQ(iohandler_get_aio_context(), io);
}

static int returns_7(void *opaque)
{
    (void)opaque;
    return 7;
}

static void note(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

static void a_pool_of_the_old_name(void)
{
    ThreadPool *pool;
    int ret = 0;

    loop_setup();
    ASSERT_PTR_EQ(aio_get_current_thread_pool(), aio_get_thread_pool(ctx));
    pool = thread_pool_new(ctx);
    thread_pool_submit_aio(pool, returns_7, NULL, note, &ret);
    while (!ret) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(ret, 7);
    thread_pool_free(pool);
    loop_teardown();
}

/* Whoever runs the test looks for the text on standard error. */
static void an_error_is_reported(void)
{
    error_report("%d things", 7);
    abort();
}

/* As a loop that JavaScript drives does. */
static void a_poll_that_must_not_sleep(void)
{
    loop_setup();
    ASSERT_FALSE(aio_poll_awake(ctx, true));
    aio_bh_schedule_oneshot(ctx, count, NULL);
    ASSERT_TRUE(aio_poll_awake(ctx, true));
    ASSERT_INT_EQ(ran, 1);
    loop_teardown();
}

/* ---- Sizes that few reach ---- */

static void more_than_two_gib_in_a_request(void)
{
    static char byte;
    struct iovec iov[] = { { &byte, INT_MAX }, { &byte, 1 } };
    RawAioOp op = { .engine = AIO_ENGINE_SYNC, .type = QEMU_AIO_READ, .iov = iov, .niov = 2 };
    int ret = 1;

    loop_setup();
    ASSERT_TRUE(raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort));
    raw_aio_submit(ctx, &op, note, &ret);
    while (ret == 1) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(ret, -EINVAL);
    loop_teardown();
}

enum { MANY = 300 };

static EventNotifier many[MANY];

static void take_one(EventNotifier *e)
{
    ASSERT_TRUE(event_notifier_test_and_clear(e));
    ran++;
}

static void make_many(void)
{
    for (int i = 0; i < MANY; i++) {
        ASSERT_INT_EQ(event_notifier_init(&many[i], 1), 0);
        aio_set_event_notifier(ctx, &many[i], false, take_one, NULL);
    }
}

static void free_many(void)
{
    for (int i = 0; i < MANY; i++) {
        aio_set_event_notifier(ctx, &many[i], false, NULL, NULL);
        event_notifier_cleanup(&many[i]);
    }
}

static void many_are_ready_while_external_ones_are_off(void)
{
    loop_setup();
    make_many();
    aio_disable_external(ctx);
    while (ran < MANY) {
        ASSERT_TRUE(aio_poll(ctx, true));
    }
    aio_enable_external(ctx);
    free_many();
    loop_teardown();
}

/* Without a ring and without epoll the foreign loop polls each fd. */
static void a_foreign_loop_polls_many_fds(void)
{
    GMainContext *main_context = g_main_context_new();
    GSource *source;

    loop_setup();
    loop_leave_the_ring();
    make_many();
    fail_nth(FAIL_FD, 1, true);
    source = aio_get_g_source(ctx);
    fail_nth(FAIL_FD, 0, false);
    g_source_attach(source, main_context);
    while (ran < MANY) {
        g_main_context_iteration(main_context, TRUE);
    }
    free_many();
    while (g_main_context_iteration(main_context, FALSE)) {
        continue;
    }
    g_source_destroy(source);
    g_source_unref(source);
    g_main_context_unref(main_context);
    loop_teardown();
}

static void a_handler_of_an_fd_beyond_all(void)
{
    loop_setup();
    if (ctx->fdmon_ops != &fdmon_io_uring_ops) {
        TEST_SKIP("the machine has no io_uring, or refuses it");
    }
    ASSERT_FALSE(fdmon_io_uring_reserve(ctx, INT_MAX));
    loop_teardown();
}

static void a_read_ends_in_its_second_buffer(void)
{
    char first[4], second[8] = "........";
    struct iovec iov[] = { { first, 4 }, { second, 8 } };
    RawAioOp op = { .engine = AIO_ENGINE_SYNC, .type = QEMU_AIO_READ, .fd = test_file(), .iov = iov, .niov = 2 };
    int ret = 1;

    loop_setup();
    ASSERT_INT_EQ(write(op.fd, "abcdef", 6), 6);
    ASSERT_TRUE(raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort));
    raw_aio_submit(ctx, &op, note, &ret);
    while (ret == 1) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(ret, 0);
    ASSERT_TRUE(!memcmp(first, "abcd", 4) && !memcmp(second, "ef\0\0\0\0\0\0", 8));
    close(op.fd);
    loop_teardown();
}

static void no_memory_for_the_rest_of_a_read(void)
{
    char bytes[8];
    struct iovec iov[] = { { bytes, 8 } };
    RawAioOp op = { .engine = AIO_ENGINE_SYNC, .type = QEMU_AIO_READ, .iov = iov, .niov = 1, .fd = test_file() };
    int ret = 1;

    loop_setup();
    ASSERT_INT_EQ(write(op.fd, "abcdef", 6), 6);
    ASSERT_TRUE(raw_aio_setup(ctx, AIO_ENGINE_SYNC, &error_abort));
    /* The first call is for the request. */
    fail_nth(FAIL_MEMORY, 2, false);
    ASSERT_TRUE(raw_aio_submit(ctx, &op, note, &ret));
    ASSERT_TRUE(fail_has_come(FAIL_MEMORY));
    while (ret == 1) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(ret, -ENOMEM);
    close(op.fd);
    loop_teardown();
}

/* 2^24 timers have no numbers left. */
static void more_timers_than_there_are_numbers(void)
{
    TimerHeapMemory memory;

    ASSERT_FALSE(heap_memory_new(&memory, 1u << 24));
    ASSERT_TRUE(heap_memory_new(&memory, 1u << 12));
    heap_memory_free(&memory);
}

/* ---- The home thread is lost ---- */

static void count_idle(void *opaque)
{
    qatomic_inc((unsigned *)opaque);
}

static void a_context_is_abandoned_with_a_pool_and_bottom_halves(void)
{
    AioContext *lost = aio_context_new(&error_abort);
    QEMUBH *bh = aio_bh_new(lost, count, NULL);
    unsigned idle = 0;
    QEMUTimer timer;
    int ret = 0;

    qemu_set_current_aio_context(lost);
    thread_pool_submit_aio(aio_get_thread_pool(lost), returns_7, NULL, note, &ret);
    while (!ret) {
        aio_poll(lost, true);
    }
    aio_timer_init(lost, &timer, QEMU_CLOCK_REALTIME, SCALE_NS, count, NULL);
    timer_mod(&timer, INT64_MAX);
    aio_bh_schedule_oneshot(lost, count, NULL);
    qemu_bh_schedule(bh);
    qemu_bh_delete(bh);
    aio_context_detach_current();
    aio_context_abandon(lost, count_idle, &idle);
    while (!qatomic_mb_read(&idle)) {
        port_pause();
    }
    ASSERT_INT_EQ(ran, 0);
    ASSERT_FALSE(timer_pending(&timer));
    aio_context_unref(lost);
}

/* ---- Contracts that few break ---- */

static void a_request_of_an_unknown_type(void)
{
    RawAioOp op = { .engine = AIO_ENGINE_SYNC, .type = 0x7 };

    loop_setup();
    raw_aio_submit(ctx, &op, note, NULL);
}

static void a_locked_lockcnt_is_destroyed(void)
{
    QemuLockCnt cnt;

    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_lock(&cnt);
    qemu_lockcnt_destroy(&cnt);
}

static void a_lockcnt_of_nobody_is_left_by_one(void)
{
    QemuLockCnt cnt;

    qemu_lockcnt_init(&cnt);
    qemu_lockcnt_dec_and_lock(&cnt);
}

static void a_locked_spin_lock_is_destroyed(void)
{
    QemuSpin spin;

    qemu_spin_init(&spin);
    qemu_spin_lock(&spin);
    qemu_spin_destroy(&spin);
}

static void a_semaphore_of_less_than_nothing(void)
{
    QemuSemaphore sem;

    qemu_sem_init(&sem, -1);
}

static void a_full_semaphore_is_posted(void)
{
    QemuSemaphore sem;

    qemu_sem_init(&sem, INT_MAX);
    qemu_sem_post(&sem);
}

/* ---- There is no memory for what cannot be refused ---- */

static void no_memory_for_a_pool(void)
{
    loop_setup();
    fail_nth(FAIL_MEMORY, 1, true);
    thread_pool_new(ctx);
}

static void no_memory_for_a_main_loop(void)
{
    GMainContext *main_context = g_main_context_new();

    fail_nth(FAIL_MEMORY, 1, true);
    g_main_loop_new(main_context, FALSE);
}

static void no_memory_for_the_fds_of_a_main_loop(void)
{
    GMainContext *main_context = g_main_context_new();

    fail_nth(FAIL_MEMORY, 1, true);
    g_main_context_iteration(main_context, FALSE);
}

static void no_memory_for_an_fd_of_a_source(void)
{
    GPollFD fd = { .fd = 0, .events = G_IO_IN };

    loop_setup();
    fail_nth(FAIL_MEMORY, 1, true);
    g_source_add_poll(aio_get_g_source(ctx), &fd);
}

static void prepare_without_memory(AioContext *of)
{
    GMainContext *main_context = g_main_context_new();

    g_source_attach(aio_get_g_source(of), main_context);
    fail_nth(FAIL_MEMORY, 1, true);
    g_main_context_iteration(main_context, FALSE);
}

static void no_memory_for_the_fds_of_a_context(void)
{
    loop_setup();
    prepare_without_memory(ctx);
}

static void no_memory_for_many_fds_of_a_context(void)
{
    loop_setup();
    loop_leave_the_ring();
    make_many();
    fail_nth(FAIL_FD, 1, true);
    aio_get_g_source(ctx);
    fail_nth(FAIL_FD, 0, false);
    prepare_without_memory(ctx);
}

static void no_memory_for_a_list_of_timers(void)
{
    fail_nth(FAIL_MEMORY, 1, true);
    timerlist_new(QEMU_CLOCK_REALTIME, NULL, NULL);
}

static void no_memory_for_a_group_of_lists(void)
{
    QEMUTimerListGroup group;

    fail_nth(FAIL_MEMORY, 1, true);
    timerlistgroup_init(&group, NULL, NULL);
}

#if !defined(__wasm__)     /* there they are made before main() */
static void no_memory_for_the_clocks(void)
{
    fail_nth(FAIL_MEMORY, 1, true);
    init_clocks(NULL);
}
#endif

TEST_PROGRAM(
    TEST(the_pool_of_coroutines_has_another_size),
    TEST(a_coroutine_is_entered_for_a_context),
    TEST(timers_of_the_main_loop),
    TEST(the_context_of_io_handlers_comes_first),
    TEST(a_pool_of_the_old_name),
    TEST_PANICS(an_error_is_reported, "7 things"),
    TEST(a_poll_that_must_not_sleep),
    TEST(more_than_two_gib_in_a_request),
    TEST(many_are_ready_while_external_ones_are_off),
    TEST(a_foreign_loop_polls_many_fds),
    TEST(a_handler_of_an_fd_beyond_all),
    TEST(a_read_ends_in_its_second_buffer),
    TEST(no_memory_for_the_rest_of_a_read),
    TEST(more_timers_than_there_are_numbers),
    TEST(a_context_is_abandoned_with_a_pool_and_bottom_halves),
    TEST_PANICS(a_request_of_an_unknown_type, "raw_aio_submit: unknown request type 0x7"),
    TEST_PANICS(a_locked_lockcnt_is_destroyed, "is locked"),
    TEST_PANICS(a_lockcnt_of_nobody_is_left_by_one, "qemu_lockcnt_dec_and_lock: the count of LockCnt"),
    TEST_PANICS(a_locked_spin_lock_is_destroyed, "qemu_spin_destroy: spin lock"),
    TEST_PANICS(a_semaphore_of_less_than_nothing, "qemu_sem_init: the count -1 is negative"),
    TEST_PANICS(a_full_semaphore_is_posted, "is full"),
    TEST_PANICS(no_memory_for_a_pool, "thread_pool_new: out of memory"),
    TEST_PANICS(no_memory_for_a_main_loop, "g_main_loop_new: out of memory"),
    TEST_PANICS(no_memory_for_the_fds_of_a_main_loop, "g_main_context_iteration: out of memory"),
    TEST_PANICS(no_memory_for_an_fd_of_a_source, "g_source_add_poll: out of memory"),
    TEST_PANICS(no_memory_for_the_fds_of_a_context, "aio_prepare: out of memory"),
    TEST_PANICS(no_memory_for_many_fds_of_a_context, "aio_prepare: out of memory"),
    TEST_PANICS(no_memory_for_a_list_of_timers, "timerlist_new: clock 0: out of memory"),
    TEST_PANICS(no_memory_for_a_group_of_lists, "timerlistgroup_init: out of memory"),
#if !defined(__wasm__)
    TEST_PANICS(no_memory_for_the_clocks, "init_clocks: out of memory"),
#endif
)
