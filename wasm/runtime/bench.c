/* SPDX-License-Identifier: MIT */
/*
 * The read loop of `wasm-aio bench`: in an IOThread, iodepth reads of random
 * blocks at any time, each completion submitting the next one.
 */
#include "runtime.h"
#include <string.h>

/* ---- The file's content ----
 *
 * Sector 0 is a header, by which the bench knows its own file; every other
 * 64-bit word depends on the seed, its sector and its place there, so that a
 * block from a wrong offset, or torn, or stale, is told from the right one.
 */
enum { SECTOR = 512, SECTOR_WORDS = SECTOR / 8 };

typedef struct BenchHeader {
    char magic[16];
    uint64_t version;
    uint64_t seed;
    uint64_t size;
} BenchHeader;

static const char magic[16] = "wasm-aio bench\n";

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* The words of a sector are base, base + step, ...: a sum, not a hash, so that
 * checking a block costs less than reading it. */
static uint64_t sector_base(uint64_t seed, uint64_t sector)
{
    return mix(seed + sector * 0x9e3779b97f4a7c15u);
}
#define SECTOR_STEP 0xd1342543de82ef95u

static void fill_header(uint64_t *words, uint64_t seed, uint64_t size)
{
    BenchHeader header = { .version = 1, .seed = seed, .size = size };

    memcpy(header.magic, magic, sizeof(magic));
    memset(words, 0, SECTOR);
    memcpy(words, &header, sizeof(header));
}

/* What the file has at offset; both numbers are multiples of SECTOR. */
WASM_EXPORT("rt_bench_fill")
void rt_bench_fill(uint64_t *words, uint32_t length, double offset, double seed,
                   double size)
{
    uint64_t sector = (uint64_t)offset / SECTOR;

    for (uint32_t i = 0; i < length / SECTOR; i++, words += SECTOR_WORDS) {
        uint64_t word = sector_base((uint64_t)seed, sector + i);
        if (sector + i == 0) {
            fill_header(words, (uint64_t)seed, (uint64_t)size);
            continue;
        }
        for (int k = 0; k < SECTOR_WORDS; k++, word += SECTOR_STEP) {
            words[k] = word;
        }
    }
}

/* The seed of the file whose first sector this is; -1: it is not ours. */
WASM_EXPORT("rt_bench_header")
double rt_bench_header(const uint64_t *words, double size)
{
    BenchHeader header;

    memcpy(&header, words, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(magic)) != 0 ||
        header.version != 1 || header.size != (uint64_t)size) {
        return -1;
    }
    return (double)header.seed;
}

static bool block_is_right(const uint64_t *words, uint32_t length,
                           uint64_t offset, uint64_t seed, uint64_t size)
{
    uint64_t sector = offset / SECTOR, header[SECTOR_WORDS], wrong = 0;

    for (uint32_t i = 0; i < length / SECTOR; i++, words += SECTOR_WORDS) {
        uint64_t word = sector_base(seed, sector + i);
        if (sector + i == 0) {
            fill_header(header, seed, size);
            wrong |= memcmp(words, header, SECTOR) != 0;
            continue;
        }
        for (int k = 0; k < SECTOR_WORDS; k++, word += SECTOR_STEP) {
            wrong |= words[k] ^ word;
        }
    }
    return !wrong;
}

/* ---- The job ---- */

/* Latencies fall into 16 buckets for each power of two of ns. */
enum { SUB_BUCKETS = 16, BUCKETS = 48 * SUB_BUCKETS };

typedef struct BenchJob BenchJob;

typedef struct Slot {
    BenchJob *job;
    void *buf;
    uint64_t offset;
    int64_t begun;
} Slot;

