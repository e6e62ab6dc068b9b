/* SPDX-License-Identifier: MIT */
/*
 * IOThreads whose thread is a worker with a JavaScript event loop: it runs the loop
 * until a control-plane message is under way, returns to JavaScript to receive it, and
 * comes back.
 */
#include "aio/trace.h"
#include "iothread/iothread.h"
#include "loop/loop.h"
#include "port/calls.h"
#include "qapi/errno.h"
#include "runtime.h"
#include "sync/thread.h"
#include <string.h>

static char error_text[256];
static int error_errno;

/* Returns why the last call failed. Owner only. */
WASM_EXPORT("rt_error_text")
const char *rt_error_text(void)
{
    return error_text;
}

/* Returns the errno of that error, or 0 if it has none. */
WASM_EXPORT("rt_error_errno")
int rt_error_errno(void)
{
    return error_errno;
}

void rt_take_error(Error *err)
{
    snprintf(error_text, sizeof(error_text), "%s", error_get_pretty(err));
    error_errno = error_get_errno(err);
    error_free(err);
}

/* Makes an IOThread. Returns NULL on failure: see rt_error_text(). Owner only. */
WASM_EXPORT("rt_iothread_new")
IOThread *rt_iothread_new(const char *name)
{
    Error *err = NULL;
    IOThread *iothread = iothread_new(name, &err);

    if (!iothread) {
        rt_take_error(err);
    }
    return iothread;
}

/* Frees an IOThread for which there is no worker. Owner only. */
WASM_EXPORT("rt_iothread_free")
void rt_iothread_free(IOThread *iothread)
{
    iothread_free(iothread);
}

/* Called when nobody works on its requests any more. Owner only. */
static void iothread_idle(void *opaque)
{
    rt_requests_drop(iothread_get_aio_context(opaque));
    host_complete(0, (double)(uintptr_t)opaque);
    iothread_retire(opaque);
}

void rt_iothread_lost(WasmThread *thread, bool gone)
{
    IOThread *iothread = qatomic_mb_read(&thread->arg);

    if (!gone) {
        rt_handles_abandon(thread);
        if (iothread) {
            iothread_abandon(iothread);
        }
    } else if (iothread) {
        /* From now on rt_dump() does not read the object. */
        qatomic_mb_set(&thread->arg, NULL);
        rt_handles_unwatch(iothread_get_aio_context(iothread));
        iothread_reclaim(iothread, rt_owner_context(), iothread_idle);
        rt_timers_abandon(thread);
    }
}

WASM_EXPORT("rt_iothread_context")
AioContext *rt_iothread_context(IOThread *iothread)
{
    return iothread_context(iothread);
}

/* TypeScript knows the properties by their index here:
 * ts/src/api/iothread-options.ts. */
static bool (*const set_property[])(IOThread *iothread, int64_t value,
                                    Error **errp) = {
    iothread_set_thread_pool_max,
    iothread_set_thread_pool_min,
    iothread_set_poll_max_ns,
    iothread_set_poll_grow,
    iothread_set_poll_shrink,
    iothread_set_aio_max_batch,
};

/* Sets a property. Returns false on failure: see rt_error_text(). Owner only. */
WASM_EXPORT("rt_iothread_set")
bool rt_iothread_set(IOThread *iothread, uint32_t property, double value)
{
    Error *err = NULL;

    if (!CALL_OWN(set_property[property], iothread, (int64_t)value, &err)) {
        rt_take_error(err);
        return false;
    }
    return true;
}

/* Returns the number of its thread in rt_dump(), or 0 if no worker runs it. */
static int thread_number(IOThread *iothread)
{
    for (int i = 1; i < WASM_MAX_THREADS; i++) {
        if (qatomic_read(&wasm_threads[i].role) == ROLE_IOTHREAD &&
            wasm_threads[i].arg == iothread) {
            return i;
        }
    }
    return 0;
}

