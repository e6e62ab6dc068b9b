/* SPDX-License-Identifier: MIT */
/* The scanning monitor: every wait looks at every handler. util/fdmon-poll.c */
#include "loop/aio-context.h"

/* As many fds as make the ready list worth its while; util/fdmon-epoll.c. */
#define UPGRADE_THRESHOLD 64

static void grow(AioContext *ctx)
{
    unsigned size = ctx->pollfds_size ? 2 * ctx->pollfds_size : 8;
    PortPollFd *fds = realloc(ctx->pollfds, size * sizeof(*fds));
    AioHandler **nodes = realloc(ctx->polled_nodes, size * sizeof(*nodes));

    if (!fds || !nodes) {
        port_panic("aio_poll: out of memory for %u fds", size);
    }
    ctx->pollfds = fds;
    ctx->polled_nodes = nodes;
    ctx->pollfds_size = size;
}

/* Handlers are newest first, and aio_add_ready_handler inserts at the head:
 * what was registered first runs first. */
static int fdmon_poll_wait(AioContext *ctx, AioHandlerList *ready_list,
                           int64_t timeout)
{
    unsigned n = 0;
    AioHandler *node;
    int ret;

    if (qatomic_read(&ctx->handlers_with_events) >= UPGRADE_THRESHOLD &&
        !aio_external_disabled(ctx) && fdmon_ready_upgrade(ctx)) {
        return aio_fdmon(ctx)->wait(ctx, ready_list, timeout);
    }
    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        if (!aio_handler_is_waited_for(ctx, node)) {
            continue;
        }
        if (n == ctx->pollfds_size) {
            grow(ctx);
        }
        ctx->pollfds[n] = (PortPollFd){ node->pfd.fd, node->pfd.events, 0 };
        ctx->polled_nodes[n++] = node;
    }
    ret = port_fd_poll(ctx->pollfds, n, ctx->watcher->fd, timeout);
    if (ret > 0) {
        for (unsigned i = 0; i < n; i++) {
            if (ctx->pollfds[i].revents) {
                aio_add_ready_handler(ready_list, ctx->polled_nodes[i],
                                      ctx->pollfds[i].revents);
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
