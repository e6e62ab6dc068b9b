/* SPDX-License-Identifier: MIT */
/* The thread pool under load: every job completes once, whatever happens. */
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"

enum { DEPTH = 64 };

typedef struct Job {
    BlockAIOCB *acb;
    uint32_t runs;              /* this time: 0 or 1 */
    bool in_flight;
    bool cancelled;
    int number;
} Job;

static Job jobs[DEPTH];
static int submitted, completed, cancelled, wanted;
static uint64_t random_state;

static int work(void *opaque)
{
    Job *job = opaque;

    ASSERT_INT_EQ(qatomic_fetch_inc(&job->runs), 0);
    for (int i = job->number % 8; i > 0; i--) {
        port_pause();
    }
    return job->number;
}

static void submit(Job *job);

static void work_completed(void *opaque, int ret)
{
    Job *job = opaque;

    ASSERT_TRUE(job->in_flight);
    job->in_flight = false;
    completed++;
    if (ret == -ECANCELED) {
        ASSERT_TRUE(job->cancelled);
        ASSERT_INT_EQ(job->runs, 0);
        cancelled++;
    } else {
        ASSERT_INT_EQ(ret, job->number);
        ASSERT_INT_EQ(job->runs, 1);
    }
    if (submitted < wanted) {
        submit(job);
    }
}

static void submit(Job *job)
{
    submitted++;
    job->runs = 0;
    job->cancelled = false;
    job->in_flight = true;
    job->acb = thread_pool_submit_aio(aio_get_thread_pool(ctx), work, job,
                                      work_completed, job);
}

static void setup(int max, int count)
{
    loop_setup();
    memset(jobs, 0, sizeof(jobs));
    submitted = completed = cancelled = 0;
    wanted = count;
    ctx->thread_pool_max = max;
    for (int i = 0; i < DEPTH; i++) {
        jobs[i].number = i;
    }
}

static void every_job_of_a_flood_completes_once(void)
{
    static const int threads[] = { 1, 2, 4, 16 };

    for (int k = 0; k < 4; k++) {
        setup(threads[k], test_rounds(5000));
        for (int i = 0; i < DEPTH; i++) {
            submit(&jobs[i]);
        }
        while (completed < wanted) {
            aio_poll(ctx, true);
        }
        ASSERT_INT_EQ(completed, submitted);
        loop_teardown();
    }
}

/* One at a time: the thread and the loop sleep between. */
static void single_jobs_complete(void)
{
    setup(2, test_rounds(3000));
    submit(&jobs[0]);
    while (completed < wanted) {
        aio_poll(ctx, true);
    }
    loop_teardown();
}

static void cancel_some(void)
{
    for (int i = test_random(&random_state) % 8; i > 0; i--) {
        Job *job = &jobs[test_random(&random_state) % DEPTH];
        if (!job->in_flight) {
            continue;
        }
        job->cancelled = true;
        if (test_random(&random_state) % 16) {
            bdrv_aio_cancel_async(job->acb);
        } else {
            int number = job->number;
            bdrv_aio_cancel(job->acb);
            /* It has completed; its call-back may have submitted it anew. */
            ASSERT_INT_EQ(job->number, number);
        }
    }
}

static void every_job_of_a_cancel_storm_completes_once(void)
{
    random_state = test_seed();
    for (int threads = 1; threads <= 4; threads *= 2) {
        setup(threads, test_rounds(5000));
        for (int i = 0; i < DEPTH; i++) {
            submit(&jobs[i]);
        }
        while (completed < submitted || submitted < wanted) {
            cancel_some();
            aio_poll(ctx, completed < submitted);
        }
        ASSERT_INT_EQ(completed, submitted);
        fprintf(stderr, "%d of %d cancelled\n", cancelled, completed);
        loop_teardown();
    }
}

/* Pools come and go, some with threads that idle, some with one on its way. */
static void pools_come_and_go(void)
{
    for (int i = 0; i < test_rounds(100); i++) {
        setup(4, i % 7);
        for (int k = 0; k < i % 7; k++) {
            submit(&jobs[k]);
        }
        while (completed < submitted) {
            aio_poll(ctx, true);
        }
        loop_teardown();
    }
}

/* ---- Several contexts with a pool each ---- */

typedef struct Loop {
    AioContext *ctx;
    int in_flight, completed, count;
} Loop;

static int add(void *opaque)
{
    (void)opaque;
    return 1;
}

static void added(void *opaque, int ret)
{
    Loop *loop = opaque;

    loop->completed += ret;
    if (loop->in_flight < loop->count) {
        loop->in_flight++;
        thread_pool_submit_aio(aio_get_thread_pool(loop->ctx), add, NULL,
                               added, loop);
    }
}

static void run_loop(int index, void *opaque)
{
    Loop loop = { .count = *(int *)opaque, .in_flight = 8 };

    (void)index;
    loop.ctx = aio_context_new(&error_abort);
    loop.ctx->thread_pool_max = 2;
    qemu_set_current_aio_context(loop.ctx);
    for (int i = 0; i < 8; i++) {
        thread_pool_submit_aio(aio_get_thread_pool(loop.ctx), add, NULL, added,
                               &loop);
    }
    while (loop.completed < loop.count) {
        aio_poll(loop.ctx, true);
    }
    while (aio_poll(loop.ctx, false)) {
        continue;
    }
    aio_context_detach_current();
    aio_context_unref(loop.ctx);
}

static void several_contexts_have_a_pool_each(void)
{
    int count = test_rounds(3000);

    test_in_threads(2, run_loop, &count);
}

TEST_PROGRAM(
    TEST(every_job_of_a_flood_completes_once),
    TEST(single_jobs_complete),
    TEST(every_job_of_a_cancel_storm_completes_once),
    TEST(pools_come_and_go),
    TEST(several_contexts_have_a_pool_each),
)
