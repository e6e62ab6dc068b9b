/* SPDX-License-Identifier: MIT */
#ifndef WASM_RUNTIME_H
#define WASM_RUNTIME_H
/*
 * What TypeScript calls: functions named rt_. Those marked "owner" are called by the
 * thread that owns the runtime.
 */
#include "block/raw-aio.h"
#include "loop/bh.h"
#include "port/wasm-port.h"
#include "sysemu/iothread.h"

/* Owner: the request `id` ended with `result`; 0: the IOThread `result`, whose thread was
 * lost, is idle. */
WASM_IMPORT("complete") void host_complete(uint32_t id, double result);
/* The owner's context. */
AioContext *rt_owner_context(void);

/*
 * How a request tells the owner that it has ended. It is a part of the request, so
 * that ending needs no memory: what has begun always comes to its end.
 */
typedef struct Completion {
    uint32_t id;
    /* Owner, afterwards; may free the request. NULL: nothing. */
    void (*told)(struct Completion *completion);
    double result;
    QEMUBH bh;
    /* Owner, while it is one of rt_request_begin's. */
    AioContext *ctx;
    bool ended;                /* rt_complete was called */
    QLIST_ENTRY(Completion) all;
} Completion;
/* Owner: a request that ctx's thread is to complete. If that is lost before it has called
 * rt_complete, `told` is called all the same, when nobody works on the request any
 * more. */
void rt_request_begin(Completion *completion, AioContext *ctx);
/* Owner: ctx is abandoned, and idle. */
void rt_requests_drop(AioContext *ctx);
/* Any thread, once: host_complete(id, result) in the owner. */
void rt_complete(Completion *completion, double result);

/* How many requests ctx has taken and not completed yet: an IOThread does not leave its
 * loop before, and no context is closed. The home thread's. requests.c */
unsigned *rt_requests_in_flight(AioContext *ctx);

/* What rt_error_text and rt_error_errno say from now on; frees err. */
void rt_take_error(Error *err);
/* Owner: its contexts beside the first. */
void rt_each_context(void (*fn)(const char *name, AioContext *ctx));

/* The owner, when a thread that was lost has ended, or that thread itself, which leaves its
 * role in the midst of it: what it alone used is freed. lost.c */
void rt_thread_reclaim(WasmThread *thread);
/* Owner: the thread of an IOThread was lost, and (gone) has ended, which may be known in a
 * second call only. iothread.c */
void rt_iothread_lost(WasmThread *thread, bool gone);
/* Owner: closes what that thread has made. handle.c */
void rt_handles_abandon(const WasmThread *maker);
/* Owner: ctx, whose thread has ended, watches nothing any more. handle.c */
void rt_handles_unwatch(AioContext *ctx);
/* Owner: frees the timers of that thread, whose context is abandoned. callback.c */
void rt_timers_abandon(WasmThread *thread);

/* ---- Files (file.c, host-io.c) ---- */

/* True: one worker alone may use them, the host-I/O worker. */
bool rt_host_has_owned_files(void);
/* The engine that serves the one asked for here; may lower *max_batch. */
AioEngine rt_engine(AioEngine engine, int64_t *max_batch);

#endif
