/* SPDX-License-Identifier: MIT */
/* Requests of the thread pool in the target `loop`: each ends once, with its result or,
 * if it was cancelled, with -ECANCELED. */
#include "loop.h"

#include "block/block.h"
#include "block/thread-pool.h"

bool pool_used;

static struct {
    BlockAIOCB *acb;
    bool cancelled;
} requests[REQUESTS];

static int job(void *opaque)
{
    return (int)(uintptr_t)opaque;
}

static void job_ended(void *opaque, int ret)
{
    unsigned i = (unsigned)(uintptr_t)opaque, outer = job_depth;

    TRACE("job %u", i);
    EXPECT(requests[i].acb);
    EXPECT(ret == (int)i || (ret == -ECANCELED && requests[i].cancelled));
    requests[i].acb = NULL;
    progress[depth] = true;
    job_depth = depth;
    script();
    job_depth = outer;
}

void submit(unsigned i)
{
    if (!requests[i].acb) {
        void *opaque = (void *)(uintptr_t)i;

        pool_used = true;
        requests[i].cancelled = false;
        requests[i].acb = thread_pool_submit_aio(aio_get_thread_pool(ctx), job,
                                                 opaque, job_ended, opaque);
    }
}

void cancel(unsigned i)
{
    if (requests[i].acb) {
        requests[i].cancelled = true;
        bdrv_aio_cancel_async(requests[i].acb);
    }
}

bool is_outstanding(void)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        if (requests[i].acb) {
            return true;
        }
    }
    return false;
}
