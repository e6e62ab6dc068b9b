/* SPDX-License-Identifier: MIT */
/* Running the handlers whose fds are ready. util/aio-posix.c */
#include "loop/aio-context.h"

void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents)
{
    QLIST_SAFE_REMOVE(node, node_ready);   /* a nested poll found it again */
    qatomic_set(&node->pfd.revents, (short)revents);
    QLIST_INSERT_HEAD(ready_list, node, node_ready);
}

/* Each call-back may remove the handler or disable external ones. */
static bool may_run(AioContext *ctx, AioHandler *node)
{
    return !aio_handler_is_deleted(node) &&
           aio_node_check(ctx, node->is_external);
}

static bool dispatch_handler(AioContext *ctx, AioHandler *node)
{
    int revents = node->pfd.revents & node->pfd.events;
    bool progress = false;

    qatomic_set(&node->pfd.revents, 0);
    /* Its fd fired once: from now on polling it may spare a sleep. */
    if (node->io_poll && !QLIST_IS_INSERTED(node, node_poll) &&
        !aio_handler_is_deleted(node)) {
        QLIST_INSERT_HEAD(&ctx->poll_aio_handlers, node, node_poll);
        if (ctx->poll_started && node->io_poll_begin) {
            node->io_poll_begin(node->opaque);
        }
    }
    if (node->io_read && may_run(ctx, node) &&
        (revents & (PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR))) {
        aio_stat_add(&ctx->stats.handlers, 1);
        node->io_read(node->opaque);
        progress = node->opaque != &ctx->notifier;
    }
    if (node->io_write && may_run(ctx, node) &&
        (revents & (PORT_POLLOUT | PORT_POLLERR))) {
        aio_stat_add(&ctx->stats.handlers, 1);
        node->io_write(node->opaque);
        progress = true;
    }
    return progress;
}

bool aio_dispatch_ready_handlers(AioContext *ctx, AioHandlerList *ready_list,
                                 AioBudget *budget)
{
    bool progress = false;
    AioHandler *node;

    if (QLIST_EMPTY(ready_list)) {
        return false;
    }
    port_coroutine_fence(1);
    while ((node = QLIST_FIRST(ready_list))) {
        QLIST_REMOVE(node, node_ready);
        progress |= dispatch_handler(ctx, node);
        if (aio_budget_is_spent(budget)) {
            break;
        }
    }
    port_coroutine_fence(-1);
    return progress;
}
