/* SPDX-License-Identifier: MIT */
/*
 * The handlers of a context: adding, changing, removing. util/aio-posix.c
 *
 * list_lock counts the walks of aio_handlers. Its lock alone lets one insert;
 * with the lock and a count of 0 one may free. Whoever removes a handler during
 * a walk therefore only marks it (deleted), and the outermost walk frees it at
 * its end.
 */
#include "loop/aio-context.h"
#include <string.h>

/* ---- By fd ----
 *
 * Finding a handler costs the same whatever their number. The table grows by
 * doubling; a reader without the lock may still be in an old one, so these are
 * kept until the context goes: together they are no larger than the newest.
 */

typedef struct FdTable {
    struct FdTable *older;
    AioHandler *handlers[];
} FdTable;

static FdTable *table_of(AioHandler **handlers)
{
    return container_of(handlers, FdTable, handlers[0]);
}

/* A table in which fd has a place; NULL if the present one will do. */
static FdTable *larger_table(AioContext *ctx, int fd)
{
    unsigned size = MAX(64, 2 * qatomic_read(&ctx->fd_table_size));
    FdTable *table;

    if ((unsigned)fd < qatomic_read(&ctx->fd_table_size)) {
        return NULL;
    }
    while (size <= (unsigned)fd) {
        size *= 2;
    }
    table = calloc(1, sizeof(*table) + size * sizeof(AioHandler *));
    if (!table) {
        port_panic("aio_set_fd_handler: fd %d: out of memory", fd);
    }
    table->older = (FdTable *)(uintptr_t)size;     /* until it is put to use */
    return table;
}

/* Under list_lock. Another thread may have been quicker. */
static void use_table(AioContext *ctx, FdTable *table)
{
    unsigned size = (unsigned)(uintptr_t)table->older;

    if (size <= ctx->fd_table_size) {
        free(table);
        return;
    }
    if (ctx->fd_table_size) {
        memcpy(table->handlers, ctx->handler_by_fd,
               ctx->fd_table_size * sizeof(AioHandler *));
        table->older = table_of(ctx->handler_by_fd);
    } else {
        table->older = NULL;
    }
    /* In this order: a reader that sees the new size sees the new table. */
    qatomic_store_release(&ctx->handler_by_fd, table->handlers);
    qatomic_store_release(&ctx->fd_table_size, size);
}

AioHandler *aio_find_handler(AioContext *ctx, int fd)
{
    if ((unsigned)fd >= qatomic_load_acquire(&ctx->fd_table_size)) {
        return NULL;
    }
    return qatomic_load_acquire(
        &qatomic_load_acquire(&ctx->handler_by_fd)[fd]);
}

/* ---- Adding, changing, removing ---- */

bool aio_poll_disabled(AioContext *ctx)
{
    return qatomic_read(&ctx->poll_disable_cnt);
}

bool aio_handler_is_waited_for(AioContext *ctx, AioHandler *node)
{
    return !aio_handler_is_deleted(node) && node->pfd.events &&
           aio_node_check(ctx, node->is_external);
}

/* Under list_lock. */
static void remove_handler(AioContext *ctx, AioHandler *node)
{
    if (qemu_lockcnt_count(&ctx->list_lock)) {
        qatomic_set(&node->deleted, true);
        QLIST_INSERT_HEAD_RCU(&ctx->deleted_aio_handlers, node, node_deleted);
    } else {
        /* No walk: so the home thread uses neither of these lists. */
        QLIST_SAFE_REMOVE(node, node_poll);
        QLIST_SAFE_REMOVE(node, node_ready);
        QLIST_REMOVE(node, node);
        free(node);
    }
}

/* The loop's own notifier is the word it sleeps on: watching it would make its
 * setting notify the loop, which sets it. */
static int watch_fd(AioContext *ctx, int fd, bool on)
{
    return fd == ctx->watcher->fd ? 0 : port_fd_watch(fd, ctx->watcher, on);
}

