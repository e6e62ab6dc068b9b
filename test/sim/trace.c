/* SPDX-License-Identifier: MIT */
/* The ring of trace events: one thread writes and overwrites, another reads. */
#include "port/sim/sim.h"
#include "qemu/atomic.h"
#include "sync/trace-ring.h"

static AioTraceEvent places[8];
static TraceRing ring;
static AioTraceReader reader;
static unsigned attempts, seen;

static void ring_begin(uint32_t block_bits, uint32_t blocks)
{
    ring = (TraceRing){ .block_bits = block_bits, .blocks = blocks, .events = places };
    trace_ring_begin(&ring, &reader);
}

static void writes(void *opaque)
{
    for (unsigned i = 0; i < *(unsigned *)opaque; i++) {
        AioTraceEvent *event = trace_ring_next(&ring);

        attempts++;
        if (event) {
            event->object = attempts;
            event->value = attempts;
            trace_ring_publish(&ring);
        }
    }
}

/* Events come in order and whole. */
static void read_some(unsigned n)
{
    static uint64_t last;
    AioTraceEvent events[8];
    unsigned count = trace_ring_read(&ring, &reader, events, n);

    if (!seen) {
        last = 0;
    }
    for (unsigned i = 0; i < count; i++) {
        sim_check(events[i].object == events[i].value);
        sim_check(events[i].object > last);
        last = events[i].object;
    }
    seen += count;
}

static void ring_end(void)
{
    sim_join();
    read_some(8);
    read_some(8);
    sim_check(seen + reader.lost == attempts);
}

SIM_SMALL_SCENARIO(trace_overwritten, "A reader of a trace sees each event whole or counts it as lost while its block is overwritten.")
{
    static unsigned n = 3;

    ring_begin(0, 2);
    sim_spawn("writes", writes, &n);
    read_some(1);
    read_some(2);
    ring_end();
}

SIM_SCENARIO(trace_blocks, "The same with blocks of two events, of which one may be half written.")
{
    static unsigned n = 15;

    ring_begin(1, 3);
    sim_spawn("writes", writes, &n);
    for (int i = 0; i < 6; i++) {
        read_some(1 + sim_choose(5));
    }
    ring_end();
}
