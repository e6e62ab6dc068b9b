/* SPDX-License-Identifier: MIT */
#ifndef QEMU_AIO_H
#define QEMU_AIO_H
/*
 * AioContext, the event loop: bottom halves, fd handlers, timers and coroutines.
 * Types and functions have the names that they have in QEMU (include/block/aio.h).
 *
 * A context has one home thread: the thread that called
 * qemu_set_current_aio_context() with it. "Home thread only" below means that only
 * this thread may call the function. "Any thread" means that every thread may call
 * it at any time; no lock needs to be held.
 *
 * Unless a comment says otherwise, the caller holds a reference to the context
 * (aio_context_ref), or knows that somebody else does, until the call returns. A
 * bottom half, handler or timer takes no reference: remove it before the last
 * reference is dropped. A function that takes a context panics if it is NULL.
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
/* Completes a request in its context's home thread. ret is the result, or -errno. */
typedef void BlockCompletionFunc(void *opaque, int ret);

/* What is common to all requests of one kind. */
typedef struct AIOCBInfo {
    /* Asks the request to end early; NULL if it cannot. Home thread. */
    void (*cancel_async)(BlockAIOCB *acb);
#if AIO_API_VERSION < 801
    /* The context that completes the request; bdrv_aio_cancel() polls it. */
    AioContext *(*get_aio_context)(BlockAIOCB *acb);
#else
    void (*not_used_since_801)(void);
#endif
    size_t aiocb_size;       /* bytes of one request, including its BlockAIOCB */
} AIOCBInfo;

/* The common head of every asynchronous request. */
struct BlockAIOCB {
    const AIOCBInfo *aiocb_info;
    BlockDriverState *bs;
    BlockCompletionFunc *cb;
    void *opaque;
    int refcnt;
};

/*
 * Allocates a request of aiocb_info->aiocb_size bytes with one reference, which
 * belongs to the caller. Only the BlockAIOCB at its start is initialised. Panics if
 * there is no memory. Home thread only: the count of references is not atomic.
 */
void *qemu_aio_get(const AIOCBInfo *aiocb_info, BlockDriverState *bs,
                   BlockCompletionFunc *cb, void *opaque);
/* Drops a reference of the caller's; the last one frees the request. Panics if there
 * is none left. Home thread only. */
void qemu_aio_unref(void *p);
/* Takes another reference; the caller holds one already. Home thread only. */
void qemu_aio_ref(void *p);

/* ---- The context ---- */

typedef struct AioHandler AioHandler;
typedef QLIST_HEAD(, AioHandler) AioHandlerList;
/* The call-back of a bottom half; runs in its context's home thread. */
typedef void QEMUBHFunc(void *opaque);
/* Looks without waiting whether a handler has something to do, and returns true if
 * so. Home thread. */
typedef bool AioPollFn(void *opaque);

struct Coroutine;
struct ThreadPool;
struct LinuxAioState;
struct LuringState;

/* An fd monitor finds the fds that are ready, by a scan, epoll or a ring. Only the
 * loop calls these functions. */
typedef struct {
    /* A handler was added (old_node is NULL), removed (new_node is NULL) or
     * replaced. Called with list_lock held. */
    void (*update)(AioContext *ctx, AioHandler *old_node, AioHandler *new_node);
    /* Waits at most timeout nanoseconds (-1: for ever), puts the handlers that are
     * ready on ready_list and returns their number. */
    int (*wait)(AioContext *ctx, AioHandlerList *ready_list, int64_t timeout);
    /* Returns true if wait must be called even by a poll that does not block. */
    bool (*need_wait)(AioContext *ctx);
} FDMonOps;

typedef QSLIST_HEAD(, QEMUBH) BHList;
typedef struct BHListSlice BHListSlice;
struct BHListSlice {
    BHList bh_list;
    QSIMPLEQ_ENTRY(BHListSlice) next;
};
typedef QSLIST_HEAD(, AioHandler) AioHandlerSList;

