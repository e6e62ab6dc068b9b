/* SPDX-License-Identifier: MIT */
/* A coroutine that waits for a job of the thread pool; in QEMU
 * util/thread-pool.c. */
#include "block/pool.h"
#include "coroutine/coroutine.h"

typedef struct Job {
    Coroutine *co;
    int ret;
} Job;

static void job_done(void *opaque, int ret)
{
    Job *job = opaque;

    job->ret = ret;
    aio_co_wake(job->co);
}

int coroutine_fn thread_pool_submit_co(ThreadPool *pool, ThreadPoolFunc *func,
                                       void *arg)
{
    Job job = { qemu_coroutine_self(), -EINPROGRESS };

    if (!thread_pool_try_submit(pool, func, arg, job_done, &job)) {
        return -ENOMEM;
    }
    qemu_coroutine_yield();
    return job.ret;
}
