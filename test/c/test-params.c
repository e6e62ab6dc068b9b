/* SPDX-License-Identifier: MIT */
/* A thread pool's limits, and the order of its completions. */
#include "block/thread-pool.h"
#include "loop.h"
#include "sync/thread.h"

static uint32_t at_work, most_at_work, may_end, started;
static int completed;

static int work(void *opaque)
{
    uint32_t now = qatomic_fetch_inc(&at_work) + 1, most;

    (void)opaque;
    while (now > (most = qatomic_read(&most_at_work))) {
        qatomic_cmpxchg(&most_at_work, most, now);
    }
    qatomic_inc(&started);
    TEST_WAIT_UNTIL(qatomic_mb_read(&may_end));
    qatomic_dec(&at_work);
    return 0;
}

static void complete(void *opaque, int ret)
{
    (void)opaque;
    ASSERT_INT_EQ(ret, 0);
    completed++;
}

static ThreadPool *pool;

static void set_limits(int min, int max)
{
    aio_context_set_thread_pool_params(ctx, min, max, &error_abort);
}

static void submit(int count)
{
    for (int i = 0; i < count; i++) {
        thread_pool_submit_aio(pool, work, NULL, complete, NULL);
    }
}

static void setup(int min, int max)
{
    loop_setup();
    ctx->thread_pool_min = min;
    ctx->thread_pool_max = max;
    pool = aio_get_thread_pool(ctx);
}

static void finish(int count)
{
    qatomic_mb_set(&may_end, 1);
    while (completed < count) {
        aio_poll(ctx, true);
    }
    loop_teardown();
}

/* Threads are started by the loop. */
static void wait_for_start(uint32_t count)
{
    TEST_WAIT_UNTIL((aio_poll(ctx, false), qatomic_read(&started) >= count));
}

static void no_more_run_at_once_than_max(void)
{
    setup(0, 3);
    submit(10);
    wait_for_start(3);
    for (int i = 0; i < 100; i++) {
        aio_poll(ctx, false);
        test_nap(0);
    }
    ASSERT_INT_EQ(qatomic_read(&started), 3);
    finish(10);
    ASSERT_INT_EQ(most_at_work, 3);
}

static void a_greater_max_takes_effect_at_once(void)
{
    setup(0, 1);
    submit(6);
    wait_for_start(1);
    set_limits(0, 4);
    wait_for_start(4);
    finish(6);
    ASSERT_INT_LE(most_at_work, 4);
}

static void *raise_max(void *opaque)
{
    (void)opaque;
    aio_context_set_thread_pool_params(ctx, 0, 4, &error_abort);
    return NULL;
}

static void any_thread_may_set_it(void)
{
    QemuThread thread;

    setup(0, 1);
    submit(6);
    wait_for_start(1);
    qemu_thread_create(&thread, "params", raise_max, NULL,
                       QEMU_THREAD_JOINABLE);
    wait_for_start(4);
    qemu_thread_join(&thread);
    finish(6);
}

static void wrong_limits_are_refused(void)
{
    static const int64_t wrong[][2] = {
        { 2, 1 }, { 0, 0 }, { -1, 1 }, { -2, -1 },
        { 0, INT64_C(1) << 31 }, { INT64_MIN, INT64_MAX },
    };

    loop_setup();
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        Error *err = NULL;

        aio_context_set_thread_pool_params(ctx, wrong[i][0], wrong[i][1], &err);
        ASSERT_STR_EQ(error_get_pretty(err),
                      "bad thread-pool-min/thread-pool-max values");
        error_free(err);
        ASSERT_INT_EQ(ctx->thread_pool_min, 0);
        ASSERT_INT_EQ(ctx->thread_pool_max, 64);
    }
    aio_context_set_thread_pool_params(ctx, 2, INT_MAX, &error_abort);
    ASSERT_INT_EQ(ctx->thread_pool_max, INT_MAX);
    loop_teardown();
}

static uint32_t left;
static _Thread_local ThreadExitHook exit_hook;

static void note_exit(ThreadExitHook *hook)
{
    (void)hook;
    qatomic_inc(&left);
}

static int work_and_tell_its_end(void *opaque)
{
    exit_hook.fn = note_exit;
    thread_at_exit(&exit_hook);
    return work(opaque);
}

