/* SPDX-License-Identifier: MIT */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H
/* What the files of the loop share with each other. */
#include "block/aio.h"
#include "loop/part.h"
#include "port/port.h"
#include "sync/wakeup.h"
#include "time/budget.h"
#include "time/clock.h"

struct AioHandler {
    PortPollFd pfd;
    IOHandler *io_read;
    IOHandler *io_write;
    AioPollFn *io_poll;
    IOHandler *io_poll_ready;              /* NULL: io_poll does its work, too */
    IOHandler *io_poll_begin;
    IOHandler *io_poll_end;
    void *opaque;
    uint32_t serial;                       /* in the order of registration */
    bool is_external;
    bool poll_ready;                       /* io_poll said so; home */
    bool poll_ready_runs;                  /* io_poll_ready; home */
    bool deleted;                          /* under list_lock; read without */
    QLIST_ENTRY(AioHandler) node;          /* aio_handlers */
    QLIST_ENTRY(AioHandler) node_ready;    /* one iteration's ready list */
    QLIST_ENTRY(AioHandler) node_deleted;  /* deleted_aio_handlers */
    QLIST_ENTRY(AioHandler) node_poll;     /* poll_aio_handlers */
    uint32_t change;                       /* fdmon-io_uring.c: its last change */
    QSLIST_ENTRY(AioHandler) node_change;  /* the list of changes */
};

/* In AioHandler.change, above the events. */
enum {
    AIO_CHANGE_QUEUED = 1 << 30,
    AIO_CHANGE_FREE = 1 << 29,     /* whoever takes it from the list frees it */
};

/* Another thread that takes the GSource may change it: aio_context_use_g_source. */
static inline const FDMonOps *aio_fdmon(AioContext *ctx)
{
    return qatomic_load_acquire(&ctx->fdmon_ops);
}

/* Home: runs the timers that are due. True if there were any. budget may be NULL. */
static inline bool aio_run_timers(AioContext *ctx, AioBudget *budget)
{
    unsigned count = timerlistgroup_run(&ctx->tlg, budget);

    if (count) {
        port_count_add(&ctx->stats.timers, count);
    }
    return count;
}

/* aio-context.c */
bool aio_is_home_thread(AioContext *ctx);
void aio_ctx_finalize(GSource *source);
/* Panics, naming the call, unless this is ctx's home thread. */
void aio_assert_home_thread(AioContext *ctx, const char *call);

/* abandon.c */
/*
 * The context's home thread was lost, in the midst of anything that it alone sees, and
 * has ended. What it had is given back, and the threads that serve it end; what others
 * schedule, arm or register here does nothing from now on. idle(opaque) is called, in
 * any thread, when nobody works on its requests any longer: none of those that have not
 * ended will, and their memory and files are not used again. The caller's reference
 * stays his.
 */
void aio_context_abandon(AioContext *ctx, void (*idle)(void *opaque),
                         void *opaque);
/* Somebody is to be waited for before an abandoned context is idle; that is over. */
void aio_context_serving(AioContext *ctx);
void aio_context_served(AioContext *ctx);

/* retired.c */
/* The last reference to one that stays was dropped. */
void aio_context_retire(AioContext *ctx);
/* One that was retired and that nobody schedules anything in, empty; NULL: there is
 * none. */
AioContext *aio_context_take_retired(void);

/* bh.c */
/* Without running any: what is queued is in no list any longer, and is freed if it was
 * to be after its run, or has been deleted. */
void aio_bh_drop(AioContext *ctx);
/* Any thread: as qemu_bh_delete, in an abandoned context. Nobody schedules it any more. */
void aio_bh_delete_abandoned(QEMUBH *bh);
/* As aio_bh_new. NULL: out of memory. */
QEMUBH *aio_bh_try_new(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                       const char *name);
/* Frees one that has never been scheduled. NULL is fine. */
void aio_bh_discard(QEMUBH *bh);
/* As aio_bh_poll; may leave some for the next time. */
void aio_bh_poll_for(AioContext *ctx, AioBudget *budget);
/* 0: one is to be run now; 10 ms: only idle ones are; -1: none is. */
int64_t aio_bh_timeout(AioContext *ctx);
/* Calls line for each that is queued; the home thread is not running any. */
void aio_bh_dump(AioContext *ctx, AioDumpLine *line, void *opaque);
/* Panics if one is still scheduled; frees those that were deleted. */
void aio_bh_drain(AioContext *ctx);

/* handler-table.c */
/* The live handler of fd, or NULL. Home, inside a walk. */
AioHandler *aio_find_handler(AioContext *ctx, int fd);
/* Makes a place for fd. False: out of memory. */
bool aio_handler_table_reserve(AioContext *ctx, int fd);
void aio_handler_table_free(AioContext *ctx);

