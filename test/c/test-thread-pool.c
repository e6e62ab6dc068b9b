/* SPDX-License-Identifier: MIT */
/* The thread pool: running, completing, cancelling. */
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"

typedef struct Job {
    BlockAIOCB *acb;
    int number;
    int ret;                    /* what func returns */
    uint32_t begun;             /* func was called */
    uint32_t beside;            /* how many ran then, itself included */
    int completed;              /* so was the call-back */
    int result;
    void (*then)(struct Job *self);
    QemuEvent *gate;            /* func waits for it */
} Job;

static Job jobs[64];
static ThreadPool *pool;
static QemuEvent gate;
static uint32_t inside, most_inside;
static int completions;
static QemuThread home;

static int work(void *opaque)
{
    Job *job = opaque;
    uint32_t now = qatomic_fetch_inc(&inside) + 1;
    uint32_t most = qatomic_read(&most_inside);

    ASSERT_FALSE(qemu_thread_is_self(&home));
    while (now > most) {
        uint32_t seen = qatomic_cmpxchg(&most_inside, most, now);
        if (seen == most) {
            break;
        }
        most = seen;
    }
    job->beside = now;
    qatomic_inc(&job->begun);
    if (job->gate) {
        qemu_event_wait(job->gate);
    }
    qatomic_dec(&inside);
    return job->ret;
}

static void work_completed(void *opaque, int ret)
{
    Job *job = opaque;

    ASSERT_TRUE(qemu_thread_is_self(&home));
    job->completed++;
    job->result = ret;
    journal_add((char)('0' + job->number));
    completions++;
    if (job->then) {
        job->then(job);
    }
}

static void set_max(int max)
{
    ctx->thread_pool_max = max;
    thread_pool_update_params(pool, ctx);
}

static void setup(int max)
{
    loop_setup();
    journal_clear();
    memset(jobs, 0, sizeof(jobs));
    inside = most_inside = 0;
    completions = 0;
    qemu_event_init(&gate, false);
    qemu_thread_get_self(&home);
    for (int i = 0; i < 64; i++) {
        jobs[i].number = i;
        jobs[i].ret = 100 + i;
        jobs[i].result = -1;
    }
    pool = aio_get_thread_pool(ctx);
    set_max(max);
}

static void submit(Job *job)
{
    job->acb = thread_pool_submit_aio(pool, work, job, work_completed, job);
}

static void poll_until(int count)
{
    while (completions < count) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(completions, count);
}

/* A thread starts when the loop runs: polls until job has begun. */
static void poll_until_begun(Job *job)
{
    while (!qatomic_read(&job->begun)) {
        aio_poll(ctx, false);
        test_nap(UINT_MAX);
    }
}

/* ---- Running ---- */

static void a_context_has_one_pool(void)
{
    loop_setup();
    pool = aio_get_thread_pool(ctx);
    ASSERT_PTR_NE(pool, NULL);
    ASSERT_PTR_EQ(aio_get_thread_pool(ctx), pool);
    loop_teardown();
    thread_pool_free(NULL);
}

static void a_job_runs_elsewhere_and_completes_at_home(void)
{
    uint64_t counted;

    setup(64);
    counted = ctx->stats.jobs;
    submit(&jobs[7]);
    ASSERT_INT_EQ(jobs[7].completed, 0);
    poll_until(1);
    ASSERT_INT_EQ(jobs[7].begun, 1);
    ASSERT_INT_EQ(jobs[7].result, 107);
    ASSERT_INT_EQ(ctx->stats.jobs, counted + 1);
    loop_teardown();
}

static void a_job_without_callback_runs_too(void)
{
    setup(1);
    thread_pool_submit(pool, work, &jobs[0]);
    submit(&jobs[1]);           /* the one thread takes it second */
    poll_until(1);
    ASSERT_INT_EQ(jobs[0].begun, 1);
    loop_teardown();
}

static void first_finished_completes_first(void)
{
    setup(1);
    for (int i = 0; i < 6; i++) {
        submit(&jobs[i]);
    }
    poll_until_begun(&jobs[5]);
    poll_until(6);
    ASSERT_STR_EQ(journal, "012345");
    loop_teardown();
}

/* ---- Threads ---- */

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
    int others = threads_of_the_process();

    setup(4);
    ctx->thread_pool_min = 3;
    set_max(4);
    poll_until_there_are(others + 3);
    loop_teardown();
    TEST_WAIT_UNTIL(threads_of_the_process() == others);
}

