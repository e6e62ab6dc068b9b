/* SPDX-License-Identifier: MIT */
#ifndef AIO_TRACE_H
#define AIO_TRACE_H
/*
 * Tracing: what loops do and how long it takes, as events that can be read while the
 * loops run. Not in QEMU, whose trace events it has where they mean the same, under
 * their names. docs/tracing.md shows it in use.
 *
 * While tracing is on, each thread writes its events to a ring of its own, where new
 * events take the place of the oldest. Nothing waits: a reader neither stops a loop
 * nor is waited for, and events that it has missed are counted. While tracing is off,
 * an event costs one load and one branch.
 */
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The kinds of events: X(name, phase, clock, object, value). phase says whether it
 * begins something, ends it, or is a moment (MARK). clock says where its time comes
 * from (core-c/sync/trace.c). The last two say what its members `object` and `value`
 * are; "" means nothing.
 */
#define AIO_TRACE_EVENTS(X)                                                  \
    /* The name of the thread that writes the events which follow. */        \
    X(aio_trace_thread, MARK, INSIDE, "", "")                                \
    /* An iteration of aio_poll(); of a GSource, or a turn of a page. */     \
    X(aio_poll_begin, BEGIN, READ, "blocking", "")                           \
    X(aio_poll_end, END, LAST, "progress", "")                               \
    X(aio_dispatch_begin, BEGIN, ONCE, "", "")                               \
    X(aio_dispatch_end, END, LAST, "", "")                                   \
    /* Adaptive polling; times in ns. */                                     \
    X(run_poll_handlers_begin, BEGIN, ONCE, "max_ns", "timeout")             \
    X(run_poll_handlers_end, END, READ, "progress", "timeout")               \
    X(poll_grow, MARK, INSIDE, "old", "new")                                 \
    X(poll_shrink, MARK, INSIDE, "old", "new")                               \
    X(poll_add, MARK, INSIDE, "fd", "revents")                               \
    X(poll_remove, MARK, INSIDE, "fd", "")                                   \
    /* The loop sleeps, at most `timeout` ns (-1: for ever). */              \
    X(aio_sleep_begin, BEGIN, ONCE, "timeout", "")                           \
    X(aio_sleep_end, END, READ, "", "")                                      \
    /* A loop is notified: it sleeps, or is about to (sent), or need not be  \
     * woken (saved). It takes the notifications whose sequence numbers are  \
     * below that of its next accept. */                                     \
    X(aio_notify_sent, MARK, OTHER, "loop", "sequence")                      \
    X(aio_notify_saved, MARK, INSIDE, "loop", "sequence")                    \
    X(aio_notify_accept, MARK, ONCE, "loop", "sequence")                     \
    /* Call-backs. */                                                        \
    X(aio_bh_begin, BEGIN, RUNS, "cb", "opaque")                             \
    X(aio_bh_end, END, READ, "cb", "")                                       \
    X(aio_handler_begin, BEGIN, RUNS, "cb", "fd")                            \
    X(aio_handler_end, END, READ, "cb", "")                                  \
    X(aio_timer_begin, BEGIN, RUNS, "cb", "opaque")                          \
    X(aio_timer_end, END, READ, "cb", "")                                    \
    X(reentrant_aio, MARK, INSIDE, "cb", "")                                 \
    /* Coroutines, by their addresses. */                                    \
    X(aio_co_schedule, MARK, INSIDE, "co", "ctx")                            \
    X(aio_co_schedule_bh_cb, MARK, INSIDE, "co", "ctx")                      \
    X(qemu_aio_coroutine_enter, BEGIN, OTHER, "co", "from")                  \
    X(qemu_coroutine_yield, END, OTHER, "co", "")                            \
    X(qemu_coroutine_terminate, END, OTHER, "co", "")                        \
    X(qemu_co_mutex_lock_entry, MARK, INSIDE, "mutex", "co")                 \
    X(qemu_co_mutex_lock_return, MARK, INSIDE, "mutex", "co")                \
    /* The thread pool; aio_job is a request's work, in a thread of the      \
     * pool. */                                                              \
    X(thread_pool_submit, MARK, INSIDE, "req", "opaque")                     \
    X(thread_pool_cancel, MARK, INSIDE, "req", "opaque")                     \
    X(thread_pool_complete, MARK, INSIDE, "req", "ret")                      \
    X(aio_job_begin, BEGIN, OTHER, "func", "req")                            \
    X(aio_job_end, END, OTHER, "func", "req")                                \
    /* Requests on files, with the name of the engine; aio_queue_submit      \
     * hands `count` of them over at once. */                                \
    X(raw_aio_submit, MARK, INSIDE, "req", "bytes")                          \
    X(raw_aio_complete, MARK, INSIDE, "req", "ret")                          \
    X(aio_queue_submit, MARK, INSIDE, "queue", "count")                      \
    /* Calls of functions of JavaScript in another thread: sent by the       \
     * caller, run by the callee until the function returns, answered when   \
     * its result or that of its promise is sent, returned to the caller.    \
     * A call has a number in its connection. */                             \
    X(aio_call_sent, MARK, OTHER, "call", "connection")                      \
    X(aio_call_begin, BEGIN, OTHER, "call", "connection")                    \
    X(aio_call_end, END, OTHER, "call", "connection")                        \
    X(aio_call_answered, MARK, OTHER, "call", "connection")                  \
    X(aio_call_returned, MARK, OTHER, "call", "connection")                  \
    /* poll() and select() of the libc of WebAssembly, with the names of the \
     * descriptors: those of the call, and those that are ready. Times in    \
     * ns; -1: none. */                                                      \
    X(libc_poll_begin, BEGIN, OTHER, "nfds", "timeout")                      \
    X(libc_poll_end, END, OTHER, "nfds", "ready")

