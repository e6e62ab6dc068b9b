/* SPDX-License-Identifier: MIT */
#include "sync/trace-ring.h"

#include "qemu/atomic.h"
#include <string.h>

static uint64_t mask(const TraceRing *ring)
{
    return (UINT64_C(1) << ring->block_bits) - 1;
}

static AioTraceEvent *place(const TraceRing *ring, uint64_t position)
{
    uint64_t block = (position >> ring->block_bits) % ring->blocks;

    return &ring->events[(block << ring->block_bits) + (position & mask(ring))];
}

/* Returns false if the reader is in the block that this one takes the place of. */
static bool enter_block(TraceRing *ring, uint64_t block)
{
    /* Pairs with copy_from_block(): either it sees that the block is overwritten, or we
     * see that it is being read. */
    qatomic_mb_set(&ring->begun, block + 1);
    return block < ring->blocks ||
           qatomic_mb_read(&ring->reading) != block - ring->blocks + 1;
}

AioTraceEvent *trace_ring_next(TraceRing *ring)
{
    uint64_t position = ring->head;

    if (unlikely(!(position & mask(ring))) &&
        !enter_block(ring, position >> ring->block_bits)) {
        qatomic_set(&ring->dropped, ring->dropped + 1);
        return NULL;
    }
    return place(ring, position);
}

void trace_ring_publish(TraceRing *ring)
{
    /* Pairs with trace_ring_read(). */
    qatomic_store_release(&ring->head, ring->head + 1);
}

void trace_ring_begin(TraceRing *ring, AioTraceReader *reader)
{
    reader->position = qatomic_load_acquire(&ring->head);
    reader->dropped = qatomic_read(&ring->dropped);
    reader->lost = 0;
}

/* Member by member: these accesses are the ones that the simulator watches. */
static void copy(AioTraceEvent *to, const AioTraceEvent *from)
{
    to->time_ns = from->time_ns;
    to->context = from->context;
    to->object = from->object;
    to->value = from->value;
    to->type = from->type;
    to->thread = from->thread;
    memcpy(to->name, from->name, sizeof(to->name));
}

/* Copies events of the block in which reader->position is, up to the position `end`.
 * Returns how many; 0 if the block was overwritten. */
static unsigned copy_from_block(TraceRing *ring, AioTraceReader *reader,
                                AioTraceEvent *events, uint64_t end)
{
    uint64_t block = reader->position >> ring->block_bits, begun;
    unsigned count = 0;

    qatomic_mb_set(&ring->reading, block + 1);
    begun = qatomic_mb_read(&ring->begun);
    if (begun <= block + ring->blocks) {
        end = MIN(end, (block + 1) << ring->block_bits);
        while (reader->position < end) {
            copy(&events[count++], place(ring, reader->position++));
        }
    } else {
        uint64_t oldest = (begun - ring->blocks) << ring->block_bits;

        reader->lost += oldest - reader->position;
        reader->position = oldest;
    }
    /* Pairs with enter_block(): what overwrites the block comes after our copy. */
    qatomic_store_release(&ring->reading, 0);
    return count;
}

unsigned trace_ring_read(TraceRing *ring, AioTraceReader *reader,
                         AioTraceEvent *events, unsigned n)
{
    /* What is written meanwhile is for the next time. */
    uint64_t head = qatomic_load_acquire(&ring->head);
    uint64_t dropped = qatomic_read(&ring->dropped);
    unsigned count = 0;

    reader->lost += dropped - reader->dropped;
    reader->dropped = dropped;
    while (count < n && reader->position < head) {
        count += copy_from_block(ring, reader, events + count,
                                 MIN(head, reader->position + (n - count)));
    }
    return count;
}
