/* SPDX-License-Identifier: MIT */
#ifndef QEMU_AIO_H
#define QEMU_AIO_H
/*
 * The event loop: AioContext.
 *
 * A context has one home thread, the one that made it current. "Home" below
 * means that thread alone may call; "any" means every thread at any time, with
 * no lock held.
 */
#include "qemu/coroutine.h"
#include "qemu/event_notifier.h"
#include "qemu/gmain.h"
#include "qemu/osdep.h"
#include "qemu/queue.h"
#include "qemu/thread.h"
#include "qemu/timer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Asynchronous requests ---- */

typedef struct BlockAIOCB BlockAIOCB;
typedef void BlockCompletionFunc(void *opaque, int ret);

typedef struct AIOCBInfo {
    void (*cancel_async)(BlockAIOCB *acb);
#if AIO_API_VERSION < 801
    AioContext *(*get_aio_context)(BlockAIOCB *acb);
#else
    void (*not_used_since_801)(void);
#endif
    size_t aiocb_size;
} AIOCBInfo;

struct BlockAIOCB {
    const AIOCBInfo *aiocb_info;
    BlockDriverState *bs;
    BlockCompletionFunc *cb;
    void *opaque;
    int refcnt;
};

/* Home. aiocb_size bytes, uninitialised beyond the common head, refcnt 1. */
void *qemu_aio_get(const AIOCBInfo *aiocb_info, BlockDriverState *bs,
                   BlockCompletionFunc *cb, void *opaque);
void qemu_aio_unref(void *p);
void qemu_aio_ref(void *p);

/* ---- The context ---- */

typedef struct AioHandler AioHandler;
typedef QLIST_HEAD(, AioHandler) AioHandlerList;
typedef void QEMUBHFunc(void *opaque);
typedef bool AioPollFn(void *opaque);

struct Coroutine;
struct ThreadPool;
struct LinuxAioState;
struct LuringState;

/* Which fds are ready: scan, epoll, ring. All calls are the loop's own. */
typedef struct {
    /* A handler was added (old NULL), removed (new NULL) or replaced; called
     * under list_lock. */
    void (*update)(AioContext *ctx, AioHandler *old_node, AioHandler *new_node);
    /* Waits at most timeout ns (-1 for ever) and puts what is ready on
     * ready_list. Returns how many. */
    int (*wait)(AioContext *ctx, AioHandlerList *ready_list, int64_t timeout);
    /* True: wait must be called even if nothing is to be waited for. */
    bool (*need_wait)(AioContext *ctx);
} FDMonOps;

typedef QSLIST_HEAD(, QEMUBH) BHList;
typedef struct BHListSlice BHListSlice;
struct BHListSlice {
    BHList bh_list;
    QSIMPLEQ_ENTRY(BHListSlice) next;
};
typedef QSLIST_HEAD(, AioHandler) AioHandlerSList;

/* What a loop did since it was made. Written by the home thread alone; a
 * reader in another thread sees each number at some recent moment. */
typedef struct AioStats {
    uint64_t polls;              /* aio_poll calls and GSource dispatches */
    uint64_t sleeps;             /* of which went to sleep */
    uint64_t bhs;                /* bottom halves run */
    uint64_t handlers;           /* fd call-backs run */
    uint64_t poll_hits;          /* times that polling spared a sleep */
    uint64_t poll_misses;        /* and times that it did not */
    uint64_t timers;             /* timer call-backs run */
    uint64_t jobs;               /* thread-pool requests completed */
} AioStats;

struct AioContext {
    GSource source;

    /* Private to the loop from here on. */
    QemuRecMutex lock;                    /* aio_context_acquire() */
    struct Wakeup *wakeup;                /* notify_me, notified: sync/wakeup.h */
    EventNotifier notifier;

    BHList bh_list;                       /* scheduled; pushed by any thread */
    uint32_t bhs;                         /* made by aio_bh_new, not deleted yet */
    QEMUTimerListGroup tlg;

    /* From here on all zero in a new one. */
    QSIMPLEQ_HEAD(, BHListSlice) bh_slice_list;
    BHListSlice bh_rest;                  /* of a turn whose time was over */
    bool bh_rest_runs;                    /* such a turn runs now */

