/* SPDX-License-Identifier: MIT */
/*
 * The loop of `wasm-aio bench`. It runs in an IOThread and keeps iodepth requests
 * in flight; each completion submits the next one. A job that writes has a part of
 * the file to itself and never two requests on one block, so the content of each
 * block is known.
 */
#include "job.h"
#include "qemu/atomic.h"

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

/* Stores in *block the next written block that the sweep has not checked. Returns
 * false if there is none. */
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

    /* The search ends, since there are more blocks than slots. */
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
    if (bench_writes(job) && (job->o.rw != RW_RANDRW || (next_random(job) & 1))) {
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

/* Returns false if there is nothing left to do. */
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
    (*rt_requests_in_flight(job->ctx))++;
    slot->begun = now;
    job->op.type = slot->type | RAW_AIO_COUNT;
    job->op.iov = &slot->iov;
    job->op.offset = (int64_t)offset_of(job, slot->block);
    if (raw_aio_submit(job->ctx, &job->op, slot_done, slot)) {
        return true;
    }
    job->in_flight--;
    (*rt_requests_in_flight(job->ctx))--;
    fail(job, -ENOMEM, offset_of(job, slot->block));
    return false;
}

/* Called when nothing is in flight any more. Returns true if requests have been
 * submitted again. */
static bool sweep(BenchJob *job, int64_t now)
{
    bool any = false;

    if (!job->o.verify || !bench_writes(job) || job->sweeping || job->error) {
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
    job->sum += (double)latency;
    job->squares += (double)latency * (double)latency;
    job->histogram[bucket_of((uint64_t)latency)]++;
}

static void slot_done(void *opaque, int ret)
{
    Slot *slot = opaque;
    BenchJob *job = slot->job;
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    bool flush = slot->type == QEMU_AIO_FLUSH;

    job->in_flight--;
    (*rt_requests_in_flight(job->ctx))--;
    if (job->busy && !flush) {
        job->busy[slot->block] = 0;
    }
    if (ret >= 0 && !flush && (uint32_t)ret < job->o.block_size) {
        ret = -EIO;            /* the file was truncated meanwhile */
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
    /* The file may have been opened for another context. */
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
