/* SPDX-License-Identifier: MIT */
/*
 * Tracing: which thread writes to which ring, and the time of its events.
 *
 * A ring belongs to a thread and not to a context, because a thread is what writes without
 * a lock: also a thread of the pool, which has no context, or one that runs several. Rings
 * are never freed, so a thread may finish its event while tracing is turned off; they are
 * made by aio_trace_start(), so a trace point needs no memory and may be reached in a signal
 * handler.
 */
#include "sync/trace.h"

#include "sync/thread.h"
#include "sync/trace-ring.h"
#include <string.h>

enum {
    MAX_RINGS = 512,
    BLOCK_BITS = 6,
    BLOCKS = 128,                /* 8192 events, half a MiB */
};

uint32_t trace_on;

static QemuMutex lock;           /* protects the making of rings */
static TraceRing *rings[MAX_RINGS];
static uint32_t ring_count;
static uint32_t sessions;        /* times that tracing was turned on */
static uint32_t threads;         /* that have been numbered */
static uint64_t unwritten;

typedef struct TraceThread {
    TraceRing *ring;
    ThreadExitHook at_exit;
    uint64_t context;
    int64_t now;                 /* the time that was read last */
    uint32_t session;            /* in which it has written */
    uint32_t depth;              /* begins without an end; approximate */
    uint16_t number;
    bool fresh;                  /* no call-back has run since `now` was read */
    volatile sig_atomic_t writing;
    char name[AIO_TRACE_NAME];
} TraceThread;

static _Thread_local TraceThread trace_thread_tls;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
static __attribute__((noinline)) TraceThread *trace_thread(void)
{
    __asm__ volatile("");
    return &trace_thread_tls;
}

/* ---- What there is to trace ---- */

/*
 * Where the time of an event comes from. What the library does between a reading and a
 * call-back takes no time worth a second reading.
 */
typedef enum {
    READ,                        /* read */
    ONCE,                        /* the last reading, unless a call-back has run since */
    RUNS,                        /* the same; a call-back runs now */
    OTHER,                       /* read; other code than the loop's runs now */
    LAST,                        /* the last reading; the loop returns to its caller */
    INSIDE,                      /* the last reading of the loop that is running */
} TraceClock;

static const uint8_t clocks[AIO_TRACE_TYPES] = {
#define X(name, phase, clock, object, value) [AIO_TRACE_##name] = clock,
    AIO_TRACE_EVENTS(X)
#undef X
};

