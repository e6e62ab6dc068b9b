/* SPDX-License-Identifier: MIT */
#ifndef TEST_TRACE_H
#define TEST_TRACE_H
/* Tracing what a test does, and looking at the events. */
#include "aio/trace.h"
#include "loop.h"

enum { RING_EVENTS = 8192, MAX_READERS = 8 };

static AioTraceReader readers[MAX_READERS];
static AioTraceEvent events[RING_EVENTS];
static unsigned count;

/* From now on collect() finds what is traced. */
static inline void begin(unsigned rings)
{
    ASSERT_TRUE(aio_trace_start(rings));
    for (unsigned i = 0; i < aio_trace_rings(); i++) {
        readers[i] = aio_trace_reader(i);
    }
}

/* Reads the events of all rings, one ring after the other. */
static inline void collect(void)
{
    count = 0;
    for (unsigned i = 0; i < aio_trace_rings(); i++) {
        unsigned n;

        while ((n = aio_trace_read(&readers[i], events + count,
                                   RING_EVENTS - count))) {
            count += n;
        }
    }
}

static inline void end(void)
{
    aio_trace_stop();
    collect();
}

/* Returns the n-th event of that type, or NULL. */
static inline const AioTraceEvent *nth(AioTraceType type, unsigned n)
{
    for (unsigned i = 0; i < count; i++) {
        if (events[i].type == type && n-- == 0) {
            return &events[i];
        }
    }
    return NULL;
}

static inline const AioTraceEvent *the(AioTraceType type)
{
    const AioTraceEvent *event = nth(type, 0);

    if (!event) {
        TEST_FAIL("no event %s among %u", aio_trace_types[type].name, count);
    }
    return event;
}

/* Checks the names of all events, in their order. */
static inline void expect(const char *names)
{
    char text[2048] = "";

    for (unsigned i = 0; i < count; i++) {
        ASSERT_INT_LT(strlen(text) + 40, sizeof(text));
        strcat(text, i ? " " : "");
        strcat(text, aio_trace_types[events[i].type].name);
    }
    ASSERT_STR_EQ(text, names);
}

#endif