    QemuLockCnt list_lock;                /* counts walks of aio_handlers */
    AioHandlerList aio_handlers;
    AioHandlerList deleted_aio_handlers;
    const FDMonOps *fdmon_ops;
    struct AioScanRoom *scan_room;        /* fdmon-poll.c; home */
    struct AioScanRoom *next_scan_room;   /* a larger one, for it to take */
    unsigned scan_size;                   /* of the larger of both; list_lock */
    AioHandler **handler_by_fd;           /* live ones; fd_table_size long */
    unsigned fd_table_size;
    struct PortReadySet *ready_set;       /* fdmon-epoll.c */
    bool epoll_refused;                   /* an fd could not be watched by it */
    struct AioPollRing *poll_ring;        /* fdmon-io_uring.c */
    unsigned handlers_with_events;
    unsigned unwalked;                    /* iterations that looked at no fd */
    AioHandlerList gsource_ready;         /* found by check, for dispatch */
    bool gsource_rest;                    /* left by a turn, or prepare's */
    GPollFD *gsource_fds;                 /* that a foreign loop polls for it */
    unsigned gsource_fds_count;
    int external_disable_cnt;
    int poll_disable_cnt;                 /* handlers without io_poll */

    AioHandlerList poll_aio_handlers;     /* polled in user space; home */
    bool poll_started;                    /* io_poll_begin was called */
    int64_t poll_ns;                      /* adaptive, at most poll_max_ns */
    int64_t poll_max_ns;                  /* 0: no polling */
    int64_t poll_grow;                    /* 0: 2 */
    int64_t poll_shrink;                  /* 0: poll_ns falls to 0 */
    int64_t aio_max_batch;                /* 0: the engine's default */

    int64_t thread_pool_min;              /* aio_context_set_thread_pool_params() */
    int64_t thread_pool_max;
    uint32_t dumping;                     /* threads that look at it: dump.c */
    AioStats stats;

    struct {                              /* loop/abandon.c */
        bool is_new;                      /* and not complete yet */
        bool is_lost;                     /* its home thread */
        bool stays;                       /* or an earlier one: malloc does not get the
                                           * context back */
        uint32_t serving;                 /* who may still work on its requests */
        void (*idle)(void *opaque);       /* nobody does any longer */
        void *opaque;
        AioContext *next;                 /* of those that are free */
    } abandoned;

    /* Behind it lies what other rooms keep for each context: loop/part.h. */
};

/* Panics: `call` was given NULL as its context. */
QEMU_NORETURN void aio_refuse_no_context(const char *call);
#define AIO_CHECK_CONTEXT(ctx)                                               \
    do {                                                                     \
        if (unlikely(!(ctx))) {                                              \
            aio_refuse_no_context(__func__);                                 \
        }                                                                    \
    } while (0)

/* Any. NULL and *errp if the machine has no notifier left. */
AioContext *aio_context_new(Error **errp);
/* Any. The last unref frees it, in that thread. */
void aio_context_ref(AioContext *ctx);
void aio_context_unref(AioContext *ctx);

/* ---- Bottom halves ---- */

/* Any. Runs once in ctx's home thread, then frees itself. */
void aio_bh_schedule_oneshot_full(AioContext *ctx, QEMUBHFunc *cb,
                                  void *opaque, const char *name);
#define aio_bh_schedule_oneshot(ctx, cb, opaque) \
    aio_bh_schedule_oneshot_full((ctx), (cb), (opaque), (stringify(cb)))
/* Any. name is kept by pointer and shown when the object is leaked. */
QEMUBH *aio_bh_new_full(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                        const char *name);
/* Says whether a device's code runs, so that it can see that it is re-entered. */
typedef struct MemReentrancyGuard {
    bool engaged_in_io;
} MemReentrancyGuard;
/*
 * The same with a guard, or NULL: guard->engaged_in_io is true while the call-back runs,
 * and has its old value again when it has returned. The guard must live until then.
 */
QEMUBH *aio_bh_new_full_guarded(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                                const char *name, MemReentrancyGuard *guard);
#define aio_bh_new_guarded(ctx, cb, opaque, guard) \
    aio_bh_new_full_guarded((ctx), (cb), (opaque), (stringify(cb)), (guard))
#if AIO_API_VERSION < 801
#define aio_bh_new(ctx, cb, opaque) \
    aio_bh_new_full((ctx), (cb), (opaque), (stringify(cb)))
#else
#define aio_bh_new(ctx, cb, opaque) \
    aio_bh_new_guarded((ctx), (cb), (opaque), NULL)