const AioTraceTypeInfo aio_trace_types[AIO_TRACE_TYPES] = {
#define X(name, phase, clock, object, value)                                 \
    [AIO_TRACE_##name] = { #name, AIO_TRACE_##phase, object, value },
    AIO_TRACE_EVENTS(X)
#undef X
};

static int64_t time_of(TraceThread *self, AioTraceType type)
{
    TraceClock clock = clocks[type];

    switch (clock) {
    case READ:
    case OTHER:
        self->fresh = false;
        break;
    case ONCE:
    case RUNS:
        break;
    case LAST:
    case INSIDE:
        if (self->now && (self->depth || clock == LAST)) {
            self->fresh &= clock != LAST;
            return self->now;
        }
        self->fresh = false;
        break;
    }
    if (!self->fresh) {
        self->now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    }
    self->fresh = clock == READ || clock == ONCE;
    return self->now;
}

static void count_depth(TraceThread *self, AioTracePhase phase)
{
    if (phase == AIO_TRACE_BEGIN) {
        self->depth++;
    } else if (phase == AIO_TRACE_END && self->depth) {
        self->depth--;
    }
}

/* ---- Rings and threads ---- */

static void release_ring(ThreadExitHook *hook)
{
    TraceThread *self = container_of(hook, TraceThread, at_exit);

    /* The next thread that takes it sees what this one has written. */
    qatomic_store_release(&self->ring->taken, 0);
    self->ring = NULL;
    self->session = 0;           /* another hook may write an event yet */
}

static TraceRing *take_ring(void)
{
    uint32_t count = qatomic_load_acquire(&ring_count);

    for (uint32_t i = 0; i < count; i++) {
        if (!qatomic_read(&rings[i]->taken) &&
            qatomic_cmpxchg(&rings[i]->taken, 0, 1) == 0) {
            return rings[i];
        }
    }
    return NULL;
}

static void put(TraceThread *self, AioTraceType type, uint64_t object,
                uint64_t value, const char *name)
{
    AioTraceEvent *event;
    int64_t now = time_of(self, type);

    count_depth(self, aio_trace_types[type].phase);
    event = trace_ring_next(self->ring);
    if (!event) {
        return;
    }
    event->time_ns = now;
    event->context = self->context;
    event->object = object;
    event->value = value;
    event->type = (uint16_t)type;
    event->thread = self->number;
    event->name[0] = '\0';
    if (name) {
        unsigned i = 0;

        for (; i < AIO_TRACE_NAME - 1 && name[i]; i++) {
            event->name[i] = name[i];
        }
        event->name[i] = '\0';
    }
    trace_ring_publish(self->ring);
}

/* Called before the first event that the thread writes since tracing was turned on. Returns
 * false if there is no ring for it. */
static bool join_session(TraceThread *self, uint32_t session)
{
    if (!self->ring) {
        self->ring = take_ring();
        if (!self->ring) {
            return false;
        }
        self->number = (uint16_t)(qatomic_fetch_inc(&threads) + 1);
        self->at_exit.fn = release_ring;
        thread_at_exit(&self->at_exit);
    }
    self->session = session;
    self->depth = 0;
    self->fresh = false;
    put(self, AIO_TRACE_aio_trace_thread, 0, 0, self->name);
    return true;
}

void trace_write(AioTraceType type, uint64_t object, uint64_t value,
                 const char *name)
{
    TraceThread *self = trace_thread();
    uint32_t session = qatomic_read(&sessions);

    if (self->writing) {
        qatomic_inc(&unwritten);     /* a signal handler has interrupted us below */
        return;
    }
    self->writing = 1;
    barrier();
    if (likely(self->session == session) || join_session(self, session)) {
        put(self, type, object, value, name);
    } else {
        qatomic_inc(&unwritten);
    }
    barrier();
    self->writing = 0;
}

uint64_t trace_set_context(uint64_t context)
{
    TraceThread *self = trace_thread();
    uint64_t before = self->context;

    self->context = context;
    return before;
}

void aio_trace_name_thread(const char *name)
{
    TraceThread *self = trace_thread();

    snprintf(self->name, sizeof(self->name), "%s", name);
    if (self->ring && port_peek(&trace_on)) {
        trace_write(AIO_TRACE_aio_trace_thread, 0, 0, self->name);
    }
}

/* ---- Turning it on and off ---- */

static TraceRing *ring_new(void)
{
    TraceRing *ring = aligned_alloc(64, sizeof(*ring));

    if (!ring) {
        return NULL;
    }
    *ring = (TraceRing){ .block_bits = BLOCK_BITS, .blocks = BLOCKS };
    ring->events = aligned_alloc(64, (sizeof(AioTraceEvent) * BLOCKS) << BLOCK_BITS);
    if (!ring->events) {
        free(ring);
        return NULL;
    }
    return ring;
}

bool aio_trace_start(unsigned wanted)
{
    bool enough;

    qemu_mutex_lock(&lock);
    while (ring_count < MIN(wanted, (unsigned)MAX_RINGS)) {
        TraceRing *ring = ring_new();

        if (!ring) {
            break;
        }
        rings[ring_count] = ring;
        qatomic_store_release(&ring_count, ring_count + 1);
    }
    enough = ring_count >= MIN(wanted, (unsigned)MAX_RINGS);
    if (enough && !qatomic_read(&trace_on)) {
        qatomic_set(&sessions, sessions + 1);
    }
    if (enough) {
        qatomic_mb_set(&trace_on, trace_on + 1);
    }
    qemu_mutex_unlock(&lock);
    return enough;
}

void aio_trace_stop(void)
{
    qemu_mutex_lock(&lock);
    if (!trace_on) {
        port_panic("aio_trace_stop: tracing is not on");
    }
    qatomic_mb_set(&trace_on, trace_on - 1);
    qemu_mutex_unlock(&lock);
}

/* ---- Reading ---- */

unsigned aio_trace_rings(void)
{
    return qatomic_load_acquire(&ring_count);
}

static TraceRing *ring_of(unsigned number)
{
    if (number >= aio_trace_rings()) {
        port_panic("aio_trace_reader: there is no ring %u, but %u rings", number,
                   aio_trace_rings());
    }
    return rings[number];
}

AioTraceReader aio_trace_reader(unsigned ring)
{
    AioTraceReader reader = { .ring = ring };

    trace_ring_begin(ring_of(ring), &reader);
    return reader;
}

unsigned aio_trace_read(AioTraceReader *reader, AioTraceEvent *events,
                        unsigned n)
{
    return trace_ring_read(ring_of(reader->ring), reader, events, n);
}

uint64_t aio_trace_unwritten(void)
{
    return qatomic_read(&unwritten);
}
