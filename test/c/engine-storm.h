/* SPDX-License-Identifier: MIT */
#ifndef TEST_ENGINE_STORM_H
#define TEST_ENGINE_STORM_H
/*
 * A storm of requests on one file through one engine: `depth` at once, reads,
 * writes and flushes of random blocks, some of them cancelled. A block's content
 * is a function of its place and of how often it was written, so that data which
 * is lost, mixed up or stale is found; never two requests are on one block. Runs in
 * the home thread of ctx, natively and in an IOThread (test/jest/fixtures).
 */
#include "block/block.h"
#include "block/raw-aio.h"
#include "qemu/osdep.h"

enum { STORM_BLOCK = 1024, STORM_BLOCKS = 512, STORM_MAX_DEPTH = 256, STORM_IOVS = 3 };

typedef struct StormSlot {
    BlockAIOCB *acb;           /* NULL: nothing is in flight */
    int type;
    unsigned block;
    uint32_t generation;
    unsigned called;
    bool canceled;
    struct iovec iov[STORM_IOVS];
    uint8_t bytes[STORM_BLOCK];
} StormSlot;

typedef struct Storm {
    AioContext *ctx;
    RawAioOp op;
    uint64_t random;
    unsigned left;             /* requests that are to be submitted */
    unsigned in_flight;
    unsigned most_in_flight;
    unsigned canceled;
    unsigned failed;           /* by an error of the host, if that is allowed */
    bool may_fail;
    const char *wrong;         /* the first thing */
    uint32_t generations[STORM_BLOCKS];
    bool busy[STORM_BLOCKS];
    bool unknown[STORM_BLOCKS];    /* a write failed: what it has now is open */
    StormSlot slots[STORM_MAX_DEPTH];
} Storm;

static Storm storm;
static bool storm_calm;         /* nothing is cancelled */