/* Counts what a loop has done since it was made. Only the home thread writes them;
 * another thread that reads one may see a slightly older value. */
typedef struct AioStats {
    uint64_t polls;              /* aio_poll calls and GSource dispatches */
    uint64_t sleeps;             /* those of polls that went to sleep */
    uint64_t bhs;                /* bottom halves run */
    uint64_t handlers;           /* fd call-backs run */
    uint64_t poll_hits;          /* times that adaptive polling avoided a sleep */
    uint64_t poll_misses;        /* times that adaptive polling found nothing */
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
    uint32_t bhs;                         /* made by aio_bh_new, not yet deleted */
    QEMUTimerListGroup tlg;

    /* The members from here on are all zero in a new context. */
    QSIMPLEQ_HEAD(, BHListSlice) bh_slice_list;
    BHListSlice bh_rest;                  /* left over when a turn's time was up */
    bool bh_rest_runs;                    /* aio_bh_poll_for() is running */

    QemuLockCnt list_lock;                /* counts walks of aio_handlers */
    AioHandlerList aio_handlers;
    AioHandlerList deleted_aio_handlers;
    const FDMonOps *fdmon_ops;
    struct AioScanRoom *scan_room;        /* fdmon-poll.c; home */
    struct AioScanRoom *next_scan_room;   /* a larger one, which replaces it */
    unsigned scan_size;                   /* of the larger of the two; list_lock */
    struct AioFdTable *fd_table;          /* handler-table.c */
    struct PortReadySet *ready_set;       /* fdmon-epoll.c */
    bool epoll_refused;                   /* epoll could not watch some fd */
    struct AioPollRing *poll_ring;        /* fdmon-io_uring.c */
    unsigned handlers_with_events;
    unsigned unwalked;                    /* iterations since fds were looked at */
    AioHandlerList gsource_ready;         /* found by check, for dispatch */
    bool gsource_rest;                    /* left by a turn, or found by prepare */
    GPollFD *gsource_fds;                 /* polled by a foreign loop for us */
    unsigned gsource_fds_count;
    int external_disable_cnt;
    int poll_disable_cnt;                 /* handlers without io_poll */

    AioHandlerList poll_aio_handlers;     /* polled in user space; home */
    bool poll_started;                    /* io_poll_begin was called */
    int64_t poll_ns;                      /* adaptive, at most poll_max_ns */
    int64_t poll_max_ns;                  /* 0: no polling */
    int64_t poll_grow;                    /* factor; 0 means 2 */
    int64_t poll_shrink;                  /* divisor; 0 sets poll_ns to 0 */
    int64_t aio_max_batch;                /* 0: the engine's default */

    int64_t thread_pool_min;              /* aio_context_set_thread_pool_params() */
    int64_t thread_pool_max;
    uint32_t dumping;                     /* threads in aio_context_dump() */
    AioStats stats;

    struct {                              /* loop/abandon.c */
        bool is_new;                      /* aio_context_new() has not finished */
        bool is_lost;                     /* its home thread was lost */
        bool stays;                       /* a home thread was lost, this or an earlier
                                           * one: the memory is never freed */
        uint32_t serving;                 /* threads that may still serve its requests */
        void (*idle)(void *opaque);       /* called when serving has reached 0 */
        void *opaque;
        AioContext *next;                 /* in the list of contexts to use again */
    } abandoned;

    /* The parts that other subsystems keep for each context follow: loop/part.h. */
};

/* Panics, saying that the function `call` was given NULL as its context. */
QEMU_NORETURN void aio_refuse_no_context(const char *call);
/* Panics with the name of the calling function if ctx is NULL. */
#define AIO_CHECK_CONTEXT(ctx)                                               \
    do {                                                                     \
        if (unlikely(!(ctx))) {                                              \
            aio_refuse_no_context(__func__);                                 \
        }                                                                    \
    } while (0)

