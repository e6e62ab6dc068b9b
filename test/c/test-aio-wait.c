/* SPDX-License-Identifier: MIT */
/* Waiting for what another context does: AIO_WAIT_WHILE. */
#include "block/aio-wait.h"
#include "loop.h"
#include "sysemu/iothread.h"

static IOThread *iothread;
static AioContext *io_ctx;
static uint32_t done;

static void setup(void)
{
    ASSERT_INT_EQ(qemu_init_main_loop(&error_abort), 0);
    ctx = qemu_get_aio_context();
    iothread = iothread_create("io", &error_abort);
    io_ctx = iothread_get_aio_context(iothread);
    done = 0;
}

static void teardown(void)
{
    iothread_destroy(iothread);
    while (aio_poll(ctx, false)) {
        continue;
    }
    ASSERT_INT_EQ(global_aio_wait.num_waiters, 0);
}

static void finish(void *opaque)
{
    (void)opaque;
    qatomic_mb_set(&done, 1);
}

static void finish_and_kick(void *opaque)
{
    finish(opaque);
    aio_wait_kick();
}

static bool is_done(void)
{
    return qatomic_mb_read(&done);
}

static void where_nothing_is_to_be_waited_for_it_is_false(void)
{
    setup();
    ASSERT_FALSE(AIO_WAIT_WHILE(ctx, false));
    ASSERT_FALSE(AIO_WAIT_WHILE(io_ctx, false));
    ASSERT_FALSE(AIO_WAIT_WHILE(NULL, false));
    teardown();
}

static void at_home_it_polls_the_context(void)
{
    setup();
    aio_bh_schedule_oneshot(ctx, finish, NULL);
    ASSERT_TRUE(AIO_WAIT_WHILE(ctx, !is_done()));
    teardown();
}

/* In an IOThread, for its own context, without the main thread's help. */
static void wait_at_home(void *opaque)
{
    uint32_t *waited = opaque;

    aio_bh_schedule_oneshot(io_ctx, finish, NULL);
    qatomic_mb_set(waited, AIO_WAIT_WHILE(io_ctx, !is_done()) ? 1 : 2);
}

static void so_it_does_in_an_iothread(void)
{
    uint32_t waited = 0;

    setup();
    aio_bh_schedule_oneshot(io_ctx, wait_at_home, &waited);
    TEST_WAIT_UNTIL(qatomic_mb_read(&waited));
    ASSERT_INT_EQ(waited, 1);
    teardown();
}

static void the_main_thread_waits_for_an_iothread(void)
{
    setup();
    for (int i = 0; i < test_rounds(50); i++) {
        done = 0;
        aio_bh_schedule_oneshot(io_ctx, finish_and_kick, NULL);
        AIO_WAIT_WHILE(NULL, !is_done());
    }
    teardown();
}

static void wait_until_asleep_and_kick(void *opaque)
{
    TEST_WAIT_UNTIL(loop_sleeps(ctx));
    finish_and_kick(opaque);
}

static void a_kick_ends_its_sleep(void)
{
    setup();
    for (int i = 0; i < 20; i++) {
        done = 0;
        aio_bh_schedule_oneshot(io_ctx, wait_until_asleep_and_kick, NULL);
        ASSERT_TRUE(AIO_WAIT_WHILE(NULL, !is_done()));
    }
    teardown();
}

/* Needs the lock that the waiting thread holds. */
static void lock_finish_and_kick(void *opaque)
{
    aio_context_acquire(io_ctx);
    finish_and_kick(opaque);
    aio_context_release(io_ctx);
}

static void the_lock_is_released_meanwhile(void)
{
    setup();
    aio_context_acquire(io_ctx);
    aio_bh_schedule_oneshot(io_ctx, lock_finish_and_kick, NULL);
    ASSERT_TRUE(AIO_WAIT_WHILE(io_ctx, !is_done()));
    ASSERT_INT_EQ(io_ctx->lock.depth, 1);
    aio_context_release(io_ctx);
    teardown();
}

static int main_bhs(void)
{
    uint64_t before = ctx->stats.bhs;

    while (aio_poll(ctx, false)) {
        continue;
    }
    return (int)(ctx->stats.bhs - before);
}

static void a_kick_without_a_waiter_schedules_nothing(void)
{
    setup();
    main_bhs();
    aio_wait_kick();
    ASSERT_INT_EQ(main_bhs(), 0);
    global_aio_wait.num_waiters++;
    aio_wait_kick();
    aio_wait_kick();
    ASSERT_INT_EQ(main_bhs(), 2);
    global_aio_wait.num_waiters--;
    teardown();
}

static void note_thread(void *opaque)
{
    ASSERT_TRUE(in_aio_context_home_thread(io_ctx));
    ASSERT_TRUE(qemu_in_iothread());
    *(int *)opaque = 42;
}

static void a_oneshot_runs_there_and_is_waited_for(void)
{
    setup();
    ASSERT_FALSE(qemu_in_iothread());
    for (int i = 0; i < test_rounds(50); i++) {
        int result = 0;
        aio_wait_bh_oneshot(io_ctx, note_thread, &result);
        ASSERT_INT_EQ(result, 42);
    }
    teardown();
}

static void wait_in_foreign(void *opaque)
{
    (void)opaque;
    AIO_WAIT_WHILE(NULL, true);
}

static void elsewhere_it_panics(void)
{
    setup();
    test_elsewhere(wait_in_foreign, NULL);
}

static void oneshot_in_foreign(void *opaque)
{
    (void)opaque;
    aio_wait_bh_oneshot(io_ctx, finish, NULL);
}

static void so_does_the_oneshot(void)
{
    setup();
    test_elsewhere(oneshot_in_foreign, NULL);
}

TEST_PROGRAM(
    TEST(where_nothing_is_to_be_waited_for_it_is_false),
    TEST(at_home_it_polls_the_context),
    TEST(so_it_does_in_an_iothread),
    TEST(the_main_thread_waits_for_an_iothread),
    TEST(a_kick_ends_its_sleep),
    TEST(the_lock_is_released_meanwhile),
    TEST(a_kick_without_a_waiter_schedules_nothing),
    TEST(a_oneshot_runs_there_and_is_waited_for),
    TEST_PANICS(elsewhere_it_panics, "nor the main thread"),
    TEST_PANICS(so_does_the_oneshot, "nor the main thread"),
)
