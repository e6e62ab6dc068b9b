/* SPDX-License-Identifier: MIT */
#ifndef WASM_RUNTIME_H
#define WASM_RUNTIME_H
/* The functions that TypeScript calls, named rt_. "Owner only" means that only the thread
 * that owns the runtime may call them. */
#include "block/raw-aio.h"
#include "loop/bh.h"
#include "port/wasm-port.h"
#include "sysemu/iothread.h"

/* Tells the owner that the request `id` ended with `result`; with id 0, that the IOThread
 * `result`, whose thread was lost, is idle. Owner only. */
WASM_IMPORT("complete") void host_complete(uint32_t id, double result);
/* Returns the context of the owner. */
AioContext *rt_owner_context(void);

/* How a request tells the owner that it has ended. It is a part of the request, so that
 * ending needs no memory: a request that has begun always ends. */
typedef struct Completion {
    uint32_t id;
    /* Called in the owner afterwards; may free the request. NULL: nothing. */
    void (*told)(struct Completion *completion);
    double result;
    QEMUBH bh;
    /* Used by the owner from rt_request_begin() on. */
    AioContext *ctx;
    bool ended;                /* rt_complete() was called */
    QLIST_ENTRY(Completion) all;
} Completion;
/* Begins a request that ctx's thread has to complete. If that thread is lost before it has
 * called rt_complete(), `told` is called all the same, when nobody works on the request any
 * more. Owner only. */
void rt_request_begin(Completion *completion, AioContext *ctx);
/* Called when ctx is abandoned and idle. Owner only. */
void rt_requests_drop(AioContext *ctx);
/* Makes the owner call host_complete(id, result). Called once, in any thread. */
void rt_complete(Completion *completion, double result);

/* Returns the counter of requests that ctx has taken and not completed yet: before it is 0,
 * an IOThread does not leave its loop, and no context is closed. Home thread only.
 * requests.c */
unsigned *rt_requests_in_flight(AioContext *ctx);

/* Sets what rt_error_text() and rt_error_errno() return, and frees err. */
void rt_take_error(Error *err);
/* Calls fn for each context of the owner besides the first. Owner only. */
void rt_each_context(void (*fn)(const char *name, AioContext *ctx));

/* Frees what only that thread has used. Called by the owner when a thread that was lost has
 * ended, or by the thread itself when it leaves its role early. lost.c */
void rt_thread_reclaim(WasmThread *thread);
/* Called when the thread of an IOThread was lost, and (gone) has ended, which may be known
 * only in a second call. Owner only. iothread.c */
void rt_iothread_lost(WasmThread *thread, bool gone);
/* Closes the handles that the thread has made. Owner only. handle.c */
void rt_handles_abandon(const WasmThread *maker);
/* Ends all watches of ctx, whose thread has ended. Owner only. handle.c */
void rt_handles_unwatch(AioContext *ctx);
/* Frees the timers of that thread, whose context is abandoned. Owner only. callback.c */
void rt_timers_abandon(WasmThread *thread);

/* Whether the reader of a ring waits for an answer in it; a futex. */
typedef enum { RING_NOBODY, RING_AWAITED, RING_SLEEPING } RingWaiter;

/* The header of a ring of calls, whose words ts/src/wire/record-ring.ts names. */
typedef struct CallRing {
    uint32_t tail;             /* records end here; its writer stores it */
    uint32_t waiter;           /* RingWaiter */
    uint32_t ended;            /* not 0: its writer has ended */
    uint32_t *sleeper;         /* the word on which its reader sleeps: `roused` of the thread */
    uint32_t head __attribute__((aligned(64)));    /* the rest is its reader's */
    uint32_t due;              /* the tail before the latest iteration of the loop */
    uint32_t beside;           /* not 0: JavaScript has a message to take as well */
    uint32_t key;              /* JavaScript's */
    struct CallRing *next;     /* another ring that leads to the same thread */
    uint32_t quick;            /* the latest wait was shorter than the reader may poll */
} CallRing;
/* Returns the ring that leads from the owner to ctx's thread; that which leads to the owner follows
 * it. calls.c */
CallRing *rt_calls(AioContext *ctx);
/* Notes where ctx's thread sleeps from now on: in JavaScript's event loop (hosted), or in
 * aio_poll(). Home thread only. */
void rt_sleeps_hosted(AioContext *ctx, bool hosted);
/* Returns what was noted last. Any thread. */
bool rt_is_hosted(AioContext *ctx);
/* Called between two turns of a hosted context, the next of which follows at once: whoever notifies it until then need not wake it. Home
 * thread only. */
void rt_hosted_awake(AioContext *ctx);

/* ---- Files (file.c, host-io.c) ---- */

/* Returns true if only one worker can use files, the host I/O worker. */
bool rt_host_has_owned_files(void);
/* Returns the engine that is used here for `engine`; may lower *max_batch. */
AioEngine rt_engine(AioEngine engine, int64_t *max_batch);

#endif
