/* SPDX-License-Identifier: MIT */
#ifndef SYNC_TRACE_H
#define SYNC_TRACE_H
/* Trace points. aio/trace.h says what is traced, and how it is read. */
#include "aio/trace.h"
#include "port/port.h"

/* How often aio_trace_start() was called without aio_trace_stop(). */
extern uint32_t trace_on;

/* A call-back that is to be traced is passed to a function of its own if this is true, so
 * that the usual path has one load and one branch for its begin and its end. */
static inline bool trace_is_on(void)
{
    return unlikely(port_peek(&trace_on));
}

/* Writes an event; name may be NULL. Any thread and signal handlers. */
void trace_write(AioTraceType type, uint64_t object, uint64_t value,
                 const char *name);

/* A trace point. */
static inline void trace(AioTraceType type, uint64_t object, uint64_t value,
                         const char *name)
{
    if (trace_is_on()) {
        trace_write(type, object, value, name);
    }
}

static inline uint64_t trace_address(const void *object)
{
    return (uintptr_t)object;
}
/* The same for a function. */
#define trace_function(fn) ((uint64_t)(uintptr_t)(fn))

/* Says whose loop the calling thread runs from now on (0: none); returns what it was. */
uint64_t trace_set_context(uint64_t context);

#endif
