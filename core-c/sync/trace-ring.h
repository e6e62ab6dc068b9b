/* SPDX-License-Identifier: MIT */
#ifndef SYNC_TRACE_RING_H
#define SYNC_TRACE_RING_H
/*
 * A ring of trace events. One thread writes and never waits; one reads, at any time.
 *
 * The ring consists of blocks. The writer goes through them in turn, and so overwrites
 * the oldest events a block at a time. While the reader copies events it names the block
 * in `reading`, and the writer does not enter that block: it drops its events until the
 * reader is done, and counts them. So neither waits, no event is torn, and only the
 * first event of a block costs more than one release store.
 *
 *   writer enters block b              reader copies from block r
 *     begun := b + 1                     reading := r + 1
 *     reading = b - blocks + 1? drop     begun > r + blocks? it is overwritten
 *
 * These four accesses are sequentially consistent, so at least one of the two sees the
 * other (as in sync/wakeup.c). test/sim/trace.c runs it in all orders.
 */
#include "aio/trace.h"

typedef struct TraceRing {
    uint32_t taken;              /* a thread writes it */
    uint32_t block_bits;         /* a block has 2^block_bits events */
    uint32_t blocks;
    AioTraceEvent *events;
    uint64_t head;               /* events written; the writer stores it */
    uint64_t begun;              /* blocks begun; the writer stores it */
    uint64_t dropped;            /* events dropped; the writer stores it */
    uint64_t reading             /* the block that is being read, plus 1; or 0 */
        __attribute__((aligned(64)));
} TraceRing;

/* Returns the place of the next event, which trace_ring_publish() then publishes, or NULL
 * if the event is dropped. The writer only. */
AioTraceEvent *trace_ring_next(TraceRing *ring);
void trace_ring_publish(TraceRing *ring);
/* aio_trace_reader(), aio_trace_read(). */
void trace_ring_begin(TraceRing *ring, AioTraceReader *reader);
unsigned trace_ring_read(TraceRing *ring, AioTraceReader *reader,
                         AioTraceEvent *events, unsigned n);

#endif