/*
 * Makes a context with one reference, which belongs to the caller. It has no home
 * thread until one calls qemu_set_current_aio_context(). Returns NULL and sets *errp
 * if there is no memory or no notifier left. Any thread.
 */
AioContext *aio_context_new(Error **errp);
/* Takes another reference; the caller holds one, or knows who does. Any thread. */
void aio_context_ref(AioContext *ctx);
/*
 * Drops a reference of the caller's. The last one frees the context in the calling
 * thread, and panics if a bottom half has not been deleted, a timer is armed or a
 * request is outstanding. Any thread, but the last one not inside the context's poll.
 */
void aio_context_unref(AioContext *ctx);

/* ---- Bottom halves ---- */

/*
 * Runs cb(opaque) once in ctx's home thread; the bottom half is then freed. name is
 * kept by pointer. Panics if there is no memory. Any thread.
 */
void aio_bh_schedule_oneshot_full(AioContext *ctx, QEMUBHFunc *cb,
                                  void *opaque, const char *name);
/* Calls aio_bh_schedule_oneshot_full(); the name is that of the call-back. */
#define aio_bh_schedule_oneshot(ctx, cb, opaque) \
    aio_bh_schedule_oneshot_full((ctx), (cb), (opaque), (stringify(cb)))
/*
 * Makes a bottom half, which is not scheduled yet and belongs to the caller until
 * qemu_bh_delete(). name is kept by pointer; messages show it. Panics if there is no
 * memory. The context must live until the bottom half has been deleted. Any thread.
 */
QEMUBH *aio_bh_new_full(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                        const char *name);
/* Shows whether a device's code is running, so that it can detect re-entry. */
typedef struct MemReentrancyGuard {
    bool engaged_in_io;
} MemReentrancyGuard;
/*
 * Makes a bottom half as aio_bh_new_full() does, with a guard (or NULL):
 * guard->engaged_in_io is true while the call-back runs and is restored afterwards. The
 * guard must live as long as the bottom half.
 */
QEMUBH *aio_bh_new_full_guarded(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                                const char *name, MemReentrancyGuard *guard);
/* Calls aio_bh_new_full_guarded(); the name is that of the call-back. */
#define aio_bh_new_guarded(ctx, cb, opaque, guard) \
    aio_bh_new_full_guarded((ctx), (cb), (opaque), (stringify(cb)), (guard))
#if AIO_API_VERSION < 801
#define aio_bh_new(ctx, cb, opaque) \
    aio_bh_new_full((ctx), (cb), (opaque), (stringify(cb)))
#else
#define aio_bh_new(ctx, cb, opaque) \
    aio_bh_new_guarded((ctx), (cb), (opaque), NULL)
#endif
/* Runs the call-back in the calling thread, at once. Whether the bottom half is
 * scheduled does not change. */
void aio_bh_call(QEMUBH *bh);
/* Runs the bottom halves that are scheduled. Returns 1 if one that is not idle ran,
 * else 0. Home thread only. */
int aio_bh_poll(AioContext *ctx);
/* Schedules bh to run once in the next iteration of its loop, and wakes the loop.
 * Scheduling it again before it has run changes nothing. Any thread and signal
 * handlers; lock-free. The caller makes sure that bh is not deleted meanwhile. */
void qemu_bh_schedule(QEMUBH *bh);
/* Schedules bh as qemu_bh_schedule() does, but the loop may delay it by up to 10 ms, and
 * its run does not make aio_poll() return true. Any thread. */
void qemu_bh_schedule_idle(QEMUBH *bh);
/* Undoes qemu_bh_schedule(). In another thread than the home thread it may come too
 * late: the call-back may be running or about to run. Any thread. */
void qemu_bh_cancel(QEMUBH *bh);
/* Unschedules bh and lets the loop free it in a later iteration. The caller must not
 * use bh afterwards. Any thread, and bh's own call-back. */
void qemu_bh_delete(QEMUBH *bh);

/* ---- Waking, polling ---- */

