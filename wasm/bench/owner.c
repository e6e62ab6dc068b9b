/* SPDX-License-Identifier: MIT */
/* The owner's side of the jobs of `wasm-aio bench`: making, stopping and freeing them, and
 * their results. */
#include "job.h"
#include "qemu/atomic.h"
#include <string.h>

WASM_EXPORT("rt_bench_free")
void rt_bench_free(BenchJob *job)
{
    free(job->slots[0].iov.iov_base);
    free(job->generations);
    free(job->busy);
    free(job);
}

/* Makes a job, or returns NULL if there is no memory. After rt_bench_start(), complete(id,
 * 0 or -errno) follows. */
WASM_EXPORT("rt_bench_new")
BenchJob *rt_bench_new(AioContext *ctx, const BenchOptions *options)
{
    uint32_t depth = options->depth, bs = options->block_size;
    size_t blocks = (size_t)options->blocks;
    BenchJob *job = calloc(1, sizeof(*job) + depth * sizeof(Slot));
    char *bufs;

    if (!job) {
        return NULL;
    }
    job->ctx = ctx;
    job->o = *options;
    job->op = (RawAioOp){ .fd = (int)options->handle, .niov = 1,
                          .max_batch = (int64_t)options->max_batch };
    job->op.engine = rt_engine((AioEngine)options->engine, &job->op.max_batch);
    job->random = ((uint64_t)options->random_seed + 1) * 0x9e3779b97f4a7c15u | 1;
    /* Differs from the generations of earlier runs, which have written the file before. */
    job->generation = (uint32_t)(port_clock_ns(PORT_CLOCK_REALTIME) >> 20);
    bufs = aligned_alloc(4096, ROUND_UP(depth * bs, 4096));
    job->slots[0].iov.iov_base = bufs;
    if (bench_writes(job)) {
        job->busy = calloc(1, blocks);
        job->generations = malloc(blocks * sizeof(int64_t));
    }
    if (!bufs || (bench_writes(job) && (!job->busy || !job->generations))) {
        rt_bench_free(job);
        return NULL;
    }
    if (job->generations) {
        memset(job->generations, 0xff, blocks * sizeof(int64_t));
    }
    for (uint32_t i = 0; i < depth; i++) {
        job->slots[i] = (Slot){ .job = job, .iov = { bufs + i * bs, bs } };
    }
    return job;
}

WASM_EXPORT("rt_bench_stop")
void rt_bench_stop(BenchJob *job)
{
    qatomic_set(&job->stop, 1);
}

/* Returns true if nothing of the job is under way, so that it may be freed. Owner only. */
WASM_EXPORT("rt_bench_idle")
bool rt_bench_idle(BenchJob *job)
{
    return !job->running;
}

/* May be read while the job runs, and afterwards. */
WASM_EXPORT("rt_bench_completed")
double rt_bench_completed(BenchJob *job)
{
    return (double)job->completed;
}

WASM_EXPORT("rt_bench_flushes")
double rt_bench_flushes(BenchJob *job)
{
    return (double)job->flushes;
}

WASM_EXPORT("rt_bench_error_offset")
double rt_bench_error_offset(BenchJob *job)
{
    return (double)job->error_offset;
}

WASM_EXPORT("rt_bench_begun")
double rt_bench_begun(BenchJob *job)
{
    return (double)job->begun;
}

WASM_EXPORT("rt_bench_ended")
double rt_bench_ended(BenchJob *job)
{
    return (double)job->ended;
}

WASM_EXPORT("rt_bench_longest")
double rt_bench_longest(BenchJob *job)
{
    return (double)job->longest;
}

WASM_EXPORT("rt_bench_sum")
double rt_bench_sum(BenchJob *job)
{
    return job->sum;
}

WASM_EXPORT("rt_bench_squares")
double rt_bench_squares(BenchJob *job)
{
    return job->squares;
}

/* Returns BUCKETS counters. Bucket b < 16 counts latencies of b ns; above, bucket 16 e + m
 * counts those from (16 + m) << (e - 1) ns on. */
WASM_EXPORT("rt_bench_histogram")
uint32_t *rt_bench_histogram(BenchJob *job)
{
    return job->histogram;
}

WASM_EXPORT("rt_bench_buckets")
uint32_t rt_bench_buckets(void)
{
    return BUCKETS;
}
