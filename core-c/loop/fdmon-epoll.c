/* SPDX-License-Identifier: MIT */
/*
 * The epoll(7) monitor: the cost of a wait depends on how many handlers are ready,
 * not on how many there are. In QEMU util/fdmon-epoll.c.
 *
 * Where there is no ring, a context moves here from the scan when it has many
 * handlers or its GSource is taken. It stays, unless epoll cannot watch one of its
 * fds.
 */
#include "loop/loop.h"

#ifdef CONFIG_EPOLL

enum { MAX_READY = 128 };

/* epoll does not know which handlers are external; the scan does. */
static int scan_wait(AioContext *ctx, AioHandlerList *ready_list,
                     int64_t timeout)
{
    return fdmon_poll_ops.wait(ctx, ready_list, timeout);
}

static int fdmon_epoll_wait(AioContext *ctx, AioHandlerList *ready_list,
                            int64_t timeout)
{
    PortPollFd ready[MAX_READY];
    int n;

    if (aio_external_disabled(ctx)) {
        return scan_wait(ctx, ready_list, timeout);
    }
    n = port_ready_wait(ctx->ready_set, ready, MAX_READY, ctx->wakeup->fd,
                        timeout);
    aio_add_ready_fds(ctx, ready_list, ready, n);
    return n;
}

/* Goes back to the scan for good, because epoll cannot watch an fd. */
static void give_up(AioContext *ctx)
{
    qatomic_store_release(&ctx->fdmon_ops, &fdmon_poll_ops);
    qatomic_set(&ctx->epoll_refused, true);
}

static void fdmon_epoll_update(AioContext *ctx, AioHandler *old_node,
                               AioHandler *new_node)
{
    int fd = (new_node ? new_node : old_node)->pfd.fd;
    int events = new_node ? new_node->pfd.events : 0;

    if (port_ready_update(ctx->ready_set, fd, events) < 0 &&
        new_node) {
        give_up(ctx);
    }
}

void fdmon_epoll_destroy(AioContext *ctx)
{
    port_ready_free(ctx->ready_set);
    ctx->ready_set = NULL;
}

int fdmon_epoll_fd(AioContext *ctx)
{
    return aio_fdmon(ctx) == &fdmon_epoll_ops ? port_ready_fd(ctx->ready_set) : -1;
}

bool fdmon_epoll_upgrade(AioContext *ctx)
{
    AioHandler *node;
    bool done = false;

    if (qatomic_read(&ctx->epoll_refused)) {
        return false;
    }
    qemu_lockcnt_lock(&ctx->list_lock);
    if (!ctx->ready_set) {
        ctx->ready_set = port_ready_new(ctx->wakeup->watcher);
    }
    if (ctx->ready_set && !ctx->epoll_refused) {
        done = true;
        QLIST_FOREACH(node, &ctx->aio_handlers, node) {
            if (!aio_handler_is_deleted(node) && node->pfd.events) {
                done &= port_ready_update(ctx->ready_set, node->pfd.fd,
                                          node->pfd.events) >= 0;
            }
        }
    }
    if (done) {
        qatomic_store_release(&ctx->fdmon_ops, &fdmon_epoll_ops);
    } else {
        give_up(ctx);
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    return done;
}

const FDMonOps fdmon_epoll_ops = {
    .update = fdmon_epoll_update,
    .wait = fdmon_epoll_wait,
    .need_wait = aio_poll_disabled,
};
#endif