struct BenchJob {
    AioContext *ctx;
    HostFile *file;
    uint32_t block_size;
    uint32_t depth;
    uint64_t number_ios;       /* 0: until it is stopped */
    uint64_t file_size;
    uint64_t seed;
    uint64_t random;
    bool verify;
    uint32_t id;
    uint32_t stop;             /* any thread sets it */
    int error;                 /* the first; -EILSEQ: wrong content */
    uint64_t error_offset;
    uint64_t issued;
    uint64_t completed;        /* the owner looks at it while it runs */
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

static int slot_work(void *opaque)
{
    Slot *slot = opaque;
    BenchJob *job = slot->job;
    int ret = rt_file_pread(job->file, slot->buf, job->block_size, slot->offset);

    if (ret >= 0 && (uint32_t)ret < job->block_size) {
        return -EIO;            /* the file was cut off under us */
    }
    if (ret >= 0 && job->verify &&
        !block_is_right(slot->buf, job->block_size, slot->offset, job->seed,
                        job->file_size)) {
        return -EILSEQ;
    }
    return ret;
}

static bool submit(Slot *slot);

static void slot_done(void *opaque, int ret)
{
    Slot *slot = opaque;
    BenchJob *job = slot->job;
    int64_t now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    int64_t latency = now - slot->begun;

    job->in_flight--;
    job->ctx->requests--;
    if (ret < 0) {
        if (!job->error) {
            job->error = ret;
            job->error_offset = slot->offset;
        }
    } else {
        job->completed++;
        job->longest = MAX(job->longest, latency);
        job->histogram[bucket_of((uint64_t)latency)]++;
    }
    if (!submit(slot) && job->in_flight == 0) {
        job->ended = now;
        rt_complete(job->id, job->error);
    }
}

/* False: the job is to end. */
static bool submit(Slot *slot)
{
    BenchJob *job = slot->job;

    if (job->error || qatomic_read(&job->stop) ||
        (job->number_ios && job->issued == job->number_ios)) {
        return false;
    }
    job->random ^= job->random >> 12;
    job->random ^= job->random << 25;
    job->random ^= job->random >> 27;
    slot->offset = (job->random * 0x2545f4914f6cdd1du >> 11) %
                   (job->file_size / job->block_size) * job->block_size;
    job->issued++;
    job->in_flight++;
    job->ctx->requests++;
    slot->begun = port_clock_ns(PORT_CLOCK_MONOTONIC);
    rt_file_submit(job->ctx, job->file, slot_work, slot, slot_done, slot);
    return true;
}

static void start_bh(void *opaque)
{
    BenchJob *job = opaque;

    job->begun = job->ended = port_clock_ns(PORT_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < job->depth; i++) {
        submit(&job->slots[i]);
    }
    if (job->in_flight == 0) {
        rt_complete(job->id, job->error);
    }
}

/* ---- Owner ---- */

/* NULL: out of memory. complete(id, 0 or -errno) follows rt_bench_start. */
WASM_EXPORT("rt_bench_new")
BenchJob *rt_bench_new(AioContext *ctx, HostFile *file, uint32_t block_size,
                       uint32_t depth, double number_ios, double file_size,
                       double seed, double random_seed, bool verify)
{
    BenchJob *job = calloc(1, sizeof(*job) + depth * sizeof(Slot));
    char *bufs = aligned_alloc(4096, ROUND_UP(depth * block_size, 4096));

    if (!job || !bufs) {
        free(job);
        free(bufs);
        return NULL;
    }
    job->ctx = ctx;
    job->file = file;
    job->block_size = block_size;
    job->depth = depth;
    job->number_ios = (uint64_t)number_ios;
    job->file_size = (uint64_t)file_size;
    job->seed = (uint64_t)seed;
    job->random = mix((uint64_t)random_seed + 1) | 1;
    job->verify = verify;
    for (uint32_t i = 0; i < depth; i++) {
        job->slots[i] = (Slot){ .job = job, .buf = bufs + i * block_size };
    }
    return job;
}

WASM_EXPORT("rt_bench_start")
void rt_bench_start(BenchJob *job, uint32_t id)
{
    job->id = id;
    aio_bh_schedule_oneshot(job->ctx, start_bh, job);
}

WASM_EXPORT("rt_bench_stop")
void rt_bench_stop(BenchJob *job)
{
    qatomic_set(&job->stop, 1);
}

/* Nothing of it is in flight: it may be freed. */
WASM_EXPORT("rt_bench_idle")
bool rt_bench_idle(BenchJob *job)
{
    return qatomic_mb_read(&job->in_flight) == 0;
}

WASM_EXPORT("rt_bench_free")
void rt_bench_free(BenchJob *job)
{
    free(job->slots[0].buf);
    free(job);
}

/* Live, and after the end. */
WASM_EXPORT("rt_bench_completed")
double rt_bench_completed(BenchJob *job)
{
    return (double)job->completed;
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
