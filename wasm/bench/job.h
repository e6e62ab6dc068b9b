/* SPDX-License-Identifier: MIT */
#ifndef WASM_BENCH_JOB_H
#define WASM_BENCH_JOB_H
/* A job of `wasm-aio bench`. */
#include "content.h"

/* Latencies fall into 16 buckets for each power of two of ns. */
enum { SUB_BUCKETS = 16, BUCKETS = 48 * SUB_BUCKETS };

/* Values of rw; ts/src/bench/job.ts has the same numbers. */
enum { RW_READ, RW_RANDREAD, RW_WRITE, RW_RANDWRITE, RW_RANDRW };

typedef struct BenchJob BenchJob;

typedef struct Slot {
    BenchJob *job;
    struct iovec iov;
    uint64_t block;
    int64_t begun;
    uint32_t generation;       /* generation that it writes */
    int type;                  /* QEMU_AIO_... */
} Slot;

/* What TypeScript asks for, as numbers that fit a double. */
typedef struct BenchOptions {
    double number_ios;         /* 0: until it is stopped */
    double file_size;          /* as the header says */
    double first_block;        /* first block of the job's part */
    double blocks;
    double seed;               /* of the content */
    double random_seed;
    double max_batch;
    double fsync;              /* writes between two flushes; 0: no flushes */
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
    uint32_t running;          /* the owner has not heard of its end yet */
    uint32_t stop;             /* set by any thread */
    int error;                 /* the first error; -EILSEQ: wrong content */
    uint64_t error_offset;
    uint64_t issued;
    uint64_t completed;        /* read by the owner while the job runs */
    uint64_t flushes;
    uint64_t next_block;       /* next block of sequential jobs and of the
                                * sweep */
    uint64_t unflushed;        /* writes since the last flush */
    bool sweeping;             /* at the end, what was written is read again */
    uint32_t generation;       /* the last that was written */
    int64_t *generations;      /* for each block of its part; -1: not known */
    uint8_t *busy;
    uint32_t in_flight;
    int64_t begun;
    int64_t ended;
    int64_t longest;
    double sum;                /* of all latencies, and of their squares */
    double squares;
    uint32_t histogram[BUCKETS];
    Slot slots[];
};

static inline bool bench_writes(const BenchJob *job)
{
    return job->o.rw >= RW_WRITE;
}

#endif