/* Wakes the loop: ends a blocking aio_poll(), or keeps the next one from blocking.
 * Any thread and signal handlers; lock-free. */
void aio_notify(AioContext *ctx);
/* Clears the notification. The loop calls it when it has woken up. Home thread only. */
void aio_notify_accept(AioContext *ctx);
/* Ends polling in user space before a foreign loop polls, and returns false, always. The
 * context's GSource calls it in its prepare function. Home thread only. */
bool aio_prepare(AioContext *ctx);
/* Returns true if a handler is ready for aio_dispatch() to run. Home thread only. */
bool aio_pending(AioContext *ctx);
/* Runs what is due: bottom halves, handlers and timers. Home thread only. */
void aio_dispatch(AioContext *ctx);
/*
 * Runs one iteration: waits for an event (if blocking), then runs bottom halves,
 * handlers and timers. Returns true if a call-back did something, false after a mere
 * wake-up. Call-backs may call it again. A blocking poll panics in a thread that must
 * not wait. Home thread only.
 */
bool aio_poll(AioContext *ctx, bool blocking);
/* Returns the nanoseconds until a bottom half or timer is due: 0 if one is now, -1 if
 * there is none. Home thread only. */
int64_t aio_compute_timeout(AioContext *ctx);
/* Returns true if some handler has no io_poll, so that polling in user space is off.
 * Any thread. */
bool aio_poll_disabled(AioContext *ctx);

/* ---- fds ---- */

/*
 * Adds or changes the handler of fd, or removes it if all three call-backs are NULL.
 * io_read and io_write run in ctx's home thread when fd is ready; io_poll is asked
 * before the loop sleeps. The fd stays the caller's and must be open until the handler
 * is removed. After removal in the home thread the handler does not run again; after
 * removal in another thread it may still be running. Panics if fd is negative or
 * cannot be watched, or if there is no memory. Any thread.
 */
void aio_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                        IOHandler *io_read, IOHandler *io_write,
                        AioPollFn *io_poll, void *opaque);
/*
 * Sets or removes the handler of a notifier's fd, as aio_set_fd_handler() does. The
 * call-backs are passed the notifier, and io_read has to clear it
 * (event_notifier_test_and_clear). The notifier must live until its handler is removed.
 * Any thread.
 */
void aio_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                            bool is_external, EventNotifierHandler *io_read,
                            AioPollFn *io_poll);
/*
 * Sets a handler as aio_set_fd_handler() of QEMU 7.0 does: io_poll only looks whether
 * there is something to do, and io_poll_ready does it later in the same iteration, with
 * the other handlers that are ready. io_poll is not called while io_poll_ready runs, so
 * io_poll_ready may call aio_poll(). Without io_poll_ready, io_poll is taken to be NULL.
 * Any thread.
 */
void aio_set_fd_handler_full(AioContext *ctx, int fd, bool is_external,
                             IOHandler *io_read, IOHandler *io_write,
                             AioPollFn *io_poll, IOHandler *io_poll_ready,
                             void *opaque);
/* Sets a handler as aio_set_event_notifier() of QEMU 7.0 does; see
 * aio_set_fd_handler_full(). Any thread. */
void aio_set_event_notifier_full(AioContext *ctx, EventNotifier *notifier,
                                 bool is_external,
                                 EventNotifierHandler *io_read,
                                 AioPollFn *io_poll,
                                 EventNotifierHandler *io_poll_ready);

/* Sets the call-backs that run before the loop begins to poll the handler of fd in user
 * space, and after it has ended. Does nothing if fd has no handler. Home thread only. */
#if AIO_API_VERSION < 801
void aio_set_fd_poll(AioContext *ctx, int fd, IOHandler *io_poll_begin,
                     IOHandler *io_poll_end);
#endif
/* Sets the call-backs of a notifier's handler as aio_set_fd_poll() does for an fd. Home
 * thread only. */
