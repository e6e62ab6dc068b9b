/* SPDX-License-Identifier: MIT */
/* The thread pool: how many threads there are, and when. */
#include "pool.h"

static void as_many_run_at_once_as_there_may_be_threads(void)
{
    setup(3);
    for (int i = 0; i < 8; i++) {
        jobs[i].gate = &gate;
        submit(&jobs[i]);
    }
    while (qatomic_mb_read(&inside) != 3) {
        aio_poll(ctx, false);
    }
    for (int i = 0; i < 20; i++) {
        aio_poll(ctx, false);
        test_nap(UINT_MAX);
        ASSERT_INT_EQ(qatomic_mb_read(&inside), 3);
    }
    qemu_event_set(&gate);
    poll_until(8);
    ASSERT_INT_EQ(most_inside, 3);
    loop_teardown();
}

static void sixty_four_by_default(void)
{
    loop_setup();
    ASSERT_INT_EQ(ctx->thread_pool_min, 0);
    ASSERT_INT_EQ(ctx->thread_pool_max, 64);
    loop_teardown();
}

static void surplus_threads_end_when_the_maximum_falls(void)
{
    setup(4);
    for (int i = 0; i < 4; i++) {
        jobs[i].gate = &gate;
        submit(&jobs[i]);
    }
    while (qatomic_mb_read(&inside) != 4) {
        aio_poll(ctx, false);
    }
    for (int i = 4; i < 30; i++) {
        submit(&jobs[i]);
    }
    set_max(1);
    qemu_event_set(&gate);
    poll_until(30);
    /* Three of the four threads ended with the job that they had in hand. */
    for (int i = 4; i < 30; i++) {
        ASSERT_INT_EQ(jobs[i].beside, 1);
    }
    loop_teardown();
}

static void it_may_be_freed_before_its_first_thread_has_started(void)
{
    loop_setup();
    ctx->thread_pool_min = 1;
    aio_get_thread_pool(ctx);         /* starts one as soon as the loop runs */
    aio_context_detach_current();
    aio_context_unref(ctx);
}

#ifdef CONFIG_LINUX
#include <dirent.h>

static int threads_of_the_process(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = -2;                   /* "." and ".." */

    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count;
}

static void do_nothing(void *opaque)
{
    (void)opaque;
}

/* Without the pool's. A sanitizer adds one of its own to the first. */
static int other_threads(void)
{
    int before = threads_of_the_process(), now;

    test_elsewhere(do_nothing, NULL);
    for (unsigned turn = 0; turn < 4000; turn++) {
        now = threads_of_the_process();
        if (now == before) {
            break;
        }
        test_nap(turn);
    }
    return now;
}

static void poll_until_there_are(int threads)
{
    int64_t limit = now_ns() + 5 * NANOSECONDS_PER_SECOND;

    while (threads_of_the_process() != threads) {
        aio_poll(ctx, false);
        test_nap(UINT_MAX);
        ASSERT_INT_LT(now_ns(), limit);
    }
}

static void the_minimum_of_threads_starts_and_stays(void)
{
    int others = other_threads();

    setup(4);
    ctx->thread_pool_min = 3;
    set_max(4);
    poll_until_there_are(others + 3);
    loop_teardown();
    TEST_WAIT_UNTIL(threads_of_the_process() == others);
}

static void idle_threads_end_when_the_maximum_falls(void)
{
    int others = other_threads();

    setup(4);
    for (int i = 0; i < 4; i++) {
        jobs[i].gate = &gate;
        submit(&jobs[i]);
    }
    while (qatomic_mb_read(&inside) != 4) {
        aio_poll(ctx, false);
    }
    qemu_event_set(&gate);
    poll_until(4);
    ASSERT_INT_EQ(threads_of_the_process(), others + 4);
    set_max(1);
    poll_until_there_are(others + 1);
    loop_teardown();
}
#endif

TEST_PROGRAM(
    TEST(as_many_run_at_once_as_there_may_be_threads),
    TEST(sixty_four_by_default),
    TEST(surplus_threads_end_when_the_maximum_falls),
    TEST(it_may_be_freed_before_its_first_thread_has_started),
#ifdef CONFIG_LINUX
    TEST(the_minimum_of_threads_starts_and_stays),
    TEST(idle_threads_end_when_the_maximum_falls),
#endif
)
