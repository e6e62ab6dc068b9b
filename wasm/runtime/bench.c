/* SPDX-License-Identifier: MIT */
/*
 * The loop of `wasm-aio bench`: in an IOThread, iodepth requests at any time, each
 * completion submitting the next one. A job has a part of the file to itself if it
 * writes, and never two requests on one block: so what a block must have is known.
 */
#include "bench.h"
#include "qemu/atomic.h"
#include <string.h>

/* Latencies fall into 16 buckets for each power of two of ns. */
enum { SUB_BUCKETS = 16, BUCKETS = 48 * SUB_BUCKETS };

/* rw; ts/src/bench/job.ts has the same numbers. */
enum { RW_READ, RW_RANDREAD, RW_WRITE, RW_RANDWRITE, RW_RANDRW };

typedef struct BenchJob BenchJob;

typedef struct Slot {
    BenchJob *job;
    struct iovec iov;
    uint64_t block;
    int64_t begun;
    uint32_t generation;       /* that it writes */
    int type;                  /* QEMU_AIO_... */
} Slot;

/* What TypeScript asks for; numbers that fit a double. */
typedef struct BenchOptions {
    double number_ios;         /* 0: until it is stopped */
    double file_size;          /* as its header has it */
    double first_block;        /* of the job's part */
    double blocks;
    double seed;               /* of the content */
    double random_seed;
    double max_batch;
    double fsync;              /* a flush after so many writes; 0: none */
    uint32_t handle;
    uint32_t engine;
    uint32_t block_size;
    uint32_t depth;
    uint32_t rw;
    uint32_t verify;
} BenchOptions;

struct BenchJob {
    AioContext *ctx;
    BenchOptions o;
    RawAioOp op;
    uint64_t random;
    Completion completion;
    QEMUBH start_bh;
    uint32_t running;          /* the owner has not been told of its end yet */
    uint32_t stop;             /* any thread sets it */
    int error;                 /* the first; -EILSEQ: wrong content */
    uint64_t error_offset;
    uint64_t issued;
    uint64_t completed;        /* the owner looks at it while it runs */
    uint64_t flushes;
    uint64_t next_block;       /* of sequential ones, and of the sweep */
    uint64_t unflushed;        /* writes since the last flush */
    bool sweeping;             /* the end: what was written is read again */
    uint32_t generation;       /* the last that was written */
    int64_t *generations;      /* by block of its part; -1: not known */
    uint8_t *busy;
    uint32_t in_flight;
    int64_t begun;
    int64_t ended;
    int64_t longest;
    uint32_t histogram[BUCKETS];
    Slot slots[];
};

static uint32_t bucket_of(uint64_t ns)
{
    uint32_t top;

    if (ns < SUB_BUCKETS) {
        return (uint32_t)ns;
    }
    top = 63 - (uint32_t)__builtin_clzll(ns);       /* at least 4 */
    return MIN((top - 3) * SUB_BUCKETS +
                   (uint32_t)((ns >> (top - 4)) & (SUB_BUCKETS - 1)),
               (uint32_t)BUCKETS - 1);
}

static uint64_t next_random(BenchJob *job)
{
    job->random ^= job->random >> 12;
    job->random ^= job->random << 25;
    job->random ^= job->random >> 27;
    return job->random * 0x2545f4914f6cdd1du >> 11;
}

static bool writes(const BenchJob *job)
{
    return job->o.rw >= RW_WRITE;
}

static uint64_t offset_of(const BenchJob *job, uint64_t block)
{
    return ((uint64_t)job->o.first_block + block) * job->o.block_size;
}

static void fail(BenchJob *job, int error, uint64_t offset)
{
    if (!job->error) {
        job->error = error;
        job->error_offset = offset;
    }
}

static void check(BenchJob *job, Slot *slot)
{
    int64_t unknown = -1;
    int64_t *known = job->generations ? &job->generations[slot->block]
                                      : &unknown;
    uint64_t offset = offset_of(job, slot->block);

    if (!bench_check(slot->iov.iov_base, job->o.block_size, offset,
                     (uint64_t)job->o.seed, (uint64_t)job->o.file_size,
                     known)) {
        fail(job, -EILSEQ, offset);
    }
}

/* ---- What comes next ---- */

/* The next written block that the sweep has not looked at; false: none. */
static bool next_to_sweep(BenchJob *job, uint64_t *block)
{
    while (job->next_block < (uint64_t)job->o.blocks) {
        *block = job->next_block++;
        if (job->generations[*block] > 0) {
            return true;
        }
    }
    return false;
}

static uint64_t choose_block(BenchJob *job)
{
    uint64_t blocks = (uint64_t)job->o.blocks;
    bool random = job->o.rw == RW_RANDREAD || job->o.rw >= RW_RANDWRITE;
    uint64_t block = (random ? next_random(job) : job->next_block++) % blocks;

    /* There are more blocks than slots. */
    while (job->busy && job->busy[block]) {
        block = (block + 1) % blocks;
    }
    return block;
}

static bool choose(BenchJob *job, Slot *slot)
{
    slot->type = QEMU_AIO_READ;
    if (job->sweeping) {
        return !job->error && next_to_sweep(job, &slot->block);
    }
    if (job->error || qatomic_read(&job->stop) ||
        (job->o.number_ios > 0 &&
         job->issued == (uint64_t)job->o.number_ios)) {
        return false;
    }
    if (job->o.fsync > 0 && job->unflushed >= (uint64_t)job->o.fsync) {
        job->unflushed = 0;
        slot->type = QEMU_AIO_FLUSH;
        return true;
    }
    slot->block = choose_block(job);
    if (writes(job) && (job->o.rw != RW_RANDRW || (next_random(job) & 1))) {
        slot->type = QEMU_AIO_WRITE;
        slot->generation = ++job->generation;
        bench_fill(slot->iov.iov_base, job->o.block_size,
                   offset_of(job, slot->block), (uint64_t)job->o.seed,
                   (uint64_t)job->o.file_size, slot->generation);
        job->unflushed++;
    }
    job->issued++;
    return true;
}