void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *notifier,
                                 EventNotifierHandler *io_poll_begin,
                                 EventNotifierHandler *io_poll_end);

/* Returns the context as a GSource with a new reference, which the caller drops
 * (g_source_unref) after attaching it. Any thread. */
GSource *aio_get_g_source(AioContext *ctx);

#if AIO_API_VERSION < 801
/*
 * Stops the external handlers until aio_enable_external() has been called as often:
 * they are neither waited for nor polled nor dispatched. Any thread.
 */
static inline void aio_disable_external(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    qatomic_inc(&ctx->external_disable_cnt);
}
/* Undoes one aio_disable_external(); the last call wakes the loop. Panics if external
 * handlers are not disabled. Any thread. */
void aio_enable_external(AioContext *ctx);
/* Returns true while external handlers are disabled. Any thread. */
static inline bool aio_external_disabled(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    return qatomic_read(&ctx->external_disable_cnt) != 0;
}
/* Returns whether a handler may run now, given whether it is external. Any thread. */
static inline bool aio_node_check(AioContext *ctx, bool is_external)
{
    AIO_CHECK_CONTEXT(ctx);
    return !is_external || !aio_external_disabled(ctx);
}
#endif

/* Returns the context's thread pool, which lives as long as the context; the first call
 * makes it. Panics if there is no memory. Home thread only. */
ThreadPoolAio *aio_get_thread_pool(AioContext *ctx);

/* ---- Timers ---- */

/*
 * Makes a timer that runs cb(opaque) in ctx's home thread, and is not armed yet. scale
 * is the unit of timer_mod() in nanoseconds. Panics if there is no memory. The caller
 * frees it (timer_free) before the context goes. Any thread.
 */
static inline QEMUTimer *aio_timer_new_with_attrs(AioContext *ctx,
                                                  QEMUClockType type,
                                                  int scale, int attributes,
                                                  QEMUTimerCB *cb,
                                                  void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    return timer_new_full(&ctx->tlg, type, scale, attributes, cb, opaque);
}
/* Makes a timer as aio_timer_new_with_attrs() does, without attributes. Any thread. */
static inline QEMUTimer *aio_timer_new(AioContext *ctx, QEMUClockType type,
                                       int scale, QEMUTimerCB *cb,
                                       void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    return timer_new_full(&ctx->tlg, type, scale, 0, cb, opaque);
}
/* Initialises a timer as aio_timer_new_with_attrs() does, in memory of the caller's,
 * which must live until the timer is disarmed (timer_del) and its call-back does not run.
 * Any thread. */
static inline void aio_timer_init_with_attrs(AioContext *ctx, QEMUTimer *ts,
                                             QEMUClockType type, int scale,
                                             int attributes, QEMUTimerCB *cb,
                                             void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    timer_init_full(ts, &ctx->tlg, type, scale, attributes, cb, opaque);
}
/* Initialises a timer as aio_timer_init_with_attrs() does, without attributes. Any
 * thread. */
static inline void aio_timer_init(AioContext *ctx, QEMUTimer *ts,
                                  QEMUClockType type, int scale,
                                  QEMUTimerCB *cb, void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    timer_init_full(ts, &ctx->tlg, type, scale, 0, cb, opaque);
}

#if AIO_API_VERSION < 900
/* ---- The context's lock ---- */

/* Takes the context's recursive lock. The loop itself takes it only while it enters a
 * coroutine. Any thread that may wait; others spin. */
void aio_context_acquire(AioContext *ctx);
/* Releases the lock, which the calling thread holds. */
void aio_context_release(AioContext *ctx);
#endif

/* ---- Parameters ---- */

/* Sets how long the loop polls in user space before it sleeps: at most max_ns
 * nanoseconds (0: not at all), multiplied by grow (0: 2) and divided by shrink (0:
 * back to 0) as it adapts. Wakes the loop and starts again from 0. Any thread. */
void aio_context_set_poll_params(AioContext *ctx, int64_t max_ns, int64_t grow,
                                 int64_t shrink, Error **errp);
