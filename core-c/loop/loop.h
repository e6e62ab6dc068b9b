/* SPDX-License-Identifier: MIT */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H
/* Shared by the files of the loop. "Home thread only" is explained in block/aio.h. */
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
    IOHandler *io_poll_ready;              /* NULL: io_poll does the work itself */
    IOHandler *io_poll_begin;
    IOHandler *io_poll_end;
    void *opaque;
    uint32_t serial;                       /* its place in the order of registration */
    bool is_external;
    bool poll_ready;                       /* io_poll has returned true; home thread */
    bool poll_ready_runs;                  /* io_poll_ready is running; home thread */
    bool deleted;                          /* set under list_lock, read without it */
    QLIST_ENTRY(AioHandler) node;          /* aio_handlers */
    QLIST_ENTRY(AioHandler) node_ready;    /* the ready list of one iteration */
    QLIST_ENTRY(AioHandler) node_deleted;  /* deleted_aio_handlers */
    QLIST_ENTRY(AioHandler) node_poll;     /* poll_aio_handlers */
    uint32_t change;                       /* fdmon-io_uring.c: its last change */
    QSLIST_ENTRY(AioHandler) node_change;  /* the list of changes */
};

/* Bits of AioHandler.change above the events. */
enum {
    AIO_CHANGE_QUEUED = 1 << 30,
    AIO_CHANGE_FREE = 1 << 29,     /* to be freed when it is taken from the list */
};

/* Read atomically: a thread that takes the GSource may change it (aio_context_use_g_source). */
static inline const FDMonOps *aio_fdmon(AioContext *ctx)
{
    return qatomic_load_acquire(&ctx->fdmon_ops);
}

/* Runs the timers that are due, and returns true if there were any. budget may be NULL. Home thread
 * only. */
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
QEMU_NORETURN void aio_refuse_foreign_thread(const char *call);
/* Panics with the name of the call unless this is ctx's home thread. The panic, which needs a frame, is not in here: in
 * WebAssembly a frame is two checked changes of a global, as dear as all the rest. */
static inline void aio_assert_home_thread(AioContext *ctx, const char *call)
{
    if (unlikely(!aio_is_home_thread(ctx))) {
        aio_refuse_foreign_thread(call);
    }
}

/* abandon.c */
/*
 * Abandons a context whose home thread was lost, at any point of its work, and has ended. Its
 * resources are freed, and the threads that serve it end; what others schedule, arm or register in
 * it does nothing from now on. idle(opaque) is called, in any thread, when nobody works on its
 * requests any more: those that have not ended never will, and their memory and files are not used
 * again. The caller keeps its reference.
 */
void aio_context_abandon(AioContext *ctx, void (*idle)(void *opaque),
                         void *opaque);
/* aio_context_serving() adds a thread that has to be waited for before an abandoned context is
 * idle; aio_context_served() says that it has finished. */
void aio_context_serving(AioContext *ctx);
void aio_context_served(AioContext *ctx);

/* retired.c */
/* Keeps a context whose memory is never freed, when its last reference was dropped. */
void aio_context_retire(AioContext *ctx);
/* Returns a retired context, empty, in which nobody can schedule anything any more, or NULL if
 * there is none. */
AioContext *aio_context_take_retired(void);

/* Whether aio_bh_poll() would find any bottom half. Home thread only. */
static inline bool aio_has_bottom_halves(AioContext *ctx)
{
    return qatomic_load_acquire(&ctx->bh_list.slh_first) ||
           !QSIMPLEQ_EMPTY(&ctx->bh_slice_list);
}

/* bh.c */
/* Unqueues all bottom halves without running them, and frees those that are one-shot or have been
 * deleted. */
void aio_bh_drop(AioContext *ctx);
/* The same as qemu_bh_delete() in an abandoned context. Nobody schedules bh any more. Any
 * thread. */
void aio_bh_delete_abandoned(QEMUBH *bh);
/* The same as aio_bh_new(), but returns NULL if there is no memory. */
QEMUBH *aio_bh_try_new(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                       const char *name);
/* Frees a bottom half that has never been scheduled, or does nothing for NULL. */
void aio_bh_discard(QEMUBH *bh);
/* The same as aio_bh_poll(), but may leave bottom halves for the next call when the budget is
 * spent. */
void aio_bh_poll_for(AioContext *ctx, AioBudget *budget);
/* Returns when bottom halves have to run, in nanoseconds: 0 is now; 10 ms if only idle ones are
 * scheduled; -1 if none is. */
int64_t aio_bh_timeout(AioContext *ctx);
/* Calls line for each bottom half that is queued, while the home thread is not running any. */
void aio_bh_dump(AioContext *ctx, AioDumpLine *line, void *opaque);
/* Frees the bottom halves that were deleted; panics if one is still scheduled. */
void aio_bh_drain(AioContext *ctx);

/* handler-table.c */
enum { AIO_FD_CHUNK = 64 };
typedef struct AioFdTable {
    struct AioFdTable *older;
    unsigned size;
    AioHandler **chunks[];                /* of AIO_FD_CHUNK handlers; NULL: none there */
} AioFdTable;

/* Returns where the table has the handler of fd, or NULL if aio_handler_table_reserve() has not
 * made room for it. The place stays where it is. Any thread. */
static inline AioHandler **aio_handler_place(AioContext *ctx, int fd)
{
    AioFdTable *table = qatomic_load_acquire(&ctx->fd_table);
    unsigned which = (unsigned)fd / AIO_FD_CHUNK;
    AioHandler **chunk;

    if (!table || which >= table->size) {
        return NULL;
    }
    chunk = qatomic_load_acquire(&table->chunks[which]);
    return chunk ? &chunk[(unsigned)fd % AIO_FD_CHUNK] : NULL;
}