static void idle_threads_end_when_the_maximum_falls(void)
{
    int others = threads_of_the_process();

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

/* ---- Nesting ---- */

static void poll_for_the_next(Job *self)
{
    Job *next = self + 1;

    while (!next->completed) {
        aio_poll(ctx, true);
    }
}

static void a_callback_may_wait_for_a_finished_job(void)
{
    setup(1);
    for (int i = 0; i < 4; i++) {
        jobs[i].then = i < 3 ? poll_for_the_next : NULL;
        submit(&jobs[i]);
    }
    poll_until_begun(&jobs[3]);
    poll_until(4);
    ASSERT_STR_EQ(journal, "0123");
    loop_teardown();
}

static void open_gate_and_wait(Job *self)
{
    qemu_event_set(&gate);
    poll_for_the_next(self);
}

static void a_callback_may_wait_for_an_unfinished_job(void)
{
    setup(2);
    jobs[0].then = open_gate_and_wait;
    jobs[1].gate = &gate;
    submit(&jobs[0]);
    submit(&jobs[1]);
    poll_until(2);
    ASSERT_STR_EQ(journal, "01");
    loop_teardown();
}

static void submit_next(Job *self)
{
    submit(self + 1);
}

static void a_callback_may_submit(void)
{
    setup(2);
    for (int i = 0; i < 20; i++) {
        jobs[i].then = i < 19 ? submit_next : NULL;
    }
    submit(&jobs[0]);
    poll_until(20);
    loop_teardown();
}

/* ---- Cancelling ---- */

static void what_has_not_begun_is_cancelled(void)
{
    setup(1);
    jobs[0].gate = &gate;
    submit(&jobs[0]);
    poll_until_begun(&jobs[0]);
    submit(&jobs[1]);
    submit(&jobs[2]);
    submit(&jobs[3]);
    bdrv_aio_cancel_async(jobs[2].acb);
    ASSERT_INT_EQ(completions, 0);
    poll_until(1);
    ASSERT_INT_EQ(jobs[2].result, -ECANCELED);
    bdrv_aio_cancel(jobs[1].acb);
    ASSERT_INT_EQ(completions, 2);
    ASSERT_INT_EQ(jobs[1].result, -ECANCELED);
    qemu_event_set(&gate);
    poll_until(4);
    ASSERT_STR_EQ(journal, "2103");
    ASSERT_INT_EQ(jobs[1].begun + jobs[2].begun, 0);
    ASSERT_INT_EQ(jobs[3].result, 103);
    loop_teardown();
}

static void what_has_begun_ends_as_it_would(void)
{
    setup(1);
    jobs[0].gate = &gate;
    submit(&jobs[0]);
    poll_until_begun(&jobs[0]);
    bdrv_aio_cancel_async(jobs[0].acb);
    qemu_event_set(&gate);
    bdrv_aio_cancel(jobs[0].acb);
    ASSERT_INT_EQ(jobs[0].completed, 1);
    ASSERT_INT_EQ(jobs[0].result, 100);
    loop_teardown();
}

static void what_is_finished_ends_as_it_did(void)
{
    setup(1);
    submit(&jobs[0]);
    poll_until_begun(&jobs[0]);
    while (qatomic_mb_read(&inside)) {
        test_nap(UINT_MAX);
    }
    bdrv_aio_cancel(jobs[0].acb);
    ASSERT_INT_EQ(jobs[0].completed, 1);
    ASSERT_INT_EQ(jobs[0].result, 100);
    loop_teardown();
}

/* ---- Broken contracts ---- */

static void submit_one(void *opaque)
{
    submit(opaque);
}

static void submitting_away_from_home_panics(void)
{
    setup(1);
    test_elsewhere(submit_one, &jobs[0]);
}

static void freeing_it_with_a_job_outstanding_panics(void)
{
    setup(1);
    jobs[0].gate = &gate;
    submit(&jobs[0]);
    aio_context_unref(ctx);
}

TEST_MAIN(
    TEST(a_context_has_one_pool),
    TEST(a_job_runs_elsewhere_and_completes_at_home),
    TEST(a_job_without_callback_runs_too),
    TEST(first_finished_completes_first),
    TEST(as_many_run_at_once_as_there_may_be_threads),
    TEST(sixty_four_by_default),
    TEST(surplus_threads_end_when_the_maximum_falls),
    TEST(it_may_be_freed_before_its_first_thread_has_started),
#ifdef CONFIG_LINUX
    TEST(the_minimum_of_threads_starts_and_stays),
    TEST(idle_threads_end_when_the_maximum_falls),
#endif
    TEST(a_callback_may_wait_for_a_finished_job),
    TEST(a_callback_may_wait_for_an_unfinished_job),
    TEST(a_callback_may_submit),
    TEST(what_has_not_begun_is_cancelled),
    TEST(what_has_begun_ends_as_it_would),
    TEST(what_is_finished_ends_as_it_did),
    TEST_PANICS(submitting_away_from_home_panics,
                "thread_pool_submit_aio: this thread is not"),
    TEST_PANICS(freeing_it_with_a_job_outstanding_panics,
                "1 requests are outstanding"),
)