static void threads_that_are_too_many_leave(void)
{
    setup(0, 4);
    for (int i = 0; i < 4; i++) {
        thread_pool_submit_aio(pool, work_and_tell_its_end, NULL, complete,
                               NULL);
    }
    wait_for_start(4);
    set_limits(0, 3);
    qatomic_mb_set(&may_end, 1);
    TEST_WAIT_UNTIL(qatomic_mb_read(&left) == 1);    /* one was at work */
    while (completed < 4) {
        aio_poll(ctx, true);
    }
    set_limits(0, 1);
    TEST_WAIT_UNTIL(qatomic_mb_read(&left) == 3);    /* these were idle */
    submit(2);
    finish(6);
}

/* Threads are started by the loop, which does not run while these three
 * requests have to meet. */
static int meet(void *opaque)
{
    (void)opaque;
    qatomic_inc(&at_work);
    TEST_WAIT_UNTIL(qatomic_mb_read(&at_work) == 3);
    return 0;
}

static void as_many_as_min_are_there_before_a_request(void)
{
    uint64_t bhs;

    loop_setup();
    bhs = ctx->stats.bhs;
    ctx->thread_pool_min = ctx->thread_pool_max = 3;
    pool = aio_get_thread_pool(ctx);
    TEST_WAIT_UNTIL((aio_poll(ctx, false), ctx->stats.bhs == bhs + 3));
    for (int i = 0; i < 3; i++) {
        thread_pool_submit_aio(pool, meet, NULL, complete, NULL);
    }
    TEST_WAIT_UNTIL(qatomic_mb_read(&at_work) == 3);
    finish(3);
}

/* ---- Completions ---- */

enum { JOBS = 6 };
static uint32_t gate[JOBS];
static int order[JOBS], ordered;

static int wait_for_gate(void *opaque)
{
    uint32_t *mine = opaque;

    qatomic_inc(&started);
    TEST_WAIT_UNTIL(qatomic_mb_read(mine));
    return (int)(mine - gate);
}

static void note_order(void *opaque, int ret)
{
    (void)opaque;
    order[ordered++] = ret;
}

/* One thread: what is submitted first is finished first. The loop finds five of
 * them finished, or six. */
static void completions_are_first_in_first_out(void)
{
    setup(0, 1);
    for (int i = 0; i < JOBS; i++) {
        gate[i] = i > 0;
        thread_pool_submit_aio(pool, wait_for_gate, &gate[i], note_order, NULL);
    }
    wait_for_start(1);
    qatomic_mb_set(&gate[0], 1);
    TEST_WAIT_UNTIL(qatomic_mb_read(&started) == JOBS);
    while (ordered < JOBS) {
        aio_poll(ctx, true);
    }
    for (int i = 0; i < JOBS; i++) {
        ASSERT_INT_EQ(order[i], i);
    }
    loop_teardown();
}

/* Several at once: the order is that in which they finish. */
static void in_the_order_of_finishing(void)
{
    static const int ends[JOBS] = { 3, 0, 5, 1, 4, 2 };
    uint64_t done;

    setup(0, JOBS);
    done = ctx->stats.jobs;
    for (int i = 0; i < JOBS; i++) {
        thread_pool_submit_aio(pool, wait_for_gate, &gate[i], note_order, NULL);
    }
    wait_for_start(JOBS);
    for (int i = 0; i < JOBS; i++) {
        qatomic_mb_set(&gate[ends[i]], 1);
        while (ordered <= i) {
            aio_poll(ctx, true);
        }
    }
    ASSERT_INT_EQ(memcmp(order, ends, sizeof(ends)), 0);
    ASSERT_INT_EQ(ctx->stats.jobs, done + JOBS);
    loop_teardown();
}

TEST_PROGRAM(
    TEST(no_more_run_at_once_than_max),
    TEST(a_greater_max_takes_effect_at_once),
    TEST(any_thread_may_set_it),
    TEST(wrong_limits_are_refused),
    TEST(threads_that_are_too_many_leave),
    TEST(as_many_as_min_are_there_before_a_request),
    TEST(completions_are_first_in_first_out),
    TEST(in_the_order_of_finishing),
)
