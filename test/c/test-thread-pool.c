/* SPDX-License-Identifier: MIT */
/* The thread pool: running, completing, cancelling. */
#include "pool.h"

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

enum { AGAIN = 200, AT_ONCE = 4 };

/* Its successor has been run by a thread before this call-back returns. */
static void again(Job *self)
{
    if (completions < AGAIN) {
        uint32_t before = self->begun;

        submit(self);
        TEST_WAIT_UNTIL(qatomic_read(&self->begun) > before);
    }
}

/* Otherwise call-backs that submit short jobs would keep the loop for ever. */
static void an_iteration_completes_what_has_finished_by_then(void)
{
    setup(AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++) {
        jobs[i].then = again;
        submit(&jobs[i]);
    }
    while (completions < AGAIN + AT_ONCE - 1) {
        int before = completions;

        aio_poll(ctx, true);
        ASSERT_INT_LE(completions - before, AT_ONCE);
    }
    loop_teardown();
}

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

TEST_PROGRAM(
    TEST(a_context_has_one_pool),
    TEST(a_job_runs_elsewhere_and_completes_at_home),
    TEST(a_job_without_callback_runs_too),
    TEST(first_finished_completes_first),
    TEST(a_callback_may_wait_for_a_finished_job),
    TEST(a_callback_may_wait_for_an_unfinished_job),
    TEST(a_callback_may_submit),
    TEST(an_iteration_completes_what_has_finished_by_then),
    TEST(what_has_not_begun_is_cancelled),
    TEST(what_has_begun_ends_as_it_would),
    TEST(what_is_finished_ends_as_it_did),
    TEST_PANICS(submitting_away_from_home_panics,
                "thread_pool_submit_aio: this thread is not"),
    TEST_PANICS(freeing_it_with_a_job_outstanding_panics,
                "1 requests are outstanding"),
)