/* Returns what its loop has done, as JSON, valid until the next call in this thread. Any thread. */
WASM_EXPORT("rt_context_stats")
const char *rt_context_stats(AioContext *ctx)
{
    static _Thread_local char text[400];     /* IOThreads ask for their own at the same time */
    const AioStats *s = &ctx->stats;

    snprintf(text, sizeof(text),
             "{\"polls\":%" PRIu64 ",\"sleeps\":%" PRIu64
             ",\"bottomHalves\":%" PRIu64 ",\"handlers\":%" PRIu64
             ",\"timers\":%" PRIu64 ",\"jobs\":%" PRIu64
             ",\"wakeupsSent\":%" PRIu64 ",\"wakeupsSaved\":%" PRIu64
             ",\"pollHits\":%" PRIu64 ",\"pollMisses\":%" PRIu64
             ",\"sleeping\":\"%s\"}",
             s->polls, s->sleeps, s->bhs, s->handlers, s->timers, s->jobs,
             ctx->wakeup->sent, ctx->wakeup->saved, s->poll_hits,
             s->poll_misses, rt_is_hosted(ctx) ? "hosted" : "blocking");
    return text;
}

static char query_text[800];

static void query(IOThread *iothread, void *opaque)
{
    AioContext *ctx = iothread_context(iothread);

    (void)opaque;
    snprintf(query_text, sizeof(query_text),
             "{\"threadId\":%d,\"pollMaxNs\":%" PRId64
             ",\"pollGrow\":%" PRId64 ",\"pollShrink\":%" PRId64
             ",\"aioMaxBatch\":%" PRId64 ",\"threadPoolMin\":%" PRId64
             ",\"threadPoolMax\":%" PRId64 ",\"stats\":%s}",
             thread_number(iothread), qatomic_read(&ctx->poll_max_ns),
             qatomic_read(&ctx->poll_grow), qatomic_read(&ctx->poll_shrink),
             qatomic_read(&ctx->aio_max_batch),
             qatomic_read(&ctx->thread_pool_min),
             qatomic_read(&ctx->thread_pool_max), rt_context_stats(ctx));
}

/* Returns what QMP's query-iothreads reports of it, and its counters, as JSON; "" if its
 * thread has freed it, or was lost. Owner only. */
WASM_EXPORT("rt_iothread_query")
const char *rt_iothread_query(IOThread *iothread)
{
    return iothread_visit(iothread, query, NULL) ? query_text : "";
}

WASM_EXPORT("rt_iothread_request_stop")
void rt_iothread_request_stop(IOThread *iothread)
{
    iothread_request_stop(iothread);
}

/* Called once by the IOThread's worker. */
WASM_EXPORT("rt_iothread_enter")
void rt_iothread_enter(IOThread *iothread)
{
    aio_trace_name_thread(wasm_thread_self()->name);
    iothread_enter(iothread);
}

/* Why rt_iothread_run() returns; ts/src/iothread/role.ts has the same. */
typedef enum {
    LEFT_TO_STOP,
    LEFT_FOR_TURN,
    LEFT_FOR_CALLS,            /* then the loop may go on without a turn */
    LEFT_FOR_CALLS_AND_TURN,
} RtLeft;

/* Notes in each ring what is there to be taken after the next iteration. Returns true if there is
 * something in one of them. */
static bool mark_calls(CallRing *rings)
{
    bool any = false;

    for (CallRing *ring = rings; ring; ring = ring->next) {
        ring->due = qatomic_mb_read(&ring->tail);
        any |= ring->due != ring->head || ring->beside;
    }
    return any;
}

static bool has_calls(const CallRing *rings)
{
    for (const CallRing *ring = rings; ring; ring = ring->next) {
        if (qatomic_mb_read(&ring->tail) != ring->head || ring->beside) {
            return true;
        }
    }
    return false;
}

/* A turn of JavaScript's event loop is put off for at most this long. */
#define TURN_NS (1 * SCALE_MS)

/* For how long a loop that polls may go on before JavaScript has the turn that it wants. Where calls follow
 * each other that closely, most turns are saved, which cost as much as the calls. */
