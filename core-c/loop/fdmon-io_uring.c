/* SPDX-License-Identifier: MIT */
/*
 * One-shot polls through a ring: a wait costs as much as there is ready, and
 * whether anything is can be seen without a call. io_uring(7) in the posix port,
 * polls that producers complete in shared memory in the WebAssembly one.
 * util/fdmon-io_uring.c
 *
 * Any thread may add and remove handlers, the home thread alone uses the ring: it
 * takes over the changes, and arms again what was reported, before the next wait.
 * A handler whose fd stays ready is therefore reported in each wait. A context
 * comes here when its io_uring engine is set up.
 */
#include "loop/aio-context.h"

enum { MAX_READY = 128 };

typedef struct PollChange {
    int fd;
    int events;                /* 0: no longer */
    QSLIST_ENTRY(PollChange) next;
} PollChange;
typedef QSLIST_HEAD(, PollChange) PollChanges;

struct AioPollRing {
    PortPollRing *port;
    PollChanges changes;       /* pushed by any thread, the newest first */
    /* The home thread's. */
    short *wanted;             /* events by fd; wanted_size long */
    unsigned wanted_size;
    int *reported;             /* to be armed again; twice as long, for the
                                * notifier may be reported more than once */
    unsigned reported_count;
};
typedef struct AioPollRing AioPollRing;

/* ---- Changes ---- */

static void make_room(AioPollRing *ring, int fd)
{
    unsigned size = MAX(64, ring->wanted_size);

    if ((unsigned)fd < ring->wanted_size) {
        return;
    }
    while (size <= (unsigned)fd) {
        size *= 2;
    }
    ring->wanted = realloc(ring->wanted, size * sizeof(*ring->wanted));
    ring->reported = realloc(ring->reported,
                             2 * size * sizeof(*ring->reported));
    if (!ring->wanted || !ring->reported) {
        port_panic("aio_poll: out of memory for fd %d", fd);
    }
    memset(ring->wanted + ring->wanted_size, 0,
           (size - ring->wanted_size) * sizeof(*ring->wanted));
    ring->wanted_size = size;
}

/* Under list_lock. */
static void push_change(AioPollRing *ring, int fd, int events)
{
    PollChange *change = malloc(sizeof(*change));

    if (!change) {
        port_panic("aio_set_fd_handler: fd %d: out of memory", fd);
    }
    *change = (PollChange){ .fd = fd, .events = events };
    QSLIST_INSERT_HEAD_ATOMIC(&ring->changes, change, next);
}

static void fdmon_io_uring_update(AioContext *ctx, AioHandler *old_node,
                                  AioHandler *new_node)
{
    push_change(ctx->poll_ring, (new_node ? new_node : old_node)->pfd.fd,
                new_node ? new_node->pfd.events : 0);
}

static void take_changes(AioPollRing *ring)
{
    PollChanges taken, in_order;
    PollChange *change;

    QSLIST_INIT(&in_order);
    QSLIST_MOVE_ATOMIC(&taken, &ring->changes);
    while ((change = QSLIST_FIRST(&taken))) {
        QSLIST_REMOVE_HEAD(&taken, next);
        QSLIST_INSERT_HEAD(&in_order, change, next);
    }
    while ((change = QSLIST_FIRST(&in_order))) {
        QSLIST_REMOVE_HEAD(&in_order, next);
        make_room(ring, change->fd);
        ring->wanted[change->fd] = (short)change->events;
        port_poll_ring_arm(ring->port, change->fd, change->events);
        free(change);
    }
}

/* Home. The ring knows of everything that is to be waited for. */
static void bring_up_to_date(AioPollRing *ring)
{
    while (ring->reported_count) {
        int fd = ring->reported[--ring->reported_count];
        if (ring->wanted[fd]) {
            port_poll_ring_arm(ring->port, fd, ring->wanted[fd]);
        }
    }
    if (qatomic_mb_read(&ring->changes.slh_first)) {
        take_changes(ring);
    }
}

/* ---- Waiting ---- */

static int collect(AioPollRing *ring, PortPollFd *ready, int64_t timeout)
{
    int n = port_poll_ring_wait(ring->port, ready, MAX_READY, timeout);

    for (int i = 0; i < n; i++) {
        make_room(ring, ready[i].fd);
        ring->reported[ring->reported_count++] = ready[i].fd;
    }
    return n;
}

static int fdmon_io_uring_wait(AioContext *ctx, AioHandlerList *ready_list,
                               int64_t timeout)
{
    AioPollRing *ring = ctx->poll_ring;
    PortPollFd ready[MAX_READY];
    int n;

    bring_up_to_date(ring);
    if (aio_external_disabled(ctx)) {
        /* The ring knows nothing of external handlers; the scan does. What the
         * ring says now may not be true any more when it is asked again. */
        while (collect(ring, ready, 0) == MAX_READY) {
            continue;
        }
        return fdmon_poll_ops.wait(ctx, ready_list, timeout);
    }
    n = collect(ring, ready, timeout);
    for (int i = 0; i < n; i++) {
        AioHandler *node = aio_find_handler(ctx, ready[i].fd);
        if (node) {
            aio_add_ready_handler(ready_list, node, ready[i].revents);
        }
    }
    return n;
}

static bool fdmon_io_uring_need_wait(AioContext *ctx)
{
    bring_up_to_date(ctx->poll_ring);
    return aio_external_disabled(ctx) ||
           port_poll_ring_pending(ctx->poll_ring->port);
}

const FDMonOps fdmon_io_uring_ops = {
    .update = fdmon_io_uring_update,
    .wait = fdmon_io_uring_wait,
    .need_wait = fdmon_io_uring_need_wait,
};

/* ---- Coming and going ---- */

bool fdmon_io_uring_setup(AioContext *ctx)
{
    AioPollRing *ring;
    AioHandler *node;
    int error;

    if (ctx->poll_ring || qatomic_mb_read(&ctx->has_g_source)) {
        return aio_fdmon(ctx) == &fdmon_io_uring_ops;
    }
    ring = calloc(1, sizeof(*ring));
    if (!ring || !(ring->port = port_poll_ring_new(ctx->watcher, &error))) {
        free(ring);
        return false;
    }
    ctx->poll_ring = ring;
    qemu_lockcnt_lock(&ctx->list_lock);
    QLIST_FOREACH(node, &ctx->aio_handlers, node) {
        if (!aio_handler_is_deleted(node) && node->pfd.events) {
            push_change(ring, node->pfd.fd, node->pfd.events);
        }
    }
    qatomic_store_release(&ctx->fdmon_ops, &fdmon_io_uring_ops);
    qemu_lockcnt_unlock(&ctx->list_lock);
    return true;
}

void fdmon_io_uring_destroy(AioContext *ctx)
{
    AioPollRing *ring = ctx->poll_ring;
    PollChange *change;

    if (!ring) {
        return;
    }
    while ((change = QSLIST_FIRST(&ring->changes))) {
        QSLIST_REMOVE_HEAD(&ring->changes, next);
        free(change);
    }
    port_poll_ring_free(ring->port);
    free(ring->wanted);
    free(ring->reported);
    free(ring);
    ctx->poll_ring = NULL;
}
