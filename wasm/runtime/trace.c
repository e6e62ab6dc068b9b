/* SPDX-License-Identifier: MIT */
/* Recordings: TypeScript reads the trace of all threads (aio/trace.h) while they run.
 * ts/src/trace/recording.ts knows the layout. Owner only. */
#include "aio/trace.h"
#include "handle.h"
#include "iothread/iothread.h"
#include "loop/loop.h"
#include "port/calls.h"
#include "runtime.h"
#include "sync/trace.h"

enum {
    BATCH = 1024,              /* events in one call */
    MORE_RINGS = 4,            /* made when threads found none */
    MAX_RINGS = WASM_MAX_THREADS + MORE_RINGS,
};

typedef struct Recording {
    AioTraceEvent events[BATCH];
    /* What the last rt_trace_read() has found: */
    uint32_t ring;
    uint32_t count;
    double lost;               /* events of that ring that were lost before these */
    double unwritten;          /* events since the start whose threads had no ring */

    double start_ns;
    uint64_t unwritten_before;
    unsigned next;             /* the ring to look at next */
    unsigned readers;
    AioTraceReader reader[MAX_RINGS];
} Recording;

static unsigned count_threads(void)
{
    unsigned count = 0;

    for (int i = 0; i < WASM_MAX_THREADS; i++) {
        count += qatomic_read(&wasm_threads[i].state) != THREAD_FREE;
    }
    return count;
}

/* Turns tracing on. Returns NULL if there is no memory. */
WASM_EXPORT("rt_trace_start")
Recording *rt_trace_start(void)
{
    Recording *recording = calloc(1, sizeof(*recording));

    if (!recording || !aio_trace_start(count_threads() + MORE_RINGS)) {
        free(recording);
        return NULL;
    }
    recording->start_ns = (double)port_clock_ns(PORT_CLOCK_MONOTONIC);
    recording->unwritten_before = aio_trace_unwritten();
    recording->readers = MIN(aio_trace_rings(), (unsigned)MAX_RINGS);
    for (unsigned i = 0; i < recording->readers; i++) {
        recording->reader[i] = aio_trace_reader(i);
    }
    return recording;
}

/* Threads that have begun since have rings, too, from now on; those are read from their
 * first event. */
static void make_rings(Recording *recording)
{
    unsigned rings = aio_trace_rings();
    double unwritten = (double)(aio_trace_unwritten() - recording->unwritten_before);

    if (unwritten > recording->unwritten && rings + MORE_RINGS <= MAX_RINGS &&
        aio_trace_start(rings + MORE_RINGS)) {
        aio_trace_stop();
    }
    recording->unwritten = unwritten;
    rings = MIN(aio_trace_rings(), (unsigned)MAX_RINGS);
    while (recording->readers < rings) {
        recording->reader[recording->readers] =
            (AioTraceReader){ .ring = recording->readers };
        recording->readers++;
    }
}

/* Reads the next events, all of one ring. Returns false if there are none at present. */
WASM_EXPORT("rt_trace_read")
bool rt_trace_read(Recording *recording)
{
    if (recording->next == 0) {
        make_rings(recording);
    }
    while (recording->next < recording->readers) {
        AioTraceReader *reader = &recording->reader[recording->next];

        reader->lost = 0;
        recording->ring = recording->next;
        recording->count = aio_trace_read(reader, recording->events, BATCH);
        recording->lost = (double)reader->lost;
        if (recording->count < BATCH) {
            recording->next++;
        }
        if (recording->count || reader->lost) {
            return true;
        }
    }
    recording->next = 0;
    return false;
}

/* Turns tracing off. What was written before can still be read. */
WASM_EXPORT("rt_trace_stop")
void rt_trace_stop(void)
{
    aio_trace_stop();
}

WASM_EXPORT("rt_trace_free")
void rt_trace_free(Recording *recording)
{
    free(recording);
}

/* Returns the kinds of events, one a line: name, phase, object and value, with a colon
 * between. */
WASM_EXPORT("rt_trace_types")
const char *rt_trace_types(void)
{
    static char text[AIO_TRACE_TYPES * 64];
    size_t used = 0;

    for (int i = 0; i < AIO_TRACE_TYPES; i++) {
        const AioTraceTypeInfo *type = &aio_trace_types[i];

        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s:%d:%s:%s\n",
                                 type->name, (int)type->phase, type->object, type->value);
    }
    return text;
}

static const AioContext *wanted;
static const char *found;

static void compare(const char *name, AioContext *ctx)
{
    if (ctx == wanted) {
        found = name;
    }
}

/* Returns the name of the owner's context or IOThread that has this context, or NULL. */
WASM_EXPORT("rt_trace_context_name")
const char *rt_trace_context_name(const AioContext *ctx)
{
    if (ctx == rt_owner_context()) {
        return "owner";
    }
    wanted = ctx;
    found = NULL;
    rt_each_context(compare);
    for (int i = 1; i < WASM_MAX_THREADS && !found; i++) {
        WasmThread *thread = &wasm_threads[i];
        IOThread *iothread = qatomic_mb_read(&thread->arg);

        if (qatomic_read(&thread->role) == ROLE_IOTHREAD && iothread &&
            iothread_context(iothread) == ctx) {
            found = thread->name;
        }
    }
    return found;
}

/* Returns the call-back that stands for functions of JavaScript, whose number it is passed. */
WASM_EXPORT("rt_trace_callback")
void *rt_trace_callback(void)
{
    return (void *)(uintptr_t)rt_run_callback;
}

/* ---- Calls: any thread ---- */

/* Returns the word that is not 0 while tracing is on. */
WASM_EXPORT("rt_trace_word")
uint32_t *rt_trace_word(void)
{
    return &trace_on;
}

static _Thread_local char call_name[AIO_TRACE_NAME];

/* Returns where this thread leaves the name of the next event. */
WASM_EXPORT("rt_trace_name")
char *rt_trace_name(void)
{
    return call_name;
}

/* moment: one of the kinds from aio_call_sent on. */
WASM_EXPORT("rt_trace_call")
void rt_trace_call(uint32_t moment, uint32_t id, uint32_t connection, bool named)
{
    trace((AioTraceType)(AIO_TRACE_aio_call_sent + moment), id, connection,
          named ? call_name : NULL);
}