static int64_t put_off_ns(WasmThread *self, const AioContext *ctx)
{
    int64_t now;

    if (!qatomic_read(&ctx->poll_ns)) {
        return 0;
    }
    now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    if (!self->turn_due_ns) {
        self->turn_due_ns = now + TURN_NS;
    }
    return MAX(self->turn_due_ns - now, 0);
}

/* So many times the thread looks for calls before its loop polls: an iteration of that, with its clock, costs more than a call. */
#define LOOKS 500

static bool look_for_calls(const CallRing *calls, const AioContext *ctx)
{
    for (unsigned n = 0; n < LOOKS && !qatomic_read(&ctx->wakeup->notified); n++) {
        if (has_calls(calls)) {
            return true;
        }
        port_pause();
    }
    return has_calls(calls);
}

/*
 * Runs the loop. Returns when the IOThread was asked to stop; when JavaScript needs a turn,
 * because a message that was posted has not been received yet, or a call-back in JavaScript
 * has left work; or when JavaScript has calls to take, after an iteration of the loop that
 * began after they were sent. The IOThread's worker only.
 *
 * The sender posts, counts and notifies, or writes to the ring and notifies: either we see
 * that here, or aio_poll() sees the notification and does not sleep.
 */
WASM_EXPORT("rt_iothread_run")
RtLeft rt_iothread_run(IOThread *iothread, uint32_t received)
{
    WasmThread *self = wasm_thread_self();
    AioContext *ctx = iothread_context(iothread);
    CallRing *calls = rt_calls(ctx);

    rt_sleeps_hosted(ctx, false);
    if (self->wants_turn == TURN_NONE) {
        self->turn_due_ns = 0;
    }
    for (;;) {
        /* Read first: calls that were sent before the stop are still taken. */
        bool running = iothread_is_running(iothread);
        uint64_t hits = ctx->stats.poll_hits;

        if (wasm_messages_under_way(self, received) ||
            self->wants_turn == TURN_NOW) {
            return LEFT_FOR_TURN;
        }
        if (mark_calls(calls)) {
            aio_poll_awake(ctx, 0);
            return put_off_ns(self, ctx) ? LEFT_FOR_CALLS : LEFT_FOR_CALLS_AND_TURN;
        }
        if (!running) {
            return LEFT_TO_STOP;
        }
        if (self->wants_turn == TURN_NONE) {
            iothread_iterate(iothread);
        } else if (!(self->turn_due_ns && look_for_calls(calls, ctx)) &&
                   !aio_poll_awake(ctx, put_off_ns(self, ctx)) &&
                   ctx->stats.poll_hits == hits &&
                   self->wants_turn != TURN_NOW && !has_calls(calls)) {
            /* Otherwise it would sleep now. Polling that found only a notification is no reason: a sender that was interrupted
             * after it had written to the ring notifies when its call has long been taken. */
            return LEFT_FOR_TURN;
        }
    }
}

/* Returns true until the IOThread was asked to stop. Its worker only. */
WASM_EXPORT("rt_iothread_running")
bool rt_iothread_running(IOThread *iothread)
{
    return iothread_is_running(iothread);
}

/* Lets requests that are in flight end, then frees the IOThread. Called last by its
 * worker. */
WASM_EXPORT("rt_iothread_leave")
void rt_iothread_leave(IOThread *iothread)
{
    AioContext *ctx = iothread_context(iothread);

    unsigned *requests = rt_requests_in_flight(ctx);

    while (aio_poll(ctx, *requests > 0) || *requests) {
        continue;
    }
    qatomic_mb_set(&wasm_thread_self()->arg, NULL);
    iothread_leave(iothread);
    iothread_free(iothread);
    thread_run_exit_hooks();
}

/*
 * Returns a number that shows whether a loop that is to end is still running. If the
 * context was freed a moment ago, the number is meaningless, but reading it is
 * harmless. Owner only.
 */
WASM_EXPORT("rt_context_polls")
double rt_context_polls(const AioContext *ctx)
{
    return (double)qatomic_read(&ctx->stats.polls);
}