#endif
/* Runs the call-back here and now; no flag changes. */
void aio_bh_call(QEMUBH *bh);
/* Home. 1 if a bottom half that is not idle ran, else 0. */
int aio_bh_poll(AioContext *ctx);
/* Any, lock-free, signal-safe. Twice before it runs is once. */
void qemu_bh_schedule(QEMUBH *bh);
/* Any. The same, but it does not count as progress. */
void qemu_bh_schedule_idle(QEMUBH *bh);
/* Any. It will not run unless it is scheduled again; may race with its run. */
void qemu_bh_cancel(QEMUBH *bh);
/* Any, its own call-back included. The loop frees it later. */
void qemu_bh_delete(QEMUBH *bh);

/* ---- Waking, polling ---- */

/* Any, lock-free, signal-safe: ends a blocking aio_poll, or keeps the next one
 * from blocking. */
void aio_notify(AioContext *ctx);
/* The loop's: takes the notification. */
void aio_notify_accept(AioContext *ctx);
/* The GSource's three steps, home. */
bool aio_prepare(AioContext *ctx);
bool aio_pending(AioContext *ctx);
void aio_dispatch(AioContext *ctx);
/* Home. One iteration: wait (if blocking), bottom halves, handlers, timers.
 * True if something was done; a mere wake-up is false. */
bool aio_poll(AioContext *ctx, bool blocking);
/* ns until something is due; 0: now, -1: nothing is. */
int64_t aio_compute_timeout(AioContext *ctx);
/* Any. True: some handler has no io_poll, so polling in user space is off. */
bool aio_poll_disabled(AioContext *ctx);

/* ---- fds ---- */

/*
 * Any. Adds, changes or (all three call-backs NULL) removes the handler of fd.
 * When it returns in the home thread a removed handler will not run again.
 */
void aio_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                        IOHandler *io_read, IOHandler *io_write,
                        AioPollFn *io_poll, void *opaque);
/* The same for the notifier's fd; opaque is the notifier. The call-back has to
 * clear it. */
void aio_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                            bool is_external, EventNotifierHandler *io_read,
                            AioPollFn *io_poll);
/*
 * The same two as of QEMU 7.0: io_poll only looks whether there is something to do, and
 * io_poll_ready does it later in that iteration, with the other handlers that are ready.
 * While it runs io_poll is not called, so that it may call aio_poll. Without
 * io_poll_ready, io_poll counts as NULL.
 */
void aio_set_fd_handler_full(AioContext *ctx, int fd, bool is_external,
                             IOHandler *io_read, IOHandler *io_write,
                             AioPollFn *io_poll, IOHandler *io_poll_ready,
                             void *opaque);
void aio_set_event_notifier_full(AioContext *ctx, EventNotifier *notifier,
                                 bool is_external,
                                 EventNotifierHandler *io_read,
                                 AioPollFn *io_poll,
                                 EventNotifierHandler *io_poll_ready);

/*
 * Home. Sets the call-backs that bracket polling of an fd that has a handler;
 * does nothing for one that has not.
 */
#if AIO_API_VERSION < 801
void aio_set_fd_poll(AioContext *ctx, int fd, IOHandler *io_poll_begin,
                     IOHandler *io_poll_end);
#endif
void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *notifier,
                                 EventNotifierHandler *io_poll_begin,
                                 EventNotifierHandler *io_poll_end);

/* Setup. One more reference; the caller unrefs it after attaching. */
GSource *aio_get_g_source(AioContext *ctx);

#if AIO_API_VERSION < 801
/*
 * External handlers stand still while the counter is not 0: they are neither
 * waited for nor polled nor dispatched. Any.
 */
static inline void aio_disable_external(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    qatomic_inc(&ctx->external_disable_cnt);
}
/* Panics if it was 0. The last one notifies, so that they are looked at again. */
void aio_enable_external(AioContext *ctx);
static inline bool aio_external_disabled(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return qatomic_read(&ctx->external_disable_cnt) != 0;
}
/* Whether a handler of this kind may run now. */
static inline bool aio_node_check(AioContext *ctx, bool is_external)
{
    AIO_CHECK_CONTEXT(ctx);
    return !is_external || !aio_external_disabled(ctx);
}
#endif

/* Home. Made on first use. */
ThreadPoolAio *aio_get_thread_pool(AioContext *ctx);

/* ---- Timers ---- */

