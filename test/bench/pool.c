/* SPDX-License-Identifier: MIT */
/* The thread pool with jobs that do nothing, 64 of them under way, 4 threads
 * (g_pool_depth64). */
#include "bench.h"
#include "block/aio.h"
#include "block/thread-pool.h"

#define DEPTH 64
#define THREADS 4
#define BURST 20000
#define WARMUP_BURSTS 3

static AioContext *ctx;
static ThreadPool *pool;
static unsigned submitted, completed;
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
    if (submitted < BURST) {
        submitted++;
        thread_pool_submit_aio(pool, job, NULL, complete_cb, NULL);
    }
}

static double burst(void)
{
    int64_t start = bench_now(), ns;

    submitted = DEPTH;
    completed = 0;
    done = 0;
    for (int i = 0; i < DEPTH; i++) {
        thread_pool_submit_aio(pool, job, NULL, complete_cb, NULL);
    }
    while (completed < BURST) {
        aio_poll(ctx, true);
    }
    ns = bench_now() - start;
    bench_expect("jobs submitted", submitted, BURST);
    bench_expect("jobs run", done, BURST);
    return BURST * 1e9 / ns;
}

int main(int argc, char **argv)
{
    BenchSamples samples = bench_samples("g_pool_depth64", "1/s");
    int64_t end;

    bench_init(argc, argv);
    ctx = aio_context_new(NULL);
    bench_expect("contexts", ctx != NULL, 1);
    qemu_set_current_aio_context(ctx);
    ctx->thread_pool_max = THREADS;
    pool = aio_get_thread_pool(ctx);
    for (int i = 0; i < WARMUP_BURSTS; i++) {
        burst();
    }
    end = bench_deadline();
    do {
        bench_add(&samples, burst());
    } while (bench_now() < end);
    bench_print(&samples);
    aio_context_detach_current();
    aio_context_unref(ctx);
    return 0;
}