/* Returns the handler of fd that is not removed, or NULL. Home thread only, inside a walk. */
static inline AioHandler *aio_find_handler(AioContext *ctx, int fd)
{
    AioHandler **place = aio_handler_place(ctx, fd);

    return place ? qatomic_load_acquire(place) : NULL;
}

/* Makes room for fd in the table. Returns false if there is no memory. */
bool aio_handler_table_reserve(AioContext *ctx, int fd);
void aio_handler_table_free(AioContext *ctx);

/* fd-handler.c */
/* The same as aio_set_fd_handler_full(), but io_poll_ready may be NULL, and it returns 0 or -errno:
 * -ENOMEM, or why fd cannot be watched; nothing has changed then. Removing a handler does not
 * fail. */
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
/* Returns true if the loop has to wait for the handler's fd now. */
static inline bool aio_handler_is_waited_for(AioContext *ctx, AioHandler *node)
{
    return !aio_handler_is_deleted(node) && node->pfd.events &&
           aio_node_check(ctx, node->is_external);
}
void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents);
/* The same for the handlers of n fds that a monitor has found; fds without a handler are
 * skipped. */
void aio_add_ready_fds(AioContext *ctx, AioHandlerList *ready_list,
                       const PortPollFd *fds, int n);
/* The same for a handler whose io_poll has found work for its io_poll_ready. */
void aio_add_poll_ready_handler(AioHandlerList *ready_list, AioHandler *node);
/* Sorts the handlers in the order of registration. */
void aio_sort_ready_handlers(AioHandlerList *list);
/* Runs the handlers of the list, and returns true if there was progress. Those for which the budget
 * (or NULL) leaves no time stay on the list. */
bool aio_dispatch_ready_handlers(AioContext *ctx, AioHandlerList *ready_list,
                                 AioBudget *budget);
void aio_free_deleted_handlers(AioContext *ctx);
void aio_free_all_handlers(AioContext *ctx);

/* fdmon-poll.c: the scan */
extern const FDMonOps fdmon_poll_ops;
/* Returns true if a scan has room for one more handler. Called with list_lock held. */
bool fdmon_poll_has_room(AioContext *ctx);
/* Makes such room. Returns false if there is no memory. Any thread. */
bool fdmon_poll_reserve(AioContext *ctx);
void fdmon_poll_free_room(AioContext *ctx);

/* fdmon-epoll.c */
#ifdef CONFIG_EPOLL
extern const FDMonOps fdmon_epoll_ops;
/* Moves ctx from the scan to epoll. Returns false, and ctx stays on the scan, if epoll cannot watch
 * one of the handlers. Home thread only. */
bool fdmon_epoll_upgrade(AioContext *ctx);
void fdmon_epoll_destroy(AioContext *ctx);
/* Returns an fd that is readable when wait has something to report, or -1 if ctx is not on
 * epoll. */
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
/* Makes ctx, which has no handlers yet, use the ring. Returns false if this machine has none, or
 * there is no memory. */
bool fdmon_io_uring_setup(AioContext *ctx);
void fdmon_io_uring_destroy(AioContext *ctx);
/* Makes room for fd, if ctx has a ring. Returns false if there is no memory. Any thread. */
bool fdmon_io_uring_reserve(AioContext *ctx, int fd);
/* The same as fdmon_epoll_fd() for the ring. */
int fdmon_io_uring_fd(AioContext *ctx);

/* aio-poll.c: an iteration for callers that have something to do before the loop may sleep. It polls
 * in user space where a sleep would be preceded by that, for at most max_ns, but never sleeps. Returns
 * true if there was progress. Home thread only. */
bool aio_poll_awake(AioContext *ctx, int64_t max_ns);

/* polling.c: adaptive polling in user space */
/* Polls in user space before a sleep. Returns true if there was progress, or will be by the
 * handlers that are on ready_list now; may lower *timeout. *now: the time, or 0 if it was not read yet; it
 * is what was read last afterwards. */
bool aio_try_poll_mode(AioContext *ctx, AioHandlerList *ready_list,
                       int64_t *timeout, int64_t *now);
/* Enters or leaves poll mode. Returns true if the last look at the handlers made progress or put
 * some on ready_list. */
bool aio_poll_set_started(AioContext *ctx, AioHandlerList *ready_list,
                          bool started);
void aio_adapt_polling(AioContext *ctx, int64_t block_ns);

/* dump.c. The home thread calls it after it slept, and waits until no thread is reading the
 * context. */
void aio_dump_wait(AioContext *ctx);

/* gsource.c */
/* Puts the handlers that are ready where dispatch finds them. Returns true if there are some. */
bool aio_find_ready(AioContext *ctx);
/*
 * The same as aio_dispatch(), but bottom halves, handlers and timers each stop after ns nanoseconds
 * and go on in the next call; at least one of each kind runs. A loop that is driven in this way
 * calls check before and prepare after it; prepare knows of what is left. Home thread only.
 */
void aio_dispatch_for(AioContext *ctx, int64_t ns);
/* GLib's struct has two more members, which GLib reads and which stay NULL. */
typedef struct AioSourceFuncs {
    GSourceFuncs funcs;
    void *closure_callback;
    void *closure_marshal;
} AioSourceFuncs;
extern const AioSourceFuncs aio_source_funcs;

#endif
