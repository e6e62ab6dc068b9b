/* SPDX-License-Identifier: MIT */
/*
 * The handlers of a context: adding, removing, running. util/aio-posix.c
 *
 * list_lock counts the walks of aio_handlers. Its lock alone lets one insert;
 * with the lock and a count of 0 one may free. Whoever removes a handler during
 * a walk therefore only marks it (deleted), and the outermost walk frees it at
 * its end.
 */
#include "loop/aio-context.h"
#include <string.h>

static AioHandler *find_handler(AioContext *ctx, int fd)
{
    AioHandler *node;

    QLIST_FOREACH(node, &ctx->aio_handlers, node) {
        if (node->pfd.fd == fd && !aio_handler_is_deleted(node)) {
            return node;
        }
    }
    return NULL;
}

/* Under list_lock. */
static void remove_handler(AioContext *ctx, AioHandler *node)
{
    if (qemu_lockcnt_count(&ctx->list_lock)) {
        qatomic_set(&node->deleted, true);
        QLIST_INSERT_HEAD_RCU(&ctx->deleted_aio_handlers, node, node_deleted);
    } else {
        QLIST_REMOVE(node, node);
        free(node);
    }
}

bool aio_poll_disabled(AioContext *ctx)
{
    return qatomic_read(&ctx->poll_disable_cnt);
}

/* The loop's own notifier is the word it sleeps on: watching it would make its
 * setting notify the loop, which sets it. */
static void watch_fd(AioContext *ctx, int fd, bool on)
{
    int ret = fd == ctx->watcher->fd ? 0 : port_fd_watch(fd, ctx->watcher, on);

    if (ret < 0 && on) {
        port_panic("aio_set_fd_handler: fd %d: %s", fd, strerror(-ret));
    }
}

void aio_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                        IOHandler *io_read, IOHandler *io_write,
                        AioPollFn *io_poll, void *opaque)
{
    AioHandler *old_node, *new_node = NULL;
    int poll_disable_change;

    if (io_read || io_write || io_poll) {
        new_node = calloc(1, sizeof(*new_node));
        if (!new_node) {
            port_panic("aio_set_fd_handler: fd %d: out of memory", fd);
        }
        new_node->pfd.fd = fd;
        new_node->pfd.events =
            (io_read ? PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR : 0) |
            (io_write ? PORT_POLLOUT | PORT_POLLERR : 0);
        new_node->io_read = io_read;
        new_node->io_write = io_write;
        new_node->io_poll = io_poll;
        new_node->opaque = opaque;
        new_node->is_external = is_external;
    }

    qemu_lockcnt_lock(&ctx->list_lock);
    old_node = find_handler(ctx, fd);
    if (!old_node && !new_node) {
        qemu_lockcnt_unlock(&ctx->list_lock);
        return;
    }
    watch_fd(ctx, fd, new_node);
    poll_disable_change = (new_node && !io_poll) -
                          (old_node && !old_node->io_poll);
    qatomic_set(&ctx->poll_disable_cnt,
                ctx->poll_disable_cnt + poll_disable_change);
    if (new_node) {
        if (old_node) {
            new_node->pfd.revents = qatomic_read(&old_node->pfd.revents);
        }
        QLIST_INSERT_HEAD_RCU(&ctx->aio_handlers, new_node, node);
    }
    ctx->fdmon_ops->update(ctx, old_node, new_node);
    if (old_node) {
        remove_handler(ctx, old_node);
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    aio_notify(ctx);
}

void aio_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                            bool is_external, EventNotifierHandler *io_read,
                            AioPollFn *io_poll)
{
    aio_set_fd_handler(ctx, event_notifier_get_fd(notifier), is_external,
                       (IOHandler *)io_read, NULL, io_poll, notifier);
}

/* ---- Running them ---- */

void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents)
{
    QLIST_SAFE_REMOVE(node, node_ready);   /* a nested poll found it again */
    qatomic_set(&node->pfd.revents, (short)revents);
    QLIST_INSERT_HEAD(ready_list, node, node_ready);
}

static bool dispatch_handler(AioContext *ctx, AioHandler *node)
{
    int revents = node->pfd.revents & node->pfd.events;
    bool progress = false;

    qatomic_set(&node->pfd.revents, 0);
    /* Each call-back may remove the handler: hence the check before each. */
    if (!aio_handler_is_deleted(node) && node->io_read &&
        (revents & (PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR))) {
        aio_stat_add(&ctx->stats.handlers, 1);
        node->io_read(node->opaque);
        progress = node->opaque != &ctx->notifier;
    }
    if (!aio_handler_is_deleted(node) && node->io_write &&
        (revents & (PORT_POLLOUT | PORT_POLLERR))) {
        aio_stat_add(&ctx->stats.handlers, 1);
        node->io_write(node->opaque);
        progress = true;
    }
    return progress;
}

bool aio_dispatch_ready_handlers(AioContext *ctx, AioHandlerList *ready_list)
{
    bool progress = false;
    AioHandler *node;

    while ((node = QLIST_FIRST(ready_list))) {
        QLIST_REMOVE(node, node_ready);
        progress |= dispatch_handler(ctx, node);
    }
    return progress;
}

bool aio_dispatch_handlers(AioContext *ctx)
{
    bool progress = false;
    AioHandler *node;

    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        progress |= dispatch_handler(ctx, node);
    }
    return progress;
}

void aio_free_deleted_handlers(AioContext *ctx)
{
    AioHandler *node;

    if (likely(!qatomic_read(&ctx->deleted_aio_handlers.lh_first)) ||
        !qemu_lockcnt_dec_if_lock(&ctx->list_lock)) {
        return;
    }
    while ((node = QLIST_FIRST(&ctx->deleted_aio_handlers))) {
        QLIST_REMOVE(node, node);
        QLIST_REMOVE(node, node_deleted);
        QLIST_SAFE_REMOVE(node, node_ready);
        free(node);
    }
    qemu_lockcnt_inc_and_unlock(&ctx->list_lock);
}

/* Finalization: handlers that are still registered are not an error. */
void aio_free_all_handlers(AioContext *ctx)
{
    AioHandler *node;

    while ((node = QLIST_FIRST(&ctx->aio_handlers))) {
        if (!aio_handler_is_deleted(node)) {
            watch_fd(ctx, node->pfd.fd, false);
        }
        QLIST_REMOVE(node, node);
        free(node);
    }
    free(ctx->pollfds);
    free(ctx->polled_nodes);
}