static inline QEMUTimer *aio_timer_new_with_attrs(AioContext *ctx,
                                                  QEMUClockType type,
                                                  int scale, int attributes,
                                                  QEMUTimerCB *cb,
                                                  void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    return timer_new_full(&ctx->tlg, type, scale, attributes, cb, opaque);
}
static inline QEMUTimer *aio_timer_new(AioContext *ctx, QEMUClockType type,
                                       int scale, QEMUTimerCB *cb,
                                       void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    return timer_new_full(&ctx->tlg, type, scale, 0, cb, opaque);
}
static inline void aio_timer_init_with_attrs(AioContext *ctx, QEMUTimer *ts,
                                             QEMUClockType type, int scale,
                                             int attributes, QEMUTimerCB *cb,
                                             void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    timer_init_full(ts, &ctx->tlg, type, scale, attributes, cb, opaque);
}
static inline void aio_timer_init(AioContext *ctx, QEMUTimer *ts,
                                  QEMUClockType type, int scale,
                                  QEMUTimerCB *cb, void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    timer_init_full(ts, &ctx->tlg, type, scale, 0, cb, opaque);
}

#if AIO_API_VERSION < 900
/* ---- The context's lock ---- */

/* Any, recursive. The loop itself takes it around nothing but what semantics
 * demand: entering a coroutine and completing requests. */
void aio_context_acquire(AioContext *ctx);
void aio_context_release(AioContext *ctx);
#endif

/* ---- Parameters ---- */

/* Any. ns; takes effect with the next iteration, from poll_ns 0. */
void aio_context_set_poll_params(AioContext *ctx, int64_t max_ns, int64_t grow,
                                 int64_t shrink, Error **errp);
/* Any. Requests that an engine hands over at once; 0: its default. Holds from the
 * next request on. */
void aio_context_set_aio_params(AioContext *ctx, int64_t max_batch,
                                Error **errp);
/*
 * Any. How many threads the thread pool keeps at least and has at most. *errp, and nothing
 * changes, unless 0 <= min <= max, 1 <= max <= INT_MAX.
 */
void aio_context_set_thread_pool_params(AioContext *ctx, int64_t min,
                                        int64_t max, Error **errp);
/* The loop's: chooses the monitor, gives it up, makes room for a GSource. */
void aio_context_setup(AioContext *ctx);
void aio_context_destroy(AioContext *ctx);
void aio_context_use_g_source(AioContext *ctx);

/* ---- Engines: block/raw-aio.h ---- */

/* Home. Set-up makes it once; NULL and *errp if the machine refuses, and the next
 * call tries again. get panics unless it was set up. */
struct LinuxAioState *aio_setup_linux_aio(AioContext *ctx, Error **errp);
struct LinuxAioState *aio_get_linux_aio(AioContext *ctx);
struct LuringState *aio_setup_linux_io_uring(AioContext *ctx, Error **errp);
struct LuringState *aio_get_linux_io_uring(AioContext *ctx);

/* ---- Coroutines: qemu/coroutine.h ---- */

/*
 * Any. Enters co in ctx's home thread, from its loop, those scheduled first
 * first. By the time that happens it must have yielded. Panics if it has been
 * scheduled already.
 */
void aio_co_schedule(AioContext *ctx, struct Coroutine *co);
/* In a coroutine: goes on in another context. */
void coroutine_fn aio_co_reschedule_self(AioContext *new_ctx);
/*
 * Any. Enters co where it last ran, which therefore it must have: in another
 * thread, by scheduling it there; from a coroutine, when that yields or ends; else
 * here and now.
 */
void aio_co_wake(struct Coroutine *co);
/* The same in a given context. */
void aio_co_enter(AioContext *ctx, struct Coroutine *co);

/* ---- Looking at it ---- */

/*
 * Any. Where the context is, a line each: counters, timers, handlers and, while
 * its home thread sleeps, which is held there for the time, bottom halves.
 */
void aio_context_dump(AioContext *ctx,
                      void (*line)(void *opaque, const char *text),
                      void *opaque);

/* ---- The current context ---- */

/* NULL in a thread that is no context's home. */
AioContext *qemu_get_current_aio_context(void);
/* Once a thread, unless detached since. Takes no reference. */
void qemu_set_current_aio_context(AioContext *ctx);
/* Makes this thread no context's home, so that it can be used again. */
void aio_context_detach_current(void);

#ifdef __cplusplus
}
#endif

#include "block/aio-later.h"

#endif
