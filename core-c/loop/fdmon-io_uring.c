/* SPDX-License-Identifier: MIT */
/*
 * The ring monitor: one-shot polls through a ring. The cost of a wait depends on
 * how many handlers are ready, and looking whether any is needs no system call. The
 * ring is io_uring(7) in the posix port; in WebAssembly, producers complete the
 * polls in shared memory. In QEMU util/fdmon-io_uring.c.
 *
 * Any thread may add and remove handlers, but only the home thread uses the ring:
 * before each wait it takes over the changes and re-arms the polls that were
 * reported. A handler whose fd stays ready is therefore reported by each wait.
 * Where the machine has a ring, a context uses it from the start.
 */
#include "loop/loop.h"
#include "port/calls.h"

enum { MAX_READY = 128 };

typedef QSLIST_HEAD(, AioHandler) ChangeList;

struct AioPollRing {
    PortPollRing *port;
    ChangeList changes;        /* pushed by any thread; newest first */
};
typedef struct AioPollRing AioPollRing;

/* ---- Changes ----
 *
 * A handler is its own entry in the list of changes, so that a change needs no
 * memory. AioHandler.change is the events that its fd is to be polled for (0: no
 * longer) and whether it is in the list. One that is freed while it is in the list
 * lives until it is taken from there: AIO_CHANGE_FREE.
 */

/* Called with list_lock held. */
static void push_change(AioPollRing *ring, AioHandler *node, int events)
{
    uint32_t old = qatomic_xchg(&node->change,
                                AIO_CHANGE_QUEUED | (uint32_t)events);

    if (!(old & AIO_CHANGE_QUEUED)) {
        QSLIST_INSERT_HEAD_ATOMIC(&ring->changes, node, node_change);
    }
}

static void fdmon_io_uring_update(AioContext *ctx, AioHandler *old_node,
                                  AioHandler *new_node)
{
    if (new_node) {
        push_change(ctx->poll_ring, new_node, new_node->pfd.events);
    } else {
        push_change(ctx->poll_ring, old_node, 0);
    }
}

/* Takes the change of a node that has left the list, and returns its events. The
 * node may have been freed when it returns. */
static int take_change(AioHandler *node)
{
    uint32_t change = qatomic_fetch_and(&node->change,
                                        ~(uint32_t)AIO_CHANGE_QUEUED);

    if (change & AIO_CHANGE_FREE) {
        free(node);
    }
    return (int)(change & (AIO_CHANGE_FREE - 1));
}

/* Takes the oldest first: of several handlers of one fd, the newest counts. */
static void take_changes(AioPollRing *ring)
{
    ChangeList taken, in_order;
    AioHandler *node;

    QSLIST_INIT(&in_order);
    QSLIST_MOVE_ATOMIC(&taken, &ring->changes);
    while ((node = QSLIST_FIRST(&taken))) {
        QSLIST_REMOVE_HEAD(&taken, node_change);
        QSLIST_INSERT_HEAD(&in_order, node, node_change);
    }
    while ((node = QSLIST_FIRST(&in_order))) {
        int fd = node->pfd.fd;

        QSLIST_REMOVE_HEAD(&in_order, node_change);
        port_poll_ring_arm(ring->port, fd, take_change(node));
    }
}

/* Hands all changes and re-armed polls to the ring. Home thread only. */
static void bring_up_to_date(AioPollRing *ring)
{
    port_poll_ring_rearm(ring->port);
    if (qatomic_mb_read(&ring->changes.slh_first)) {
        take_changes(ring);
    }
}

/* ---- Waiting ---- */

static int fdmon_io_uring_wait(AioContext *ctx, AioHandlerList *ready_list,
                               int64_t timeout)
{
    AioPollRing *ring = ctx->poll_ring;
    PortPollFd ready[MAX_READY];
    int n;

    bring_up_to_date(ring);
    if (aio_external_disabled(ctx)) {
        /* The ring does not know which handlers are external; the scan does. What
         * the ring reports now may no longer be true when it is asked again. */
        while (port_poll_ring_wait(ring->port, ready, MAX_READY, 0) ==
               MAX_READY) {
            continue;
        }
        return CALL_OWN(fdmon_poll_ops.wait, ctx, ready_list, timeout);
    }
    n = port_poll_ring_wait(ring->port, ready, MAX_READY, timeout);
    aio_add_ready_fds(ctx, ready_list, ready, n);
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

bool fdmon_io_uring_reserve(AioContext *ctx, int fd)
{
    return !ctx->poll_ring || port_poll_ring_reserve(ctx->poll_ring->port, fd);
}

int fdmon_io_uring_fd(AioContext *ctx)
{
    return port_poll_ring_fd(ctx->poll_ring->port);
}

bool fdmon_io_uring_setup(AioContext *ctx)
{
    AioPollRing *ring = calloc(1, sizeof(*ring));
    int error;

    if (!ring || !(ring->port = port_poll_ring_new(ctx->wakeup->watcher, &error))) {
        free(ring);
        return false;
    }
    ctx->poll_ring = ring;
    qatomic_store_release(&ctx->fdmon_ops, &fdmon_io_uring_ops);
    return true;
}

void fdmon_io_uring_destroy(AioContext *ctx)
{
    AioPollRing *ring = ctx->poll_ring;
    AioHandler *node;

    if (!ring) {
        return;
    }
    while ((node = QSLIST_FIRST(&ring->changes))) {
        QSLIST_REMOVE_HEAD(&ring->changes, node_change);
        take_change(node);
    }
    port_poll_ring_free(ring->port);
    free(ring);
    ctx->poll_ring = NULL;
}
