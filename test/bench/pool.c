/* SPDX-License-Identifier: MIT */
/* The thread pool with jobs that do nothing, 4 threads: 64 of them under way
 * (g_pool_depth64), or one (g_pool_depth1). */
#include "bench.h"
#include "block/aio.h"
#include "block/thread-pool.h"

#define THREADS 4
#define WARMUP_BURSTS 3

static AioContext *ctx;
static ThreadPool *pool;
static unsigned burst_jobs, submitted, completed;
static uint32_t done;          /* jobs that ran; the pool's threads */

static int job(void *opaque)
{
    (void)opaque;
    qatomic_inc(&done);
    return 0;
}

static void complete_cb(void *opaque, int ret)
{
    (void)opaque;
    completed += ret == 0;
    if (submitted < burst_jobs) {
        submitted++;
        thread_pool_submit_aio(pool, job, NULL, complete_cb, NULL);
    }
}

static double burst(unsigned depth)
{
    int64_t start = bench_now(), ns;

    submitted = depth;
    completed = 0;
    done = 0;
    for (unsigned i = 0; i < depth; i++) {
        thread_pool_submit_aio(pool, job, NULL, complete_cb, NULL);
    }
    while (completed < burst_jobs) {
        aio_poll(ctx, true);
    }
    ns = bench_now() - start;
    bench_expect("jobs submitted", submitted, burst_jobs);
    bench_expect("jobs run", done, burst_jobs);
    return burst_jobs * 1e9 / ns;
}

static void line(const char *name, unsigned depth, unsigned jobs)
{
    BenchSamples samples = bench_samples(name, "1/s");
    int64_t end;

    if (!bench_wants(name)) {
        return;
    }
    burst_jobs = jobs;
    for (int i = 0; i < WARMUP_BURSTS; i++) {
        burst(depth);
    }
    end = bench_deadline();
    do {
        bench_add(&samples, burst(depth));
    } while (bench_now() < end);
    bench_print(&samples);
}

int main(int argc, char **argv)
{
    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    ctx->thread_pool_max = THREADS;
    pool = aio_get_thread_pool(ctx);
    line("g_pool_depth1", 1, 500);
    line("g_pool_depth64", 64, 20000);
    aio_context_detach_current();
    aio_context_unref(ctx);
    return 0;
}