/* fd-handler.c */
/* As aio_set_fd_handler, io_poll_ready may be NULL. 0; -ENOMEM, or why fd cannot be watched: nothing has
 * changed. Removing a handler does not fail. */
int aio_try_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                           IOHandler *io_read, IOHandler *io_write,
                           AioPollFn *io_poll, IOHandler *io_poll_ready,
                           void *opaque);
int aio_try_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                               EventNotifierHandler *io_read,
                               AioPollFn *io_poll);
static inline bool aio_handler_is_deleted(AioHandler *node)
{
    return qatomic_read(&node->deleted);
}
/* Whether a handler's fd is to be waited for now. */
static inline bool aio_handler_is_waited_for(AioContext *ctx, AioHandler *node)
{
    return !aio_handler_is_deleted(node) && node->pfd.events &&
           aio_node_check(ctx, node->is_external);
}
void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents);
/* The same for the handlers of n fds that a monitor has found; one without is left out. */
void aio_add_ready_fds(AioContext *ctx, AioHandlerList *ready_list,
                       const PortPollFd *fds, int n);
/* The same for one whose io_poll has found something for its io_poll_ready. */
void aio_add_poll_ready_handler(AioHandlerList *ready_list, AioHandler *node);
/* Puts them in the order in which they were registered. */
void aio_sort_ready_handlers(AioHandlerList *list);
/* What there is no time for stays on the list. budget may be NULL. */
bool aio_dispatch_ready_handlers(AioContext *ctx, AioHandlerList *ready_list,
                                 AioBudget *budget);
void aio_free_deleted_handlers(AioContext *ctx);
void aio_free_all_handlers(AioContext *ctx);

/* fdmon-poll.c: the scan */
extern const FDMonOps fdmon_poll_ops;
/* Under list_lock: whether a scan has room for one more handler. */
bool fdmon_poll_has_room(AioContext *ctx);
/* Any thread: makes it. False: out of memory. */
bool fdmon_poll_reserve(AioContext *ctx);
void fdmon_poll_free_room(AioContext *ctx);

/* fdmon-epoll.c */
#ifdef CONFIG_EPOLL
extern const FDMonOps fdmon_epoll_ops;
/* Moves ctx from the scan to epoll. Home. False: it cannot watch one of the handlers;
 * ctx stays on the scan. */
bool fdmon_epoll_upgrade(AioContext *ctx);
void fdmon_epoll_destroy(AioContext *ctx);
/* An fd that is readable when wait has something to report; -1: ctx is not on epoll. */
int fdmon_epoll_fd(AioContext *ctx);
#else
static inline bool fdmon_epoll_upgrade(AioContext *ctx)
{
    (void)ctx;
    return false;
}
static inline void fdmon_epoll_destroy(AioContext *ctx)
{
    (void)ctx;
}
static inline int fdmon_epoll_fd(AioContext *ctx)
{
    (void)ctx;
    return -1;
}
#endif

/* fdmon-io_uring.c */
extern const FDMonOps fdmon_io_uring_ops;
/* Moves ctx, which has no handlers yet, to it. False: this machine has none, or out of
 * memory. */
bool fdmon_io_uring_setup(AioContext *ctx);
void fdmon_io_uring_destroy(AioContext *ctx);
/* Any thread: makes room for fd, if ctx has a ring. False: out of memory. */
bool fdmon_io_uring_reserve(AioContext *ctx, int fd);
/* The same for the ring. */
int fdmon_io_uring_fd(AioContext *ctx);

/* polling.c: adaptive polling in user space */
/* True: progress was made, or will be by what is on ready_list now; *timeout may be
 * less. */
bool aio_try_poll_mode(AioContext *ctx, AioHandlerList *ready_list,
                       int64_t *timeout);
/* Enters or leaves poll mode. True: the last look at the handlers made progress, or
 * put some on ready_list. */
bool aio_poll_set_started(AioContext *ctx, AioHandlerList *ready_list,
                          bool started);
void aio_adapt_polling(AioContext *ctx, int64_t block_ns);

/* dump.c: the home thread, after it slept. */
void aio_dump_wait(AioContext *ctx);

/* gsource.c */
/* Puts the handlers that are ready where dispatch finds them. True: there are some. */
bool aio_find_ready(AioContext *ctx);
/*
 * Home. As aio_dispatch; but bottom halves, handlers and timers stop after ns each, and
 * go on in the next call: one of each kind runs in any case. A loop that is driven so
 * calls check before and prepare after it, which knows of what is left.
 */
void aio_dispatch_for(AioContext *ctx, int64_t ns);
/* GLib's structure has two members more, which it reads and which stay NULL. */
typedef struct AioSourceFuncs {
    GSourceFuncs funcs;
    void *closure_callback;
    void *closure_marshal;
} AioSourceFuncs;
extern const AioSourceFuncs aio_source_funcs;

#endif