/* Sets how many requests an engine submits at once (0: the engine's default), from the
 * next request on. Any thread. */
void aio_context_set_aio_params(AioContext *ctx, int64_t max_batch,
                                Error **errp);
/*
 * Sets how many threads the thread pool keeps at least, and how many it has at most. Sets
 * *errp and changes nothing unless 0 <= min <= max and 1 <= max <= INT_MAX. Any thread.
 */
void aio_context_set_thread_pool_params(AioContext *ctx, int64_t min,
                                        int64_t max, Error **errp);
/* Chooses the fd monitor of a new context. Called by aio_context_new(). */
void aio_context_setup(AioContext *ctx);
/* Frees the handlers and the fd monitor. Called when the context is freed. */
void aio_context_destroy(AioContext *ctx);
/* Chooses a monitor that suits a foreign loop. Called by aio_get_g_source(). */
void aio_context_use_g_source(AioContext *ctx);

/* ---- Engines: block/raw-aio.h ---- */

/* Sets up the engine `native` and returns it; it lives as long as the context. Further
 * calls return the same one. Returns NULL and sets *errp if the machine refuses; the
 * next call tries again. Home thread only. */
struct LinuxAioState *aio_setup_linux_aio(AioContext *ctx, Error **errp);
/* Returns the engine `native`. Panics if it has not been set up. Home thread only. */
struct LinuxAioState *aio_get_linux_aio(AioContext *ctx);
/* Sets up the engine `io_uring` and returns it, as aio_setup_linux_aio() does for
 * `native`. Home thread only. */
struct LuringState *aio_setup_linux_io_uring(AioContext *ctx, Error **errp);
/* Returns the engine `io_uring`. Panics if it has not been set up. Home thread only. */
struct LuringState *aio_get_linux_io_uring(AioContext *ctx);

/* ---- Coroutines: qemu/coroutine.h ---- */

/*
 * Schedules co to be entered by ctx's loop in its home thread, in the order of
 * scheduling. co must have yielded by the time it is entered. Panics if co has already
 * been scheduled. Any thread.
 */
void aio_co_schedule(AioContext *ctx, struct Coroutine *co);
/* Moves the calling coroutine to new_ctx: it yields and resumes in new_ctx's home
 * thread. Panics in a thread without a context. In a coroutine only. */
void coroutine_fn aio_co_reschedule_self(AioContext *new_ctx);
/*
 * Resumes co in the context where it last ran. If that is another thread's, co is
 * scheduled there. If the caller is a coroutine, co is entered when the caller yields or
 * ends. Otherwise it is entered before the call returns. Panics if co has never run, or
 * is the caller. Any thread.
 */
void aio_co_wake(struct Coroutine *co);
/* Resumes or starts co as aio_co_wake() does, but in ctx; co need not have run before.
 * Any thread. */
void aio_co_enter(AioContext *ctx, struct Coroutine *co);

/* ---- Inspecting a context ---- */

/*
 * Describes the state of the context: calls line(opaque, text) for each line of counters,
 * timers and handlers. Bottom halves are shown only if the home thread sleeps; it is kept
 * from waking up until the call returns. Any thread.
 */
void aio_context_dump(AioContext *ctx,
                      void (*line)(void *opaque, const char *text),
                      void *opaque);

/* ---- The current context ---- */

/* Returns the context whose home the calling thread is, or NULL; takes no reference. */
AioContext *qemu_get_current_aio_context(void);
/* Makes the calling thread ctx's home. Panics if it is the home of a context already.
 * Takes no reference: the caller holds one until it detaches, or the thread ends. */
void qemu_set_current_aio_context(AioContext *ctx);
/* Ends the calling thread's being the home of its context, so that it can become that
 * of another one. Not in QEMU. */
void aio_context_detach_current(void);

#ifdef __cplusplus
}
#endif

#include "block/aio-later.h"

#endif
