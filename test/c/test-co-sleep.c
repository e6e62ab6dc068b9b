/* SPDX-License-Identifier: MIT */
/* Coroutines that wait: for time, for an fd, for a job of the thread pool. */
#include "contexts.h"
#include "loop/loop.h"
#include "pool.h"
#include "qemu/coroutine_int.h"

static bool is_handled(int fd)
{
    return aio_find_handler(ctx, fd);
}

/* ---- Time ---- */

typedef struct Nap {
    QEMUClockType clock;
    int64_t ns;
    bool over;
} Nap;

static void coroutine_fn nap(void *opaque)
{
    Nap *n = opaque;
    int64_t begun = qemu_clock_get_ns(n->clock);

    qemu_co_sleep_ns(n->clock, n->ns);
    ASSERT_INT_GE(qemu_clock_get_ns(n->clock), begun + n->ns);
    ASSERT_PTR_EQ(qemu_get_current_aio_context(), ctx);
    ASSERT_PTR_EQ(qemu_coroutine_self()->scheduled, NULL);
    n->over = true;
}

static void a_sleep_is_not_over_too_early(void)
{
    Nap naps[] = {
        { QEMU_CLOCK_REALTIME, 3 * SCALE_MS, false },
        { QEMU_CLOCK_VIRTUAL, 2 * SCALE_MS, false },
        { QEMU_CLOCK_HOST, SCALE_MS, false },
        { QEMU_CLOCK_VIRTUAL, 0, false },
        { QEMU_CLOCK_REALTIME, -1, false },
    };
    int awake;

    loop_setup();
    qemu_clock_enable(QEMU_CLOCK_VIRTUAL, true);
    for (size_t i = 0; i < ARRAY_SIZE(naps); i++) {
        start(nap, &naps[i]);
        ASSERT_FALSE(naps[i].over);
    }
    do {
        aio_poll(ctx, true);
        awake = 0;
        for (size_t i = 0; i < ARRAY_SIZE(naps); i++) {
            awake += naps[i].over;
        }
    } while (awake < (int)ARRAY_SIZE(naps));
    loop_teardown();
}

static QemuCoSleep bed;

static void coroutine_fn sleep_until_woken(void *opaque)
{
    qemu_co_sleep_ns_wakeable(&bed, QEMU_CLOCK_REALTIME,
                              3600 * NANOSECONDS_PER_SECOND);
    journal_cb(opaque);
    ASSERT_PTR_EQ(bed.to_wake, NULL);
}

static void coroutine_fn wake_early(void *opaque)
{
    (void)opaque;
    qemu_co_sleep_wake(&bed);
    journal_add('w');
}

/* In plain code it runs at once, in a coroutine after that; the timer is gone. */
static void waking_ends_a_sleep_early(void)
{
    loop_setup();
    start(sleep_until_woken, "a");
    ASSERT_INT_GT(aio_compute_timeout(ctx), 0);
    qemu_co_sleep_wake(&bed);
    ASSERT_STR_EQ(journal, "a");
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    start(sleep_until_woken, "b");
    start(wake_early, NULL);
    ASSERT_STR_EQ(journal, "awb");
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    loop_teardown();
}

static void coroutine_fn sleep_without_a_timer(void *opaque)
{
    qemu_co_sleep(&bed);
    journal_cb(opaque);
}

static void waking_wakes_the_one_that_sleeps_and_nobody_else(void)
{
    loop_setup();
    qemu_co_sleep_wake(&bed);
    start(sleep_without_a_timer, "a");
    ASSERT_INT_EQ(aio_compute_timeout(ctx), -1);
    ASSERT_STR_EQ(journal, "");
    qemu_co_sleep_wake(&bed);
    qemu_co_sleep_wake(&bed);
    ASSERT_STR_EQ(journal, "a");
    loop_teardown();
}

/* The timer and a thread that wakes it early meet: one of the two does it. */
static QemuCoSleep beds[3];
static uint32_t sleeps;

static void coroutine_fn sleep_again_and_again(void *opaque)
{
    int rounds = test_rounds(300);
    Worker *worker = opaque;

    for (int i = 0; i < rounds; i++) {
        qemu_co_sleep_ns_wakeable(&beds[worker->number], QEMU_CLOCK_REALTIME,
                                  chance(worker, 20 * SCALE_US));
        qatomic_inc(&sleeps);
    }
    run_done();
}

static void wake_all_early(int index, void *opaque)
{
    (void)opaque;
    while (qatomic_mb_read(&running)) {
        for (int i = 0; i < 3; i++) {
            qemu_co_sleep_wake(&beds[i]);
        }
        for (int i = 0; i <= index * 50; i++) {
            port_pause();
        }
    }
}