static inline uint64_t storm_random(void)
{
    uint64_t z = (storm.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void storm_wrong(const char *what)
{
    if (!storm.wrong) {
        storm.wrong = what;
    }
}

static inline uint8_t storm_byte(unsigned block, uint32_t generation,
                                 unsigned i)
{
    return (uint8_t)(block * 31 + generation * 7 + i + (i >> 8) + (block >> 8));
}

static inline bool storm_has(const uint8_t *bytes, unsigned block,
                             uint32_t generation)
{
    for (unsigned i = 0; i < STORM_BLOCK; i++) {
        if (bytes[i] != storm_byte(block, generation, i)) {
            return false;
        }
    }
    return true;
}

static inline void storm_submit(StormSlot *slot);

static inline void storm_done(void *opaque, int ret)
{
    StormSlot *slot = opaque;
    unsigned block = slot->block;

    if (slot->called++) {
        storm_wrong("a call-back came twice");
    }
    slot->acb = NULL;
    storm.in_flight--;
    storm.busy[block] = false;
    if (ret == -ECANCELED && slot->canceled) {
        storm.canceled++;
    } else if (ret < 0 && storm.may_fail && ret == -EIO) {
        storm.failed++;
        if (slot->type == QEMU_AIO_WRITE) {
            storm.unknown[block] = true;
        }
    } else if (ret != 0) {
        storm_wrong(ret == -ECANCELED ? "canceled, but nobody did"
                                      : "a request failed");
    } else if (slot->type == QEMU_AIO_WRITE) {
        storm.generations[block] = slot->generation;
        storm.unknown[block] = false;
    } else if (slot->type == QEMU_AIO_READ && !storm.unknown[block] &&
               !storm_has(slot->bytes, block, storm.generations[block])) {
        storm_wrong("a block has not what was written to it");
    }
    if (storm.left) {
        storm_submit(slot);
    }
}

static inline void storm_submit(StormSlot *slot)
{
    uint64_t dice = storm_random();
    unsigned block = dice % STORM_BLOCKS, cut, kind = (dice >> 16) % 16;

    while (storm.busy[block]) {
        block = (block + 1) % STORM_BLOCKS;
    }
    storm.left--;
    slot->block = block;
    slot->type = kind == 0 ? QEMU_AIO_FLUSH
                           : kind < 9 ? QEMU_AIO_READ : QEMU_AIO_WRITE;
    slot->called = 0;
    slot->canceled = false;
    storm.busy[block] = true;
    if (slot->type == QEMU_AIO_WRITE) {
        slot->generation = storm.generations[block] + 1;
        for (unsigned i = 0; i < STORM_BLOCK; i++) {
            slot->bytes[i] = storm_byte(block, slot->generation, i);
        }
    } else {
        memset(slot->bytes, 0xee, STORM_BLOCK);
    }
    cut = 1 + (dice >> 24) % (STORM_BLOCK - 2);
    slot->iov[0] = (struct iovec){ slot->bytes, cut };
    slot->iov[1] = (struct iovec){ slot->bytes + cut, 1 };
    slot->iov[2] = (struct iovec){ slot->bytes + cut + 1,
                                   STORM_BLOCK - cut - 1 };
    storm.op.type = slot->type;
    storm.op.iov = slot->iov;
    storm.op.niov = STORM_IOVS;
    storm.op.offset = (int64_t)block * STORM_BLOCK;
    storm.in_flight++;
    if (storm.in_flight > storm.most_in_flight) {
        storm.most_in_flight = storm.in_flight;
    }
    slot->acb = raw_aio_submit(storm.ctx, &storm.op, storm_done, slot);
    if (slot->called) {
        storm_wrong("a call-back came from raw_aio_submit itself");
    }
    /* Now and then one that is under way is cancelled, most likely a late one. */
    if (!storm_calm && (dice >> 40) % 8 == 0) {
        StormSlot *other = &storm.slots[(dice >> 48) % STORM_MAX_DEPTH];
        if (other->acb) {
            other->canceled = true;
            bdrv_aio_cancel_async(other->acb);
        }
    }
}

static inline void storm_wait(void)
{
    while (storm.in_flight) {
        aio_poll(storm.ctx, true);
    }
}

static inline void storm_read_done(void *opaque, int ret)
{
    *(int *)opaque = ret;
}

/* What the file has in the end, by an engine that has no queue. */
static inline void storm_read_back(void)
{
    StormSlot *slot = &storm.slots[0];

    for (unsigned b = 0; b < STORM_BLOCKS && !storm.wrong; b++) {
        int ret = 1;

        if (storm.unknown[b]) {
            continue;
        }
        slot->iov[0] = (struct iovec){ slot->bytes, STORM_BLOCK };
        storm.op.engine = AIO_ENGINE_THREADS;
        storm.op.type = QEMU_AIO_READ;
        storm.op.iov = slot->iov;
        storm.op.niov = 1;
        storm.op.offset = (int64_t)b * STORM_BLOCK;
        raw_aio_submit(storm.ctx, &storm.op, storm_read_done, &ret);
        while (ret == 1) {
            aio_poll(storm.ctx, true);
        }
        if (ret == -EIO && storm.may_fail) {
            storm.failed++;
        } else if (ret < 0 || !storm_has(slot->bytes, b, storm.generations[b])) {
            storm_wrong("what was written is not there in the end");
        }
    }
}

/* Rages, and reads all back. NULL, or what went wrong. */
static inline const char *storm_run(AioContext *ctx, AioEngine engine, int fd,
                                    unsigned depth, int64_t max_batch,
                                    unsigned requests, uint64_t seed,
                                    bool may_fail)
{
    memset(&storm, 0, sizeof(storm));
    storm.ctx = ctx;
    storm.random = seed;
    storm.may_fail = may_fail;
    storm.op = (RawAioOp){ .engine = engine, .fd = fd, .max_batch = max_batch };
    for (unsigned b = 0; b < STORM_BLOCKS; b++) {
        storm.unknown[b] = true;
    }
    storm.left = requests;
    raw_aio_plug(ctx, engine);
    for (unsigned i = 0; i < depth; i++) {
        storm_submit(&storm.slots[i]);
    }
    raw_aio_unplug(ctx, engine, max_batch);
    storm_wait();
    if (!storm.wrong && storm.most_in_flight != MIN(depth, requests)) {
        storm_wrong("fewer requests were in flight than should be");
    }
    storm_read_back();
    return storm.wrong;
}

#endif