typedef enum AioTraceType {
#define X(name, phase, clock, object, value) AIO_TRACE_##name,
    AIO_TRACE_EVENTS(X)
#undef X
    AIO_TRACE_TYPES
} AioTraceType;

typedef enum AioTracePhase {
    AIO_TRACE_BEGIN,
    AIO_TRACE_END,         /* of the innermost that has begun in its thread */
    AIO_TRACE_MARK,
} AioTracePhase;

enum { AIO_TRACE_NAME = 28 };

/* An event: 64 bytes, the same in all builds. */
typedef struct AioTraceEvent {
    int64_t time_ns;             /* QEMU_CLOCK_REALTIME; see aio_trace_start() */
    uint64_t context;            /* the AioContext whose loop was running, or 0 */
    uint64_t object;
    uint64_t value;
    uint16_t type;               /* AioTraceType */
    uint16_t thread;             /* a number that the thread has got for tracing */
    char name[AIO_TRACE_NAME];   /* of what it is about, cut off; ends with 0 */
} AioTraceEvent;

/* Says what a kind of event means. */
typedef struct AioTraceTypeInfo {
    const char *name;
    AioTracePhase phase;
    const char *object;          /* what AioTraceEvent.object is; "": nothing */
    const char *value;
} AioTraceTypeInfo;
extern const AioTraceTypeInfo aio_trace_types[AIO_TRACE_TYPES];

/*
 * Turns tracing on, for at least this many threads at once, and at most 512: each gets a
 * ring of half a MiB when it writes its first event. Of threads beyond that the events are
 * only counted (aio_trace_unwritten()). Returns false if there is no memory; tracing is on
 * or off as before then. Rings that were made are kept for the next time, also after a
 * failure. Calls are counted: tracing is on
 * until aio_trace_stop() was called as often. Any thread.
 *
 * The clock is read once in an iteration and twice for a call-back, a coroutine or a
 * sleep, and for each wake-up that is sent. All other events have the time that their
 * thread has read last, so what happens in a call-back may be later than it says, but
 * no later than the end of that call-back.
 */
bool aio_trace_start(unsigned threads);
void aio_trace_stop(void);

/* A position in a ring. */
typedef struct AioTraceReader {
    unsigned ring;
    uint64_t position;           /* of the next event */
    uint64_t dropped;            /* how many the ring has dropped so far */
    uint64_t lost;               /* events that this reader has not seen */
} AioTraceReader;

/* Returns how many rings there are; they have the numbers from 0 on. Any thread. */
unsigned aio_trace_rings(void);
/* Makes a reader of that ring, which begins with the next event that is written. Any
 * thread. */
AioTraceReader aio_trace_reader(unsigned ring);
/*
 * Reads the next events of the ring, at most n, and returns how many there are; 0 means
 * that there is none at present. Events of one ring come in the order in which they
 * were written. Those that were overwritten before they were read, or could not be
 * written while their place was being read, are added to reader->lost. Only one thread
 * may read a ring at a time, with any number of readers.
 */
unsigned aio_trace_read(AioTraceReader *reader, AioTraceEvent *events,
                        unsigned n);
/* Returns how many events were lost because their threads got no ring, since the
 * program began. Any thread. */
uint64_t aio_trace_unwritten(void);

/* Names the calling thread in traces; the name is copied. A thread that
 * qemu_thread_create() has made has that name at first. */
void aio_trace_name_thread(const char *name);

#ifdef __cplusplus
}
#endif

#endif
