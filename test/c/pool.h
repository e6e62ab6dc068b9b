/* SPDX-License-Identifier: MIT */
#ifndef TEST_POOL_H
#define TEST_POOL_H
/* A context with a thread pool, and jobs that tell what became of them. */
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

static inline int work(void *opaque)
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

static inline void work_completed(void *opaque, int ret)
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

static inline void set_max(int max)
{
    ctx->thread_pool_max = max;
    thread_pool_update_params(pool, ctx);
}

static inline void setup(int max)
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

static inline void submit(Job *job)
{
    job->acb = thread_pool_submit_aio(pool, work, job, work_completed, job);
}

static inline void poll_until(int count)
{
    while (completions < count) {
        aio_poll(ctx, true);
    }
    ASSERT_INT_EQ(completions, count);
}

/* A thread starts when the loop runs: polls until job has begun. */
static inline void poll_until_begun(Job *job)
{
    while (!qatomic_read(&job->begun)) {
        aio_poll(ctx, false);
        test_nap(UINT_MAX);
    }
}

#endif
