/* SPDX-License-Identifier: MIT */
/* The scanning monitor: every wait looks at every handler; in QEMU
 * util/fdmon-poll.c. */
#include "loop/loop.h"
#include "port/calls.h"

/* The number of fds from which on epoll is worthwhile; in QEMU
 * util/fdmon-epoll.c. */
#define UPGRADE_THRESHOLD 64

/* ---- Room ---- */

/* What a scan fills in. The thread that registers a handler makes it large enough,
 * so that the scan itself never needs memory. */
typedef struct AioScanRoom {
    unsigned size;
    AioHandler **nodes;        /* behind fds; both have size entries */
    PortPollFd fds[];
} AioScanRoom;

/* One entry more, because a scan may meet both a replaced handler and its
 * replacement. */
bool fdmon_poll_has_room(AioContext *ctx)
{
    return ctx->handlers_with_events + 1 < ctx->scan_size;
}

bool fdmon_poll_reserve(AioContext *ctx)
{
    unsigned size = MAX(8, 2 * qatomic_read(&ctx->handlers_with_events) + 2);
    AioScanRoom *room = malloc(sizeof(*room) +
                               size * (sizeof(*room->fds) +
                                       sizeof(*room->nodes)));

    if (!room) {
        return false;
    }
    room->size = size;
    room->nodes = (AioHandler **)&room->fds[size];
    qemu_lockcnt_lock(&ctx->list_lock);
    if (size > ctx->scan_size) {
        qatomic_set(&ctx->scan_size, size);
        room = qatomic_xchg(&ctx->next_scan_room, room);
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    free(room);
    return true;
}

static AioScanRoom *take_room(AioContext *ctx)
{
    if (unlikely(qatomic_read(&ctx->next_scan_room))) {
        free(ctx->scan_room);
        ctx->scan_room = qatomic_xchg(&ctx->next_scan_room, NULL);
    }
    return ctx->scan_room;
}

void fdmon_poll_free_room(AioContext *ctx)
{
    free(ctx->scan_room);
    free(ctx->next_scan_room);
    ctx->scan_room = ctx->next_scan_room = NULL;
    ctx->scan_size = 0;
}

/* ---- Waiting ---- */

/* The list has the newest handlers first, and aio_add_ready_handler() inserts at
 * the head: the handler that was registered first runs first. */
static int fdmon_poll_wait(AioContext *ctx, AioHandlerList *ready_list,
                           int64_t timeout)
{
    AioScanRoom *room;
    unsigned n = 0;
    AioHandler *node;
    int ret;

    if (qatomic_read(&ctx->handlers_with_events) >= UPGRADE_THRESHOLD &&
        !aio_external_disabled(ctx) && fdmon_epoll_upgrade(ctx)) {
        return CALL_OWN(aio_fdmon(ctx)->wait, ctx, ready_list, timeout);
    }
    room = take_room(ctx);
    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        if (!aio_handler_is_waited_for(ctx, node)) {
            continue;
        }
        if (!room || n == room->size) {
            /* Handlers have been added meanwhile: the next wait uses the larger
             * room that was made for them. */
            timeout = 0;
            break;
        }
        room->fds[n] = (PortPollFd){ node->pfd.fd, node->pfd.events, 0 };
        room->nodes[n++] = node;
    }
    /* A context that is being destroyed has no handlers and no room. */
    ret = port_fd_poll(room ? room->fds : NULL, n, ctx->wakeup->fd, timeout);
    if (ret > 0) {
        for (unsigned i = 0; i < n; i++) {
            if (room->fds[i].revents) {
                aio_add_ready_handler(ready_list, room->nodes[i],
                                      room->fds[i].revents);
            }
        }
    }
    return ret;
}

static void fdmon_poll_update(AioContext *ctx, AioHandler *old_node,
                              AioHandler *new_node)
{
    (void)ctx;
    (void)old_node;
    (void)new_node;
}

const FDMonOps fdmon_poll_ops = {
    .update = fdmon_poll_update,
    .wait = fdmon_poll_wait,
    .need_wait = aio_poll_disabled,
};