static void waking_from_other_threads(void)
{
    TestGang gang;

    contexts_start(3);
    qatomic_inc(&running);
    test_gang_start(&gang, 2, wake_all_early, NULL);
    qatomic_dec(&running);
    run_workers(3, sleep_again_and_again, test_seed());
    test_gang_join(&gang);
    ASSERT_INT_EQ(sleeps, 3 * test_rounds(300));
    contexts_stop();
}

/* ---- An fd ---- */

static EventNotifier notifier;

static void coroutine_fn wait_for_the_notifier(void *opaque)
{
    int fd = event_notifier_get_fd(&notifier);

    for (int i = 0; i < 3; i++) {
        yield_until_fd_readable(fd);
        ASSERT_FALSE(is_handled(fd));
        ASSERT_INT_EQ(event_notifier_test_and_clear(&notifier), 1);
        journal_cb(opaque);
    }
}

static void an_fd_is_waited_for_and_its_handler_removed(void)
{
    int fd;

    loop_setup();
    ASSERT_INT_EQ(event_notifier_init(&notifier, 0), 0);
    fd = event_notifier_get_fd(&notifier);
    start(wait_for_the_notifier, "a");
    for (int i = 1; i <= 3; i++) {
        ASSERT_TRUE(is_handled(fd));
        ASSERT_FALSE(aio_poll(ctx, false));
        event_notifier_set(&notifier);
        while (strlen(journal) < (size_t)i) {
            aio_poll(ctx, true);
        }
    }
    ASSERT_FALSE(is_handled(fd));
    event_notifier_set(&notifier);
    aio_poll(ctx, false);
    ASSERT_STR_EQ(journal, "aaa");
    event_notifier_cleanup(&notifier);
    loop_teardown();
}

/* ---- A job ---- */

static void coroutine_fn run_a_job(void *opaque)
{
    Job *job = opaque;

    job->result = thread_pool_submit_co(pool, work, job);
    ASSERT_TRUE(qemu_thread_is_self(&home));
    ASSERT_TRUE(qemu_in_coroutine());
    job->completed++;
    completions++;
}

static void coroutine_fn run_jobs_in_a_row(void *opaque)
{
    Job *job = opaque;

    for (int i = 0; i < 5; i++) {
        job->ret = -i;
        ASSERT_INT_EQ(thread_pool_submit_co(pool, work, job), -i);
    }
    completions++;
}

static void a_job_is_waited_for(void)
{
    setup(4);
    for (int i = 0; i < 20; i++) {
        start(run_a_job, &jobs[i]);
        ASSERT_INT_EQ(jobs[i].completed, 0);
    }
    start(run_jobs_in_a_row, &jobs[20]);
    poll_until(21);
    for (int i = 0; i < 20; i++) {
        ASSERT_INT_EQ(jobs[i].begun, 1);
        ASSERT_INT_EQ(jobs[i].completed, 1);
        ASSERT_INT_EQ(jobs[i].result, 100 + i);
    }
    ASSERT_INT_EQ(jobs[20].begun, 5);
    loop_teardown();
}

/* ---- Contracts ---- */

static void waking_a_sleeper_otherwise(void)
{
    loop_setup();
    aio_co_schedule(ctx, start(sleep_until_woken, "a"));
}

static void entering_a_sleeper(void)
{
    loop_setup();
    aio_co_wake(start(sleep_until_woken, "a"));
}

static void coroutine_fn sleep_here(void *opaque)
{
    nap(opaque);
}

static void sleeping_where_no_context_is(void)
{
    Nap n = { QEMU_CLOCK_REALTIME, 1, false };

    start(sleep_here, &n);
}

static void coroutine_fn wait_for_stdin(void *opaque)
{
    (void)opaque;
    yield_until_fd_readable(0);
}

static void waiting_for_an_fd_where_no_context_is(void)
{
    start(wait_for_stdin, NULL);
}

TEST_PROGRAM(
    TEST(a_sleep_is_not_over_too_early),
    TEST(waking_ends_a_sleep_early),
    TEST(waking_wakes_the_one_that_sleeps_and_nobody_else),
    TEST(waking_from_other_threads),
    TEST(an_fd_is_waited_for_and_its_handler_removed),
    TEST(a_job_is_waited_for),
    TEST_PANICS(waking_a_sleeper_otherwise,
                "aio_co_schedule: Co-routine was already scheduled by "
                "qemu_co_sleep_ns: coroutine"),
    TEST_PANICS(entering_a_sleeper,
                "aio_co_wake: Co-routine was already scheduled by "
                "qemu_co_sleep_ns: coroutine"),
    TEST_PANICS(sleeping_where_no_context_is,
                "qemu_co_sleep_ns: this thread is not the home of a context"),
    TEST_PANICS(waiting_for_an_fd_where_no_context_is,
                "yield_until_fd_readable: this thread is not the home of a context"),
)