static AioHandler *new_handler(int fd, bool is_external, IOHandler *io_read,
                               IOHandler *io_write, AioPollFn *io_poll,
                               void *opaque)
{
    static uint32_t serial;
    AioHandler *node = calloc(1, sizeof(*node));

    if (!node) {
        port_panic("aio_set_fd_handler: fd %d: out of memory", fd);
    }
    node->pfd.fd = fd;
    node->pfd.events =
        (io_read ? PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR : 0) |
        (io_write ? PORT_POLLOUT | PORT_POLLERR : 0);
    node->io_read = io_read;
    node->io_write = io_write;
    node->io_poll = io_poll;
    node->opaque = opaque;
    node->is_external = is_external;
    node->serial = qatomic_fetch_inc(&serial);
    return node;
}

void aio_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                        IOHandler *io_read, IOHandler *io_write,
                        AioPollFn *io_poll, void *opaque)
{
    AioHandler *old_node, *new_node = NULL;
    FdTable *table = NULL;
    int ret, poll_disable_change;

    if (fd < 0) {
        port_panic("aio_set_fd_handler: fd %d: an fd is not negative", fd);
    }
    if (io_read || io_write || io_poll) {
        new_node = new_handler(fd, is_external, io_read, io_write, io_poll,
                               opaque);
        table = larger_table(ctx, fd);
    }

    qemu_lockcnt_lock(&ctx->list_lock);
    if (table) {
        use_table(ctx, table);
    }
    old_node = aio_find_handler(ctx, fd);
    if (!old_node && !new_node) {
        qemu_lockcnt_unlock(&ctx->list_lock);
        return;
    }
    ret = watch_fd(ctx, fd, new_node);
    if (new_node && ret < 0) {
        port_panic("aio_set_fd_handler: fd %d: %s", fd, strerror(-ret));
    }
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
    qatomic_store_release(&ctx->handler_by_fd[fd], new_node);
    qatomic_set(&ctx->handlers_with_events,
                ctx->handlers_with_events +
                    (new_node && new_node->pfd.events) -
                    (old_node && old_node->pfd.events));
    aio_fdmon(ctx)->update(ctx, old_node, new_node);
    if (old_node) {
        remove_handler(ctx, old_node);
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    aio_notify(ctx);
}

void aio_set_fd_poll(AioContext *ctx, int fd, IOHandler *io_poll_begin,
                     IOHandler *io_poll_end)
{
    AioHandler *node = aio_find_handler(ctx, fd);

    if (node) {
        node->io_poll_begin = io_poll_begin;
        node->io_poll_end = io_poll_end;
    }
}

void aio_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                            bool is_external, EventNotifierHandler *io_read,
                            AioPollFn *io_poll)
{
    aio_set_fd_handler(ctx, event_notifier_get_fd(notifier), is_external,
                       (IOHandler *)io_read, NULL, io_poll, notifier);
}

void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *notifier,
                                 EventNotifierHandler *io_poll_begin,
                                 EventNotifierHandler *io_poll_end)
{
    aio_set_fd_poll(ctx, event_notifier_get_fd(notifier),
                    (IOHandler *)io_poll_begin, (IOHandler *)io_poll_end);
}

void aio_enable_external(AioContext *ctx)
{
    int old = qatomic_fetch_dec(&ctx->external_disable_cnt);

    if (old <= 0) {
        port_panic("aio_enable_external: external handlers are not disabled");
    }
    if (old == 1) {
        aio_notify(ctx);
    }
}

/* ---- Freeing ---- */

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
        QLIST_SAFE_REMOVE(node, node_poll);
        free(node);
    }
    qemu_lockcnt_inc_and_unlock(&ctx->list_lock);
}

/* Finalization: handlers that are still registered are not an error. */
void aio_free_all_handlers(AioContext *ctx)
{
    AioHandler *node;
    FdTable *table = ctx->fd_table_size ? table_of(ctx->handler_by_fd) : NULL;

    while ((node = QLIST_FIRST(&ctx->aio_handlers))) {
        if (!aio_handler_is_deleted(node)) {
            watch_fd(ctx, node->pfd.fd, false);
        }
        QLIST_REMOVE(node, node);
        free(node);
    }
    while (table) {
        FdTable *older = table->older;
        free(table);
        table = older;
    }
    ctx->fd_table_size = 0;
    ctx->handler_by_fd = NULL;
    ctx->handlers_with_events = 0;
    free(ctx->pollfds);
    ctx->pollfds = NULL;
    free(ctx->polled_nodes);
    ctx->polled_nodes = NULL;
    ctx->pollfds_size = 0;
}