static void slot_done(void *opaque, int ret);

/* False: nothing is left for it to do. */
static bool submit(Slot *slot, int64_t now)
{
    BenchJob *job = slot->job;

    if (!choose(job, slot)) {
        return false;
    }
    if (job->busy && slot->type != QEMU_AIO_FLUSH) {
        job->busy[slot->block] = 1;
    }
    job->in_flight++;
    job->ctx->requests++;
    slot->begun = now;
    job->op.type = slot->type | RAW_AIO_COUNT;
    job->op.iov = &slot->iov;
    job->op.offset = (int64_t)offset_of(job, slot->block);
    if (raw_aio_submit(job->ctx, &job->op, slot_done, slot)) {
        return true;
    }
    job->in_flight--;
    job->ctx->requests--;
    fail(job, -ENOMEM, offset_of(job, slot->block));
    return false;
}

/* Nothing is in flight any more. True: something is again. */
static bool sweep(BenchJob *job, int64_t now)
{
    bool any = false;

    if (!job->o.verify || !writes(job) || job->sweeping || job->error) {
        return false;
    }
    job->sweeping = true;
    job->next_block = 0;
    for (uint32_t i = 0; i < job->o.depth; i++) {
        any |= submit(&job->slots[i], now);
    }
    return any;
}

static void count(BenchJob *job, Slot *slot, int64_t now)
{
    int64_t latency = now - slot->begun;

    job->completed++;
    job->longest = MAX(job->longest, latency);
    job->histogram[bucket_of((uint64_t)latency)]++;
}

static void slot_done(void *opaque, int ret)
{
    Slot *slot = opaque;
    BenchJob *job = slot->job;
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    bool flush = slot->type == QEMU_AIO_FLUSH;

    job->in_flight--;
    job->ctx->requests--;
    if (job->busy && !flush) {
        job->busy[slot->block] = 0;
    }
    if (ret >= 0 && !flush && (uint32_t)ret < job->o.block_size) {
        ret = -EIO;            /* the file was cut off under us */
    }
    if (ret < 0) {
        fail(job, ret, offset_of(job, slot->block));
    } else if (flush) {
        job->flushes++;
    } else {
        if (slot->type == QEMU_AIO_WRITE && job->generations) {
            job->generations[slot->block] = slot->generation;
        } else if (slot->type == QEMU_AIO_READ && job->o.verify) {
            check(job, slot);
        }
        if (!job->sweeping) {
            count(job, slot, now);
        }
    }
    if (!submit(slot, now) && job->in_flight == 0) {
        if (!job->sweeping) {
            job->ended = now;
        }
        if (!sweep(job, now)) {
            rt_complete(&job->completion, job->error);
        }
    }
}

static void start_bh(void *opaque)
{
    BenchJob *job = opaque;
    AioEngine engine = job->op.engine;

    job->begun = job->ended = port_clock_ns(PORT_CLOCK_MONOTONIC);
    /* Its file may have been opened for another context. */
    if (!raw_aio_setup(job->ctx, engine, NULL)) {
        rt_complete(&job->completion, -EAGAIN);
        return;
    }
    raw_aio_plug(job->ctx, engine);
    for (uint32_t i = 0; i < job->o.depth; i++) {
        submit(&job->slots[i], job->begun);
    }
    raw_aio_unplug(job->ctx, engine, job->op.max_batch);
    if (job->in_flight == 0) {
        rt_complete(&job->completion, job->error);
    }
}

/* ---- Owner ---- */

WASM_EXPORT("rt_bench_free")
void rt_bench_free(BenchJob *job)
{
    free(job->slots[0].iov.iov_base);
    free(job->generations);
    free(job->busy);
    free(job);
}

/* NULL: out of memory. complete(id, 0 or -errno) follows rt_bench_start. */
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
    /* Other runs have written the file before. */
    job->generation = (uint32_t)(port_clock_ns(PORT_CLOCK_REALTIME) >> 20);
    bufs = aligned_alloc(4096, ROUND_UP(depth * bs, 4096));
    job->slots[0].iov.iov_base = bufs;
    if (writes(job)) {
        job->busy = calloc(1, blocks);
        job->generations = malloc(blocks * sizeof(int64_t));
    }
    if (!bufs || (writes(job) && (!job->busy || !job->generations))) {
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

static void told(Completion *completion)
{
    container_of(completion, BenchJob, completion)->running = 0;
}

WASM_EXPORT("rt_bench_start")
void rt_bench_start(BenchJob *job, uint32_t id)
{
    job->completion = (Completion){ .id = id, .told = told };
    job->running = 1;
    bh_init(&job->start_bh, job->ctx, start_bh, job, "rt_bench_start");
    qemu_bh_schedule(&job->start_bh);
}

WASM_EXPORT("rt_bench_stop")
void rt_bench_stop(BenchJob *job)
{
    qatomic_set(&job->stop, 1);
}

/* Owner: nothing of it is under way: it may be freed. */
WASM_EXPORT("rt_bench_idle")
bool rt_bench_idle(BenchJob *job)
{
    return !job->running;
}

/* Live, and after the end. */
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

/* BUCKETS counters. Bucket b < 16 is b ns; above, bucket 16 e + m counts from
 * (16 + m) << (e - 1) ns. */
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
