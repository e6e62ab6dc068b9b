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

/* ---- Asynchronous requests ---- */

typedef struct BlockAIOCB BlockAIOCB;
typedef void BlockCompletionFunc(void *opaque, int ret);

typedef struct AIOCBInfo {
    void (*cancel_async)(BlockAIOCB *acb);
    AioContext *(*get_aio_context)(BlockAIOCB *acb);
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

/* Which fds are ready: scan, ready list, ring. All calls are the loop's own. */
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
    uint64_t timers;             /* timer call-backs run */
    uint64_t jobs;               /* thread-pool requests completed */
} AioStats;

struct AioContext {
    GSource source;

    /* Private to the loop from here on. */
    QemuRecMutex lock;                    /* aio_context_acquire() */
    struct PortWatcher *watcher;          /* notify_me, notified: port.h */
    EventNotifier notifier;

    BHList bh_list;                       /* scheduled; pushed by any thread */
    QSIMPLEQ_HEAD(, BHListSlice) bh_slice_list;

    QemuLockCnt list_lock;                /* counts walks of aio_handlers */
    AioHandlerList aio_handlers;
    AioHandlerList deleted_aio_handlers;
    const FDMonOps *fdmon_ops;
    struct PortPollFd *pollfds;           /* the scan's arrays, pollfds_size long */
    AioHandler **polled_nodes;
    unsigned pollfds_size;
    int external_disable_cnt;
    int poll_disable_cnt;                 /* handlers without io_poll */

    QEMUTimerListGroup tlg;
    struct ThreadPool *thread_pool;
    int64_t thread_pool_min;
    int64_t thread_pool_max;
    unsigned requests;                    /* in flight; the home thread's */
    AioStats stats;
};

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
#define aio_bh_new(ctx, cb, opaque) \
    aio_bh_new_full((ctx), (cb), (opaque), (stringify(cb)))
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

/* Setup. One more reference; the caller unrefs it after attaching. */
GSource *aio_get_g_source(AioContext *ctx);

/* Home. Made on first use. */
struct ThreadPool *aio_get_thread_pool(AioContext *ctx);

/* ---- Timers ---- */

static inline QEMUTimer *aio_timer_new_with_attrs(AioContext *ctx,
                                                  QEMUClockType type,
                                                  int scale, int attributes,
                                                  QEMUTimerCB *cb,
                                                  void *opaque)
{
    return timer_new_full(&ctx->tlg, type, scale, attributes, cb, opaque);
}
static inline QEMUTimer *aio_timer_new(AioContext *ctx, QEMUClockType type,
                                       int scale, QEMUTimerCB *cb,
                                       void *opaque)
{
    return timer_new_full(&ctx->tlg, type, scale, 0, cb, opaque);
}
static inline void aio_timer_init_with_attrs(AioContext *ctx, QEMUTimer *ts,
                                             QEMUClockType type, int scale,
                                             int attributes, QEMUTimerCB *cb,
                                             void *opaque)
{
    timer_init_full(ts, &ctx->tlg, type, scale, attributes, cb, opaque);
}
static inline void aio_timer_init(AioContext *ctx, QEMUTimer *ts,
                                  QEMUClockType type, int scale,
                                  QEMUTimerCB *cb, void *opaque)
{
    timer_init_full(ts, &ctx->tlg, type, scale, 0, cb, opaque);
}

/* ---- The current context ---- */

/* NULL in a thread that is no context's home. */
AioContext *qemu_get_current_aio_context(void);
/* Once a thread, unless detached since. Takes no reference. */
void qemu_set_current_aio_context(AioContext *ctx);
/* Makes this thread no context's home, so that it can be used again. */
void aio_context_detach_current(void);

#endif
