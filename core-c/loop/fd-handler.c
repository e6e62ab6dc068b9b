/* SPDX-License-Identifier: MIT */
/*
 * The handlers of a context: adding, changing, removing; in QEMU util/aio-posix.c.
 *
 * list_lock counts the walks of aio_handlers. A thread that holds its lock may
 * insert a handler; it may free one only if the count is 0, too. A handler that is
 * removed during a walk is therefore only marked (deleted), and the outermost walk
 * frees it at its end.
 */
#include "loop/loop.h"
#include "port/calls.h"
#include "port/counter.h"
#include "sync/trace.h"
#include <string.h>

/* ---- Room for handlers ---- */

/*
 * Takes list_lock when the monitors' tables have room for one more handler, that
 * of fd: once a handler is registered, waiting for it, changing it and removing it
 * need no more memory. Returns false, without the lock, if there is no memory.
 */
static bool lock_with_room(AioContext *ctx, int fd)
{
    if (!fdmon_io_uring_reserve(ctx, fd)) {
        return false;
    }
    qemu_lockcnt_lock(&ctx->list_lock);
    while (!aio_handler_place(ctx, fd) || !fdmon_poll_has_room(ctx)) {
        qemu_lockcnt_unlock(&ctx->list_lock);
        if (!aio_handler_table_reserve(ctx, fd) || !fdmon_poll_reserve(ctx)) {
            return false;
        }
        qemu_lockcnt_lock(&ctx->list_lock);
    }
    return true;
}

/* ---- Adding, changing, removing ---- */

/* A monitor may still have it in a list; the monitor then frees it. */
static void free_handler(AioHandler *node)
{
    if (!(qatomic_fetch_or(&node->change, AIO_CHANGE_FREE) &
          AIO_CHANGE_QUEUED)) {
        free(node);
    }
}

static void stop_polling(AioHandler *node)
{
    if (QLIST_IS_INSERTED(node, node_poll)) {
        QLIST_REMOVE(node, node_poll);
        trace(AIO_TRACE_poll_remove, (uint64_t)node->pfd.fd, 0, NULL);
    }
}

/* Called with list_lock held. */
static void remove_handler(AioContext *ctx, AioHandler *node)
{
    if (qemu_lockcnt_count(&ctx->list_lock)) {
        qatomic_set(&node->deleted, true);
        QLIST_INSERT_HEAD_RCU(&ctx->deleted_aio_handlers, node, node_deleted);
    } else {
        /* There is no walk, so the home thread uses neither of these lists. */
        stop_polling(node);
        QLIST_SAFE_REMOVE(node, node_ready);
        QLIST_REMOVE(node, node);
        free_handler(node);
    }
}

/* The loop's own notifier is what the loop sleeps on. Watching it would make
 * setting it notify the loop, which sets it again. */
static int watch_fd(AioContext *ctx, int fd, bool on)
{
    return fd == ctx->wakeup->fd ? 0 : port_fd_watch(fd, ctx->wakeup->watcher, on);
}

/* Returns NULL if there is no memory. */
static AioHandler *new_handler(int fd, bool is_external, IOHandler *io_read,
                               IOHandler *io_write, AioPollFn *io_poll,
                               IOHandler *io_poll_ready, void *opaque)
{
    static uint32_t serial;
    AioHandler *node = calloc(1, sizeof(*node));

    if (!node) {
        return NULL;
    }
    node->pfd.fd = fd;
    node->pfd.events =
        (io_read ? PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR : 0) |
        (io_write ? PORT_POLLOUT | PORT_POLLERR : 0);
    node->io_read = io_read;
    node->io_write = io_write;
    node->io_poll = io_poll;
    node->io_poll_ready = io_poll_ready;
    node->opaque = opaque;
    node->is_external = is_external;
    node->serial = AIO_COUNTER_START + qatomic_fetch_inc(&serial);
    return node;
}

int aio_try_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                           IOHandler *io_read, IOHandler *io_write,
                           AioPollFn *io_poll, IOHandler *io_poll_ready,
                           void *opaque)
{
    AioHandler *old_node, *new_node = NULL, **place;
    int ret, poll_disable_change;

    if (fd < 0) {
        port_panic("aio_set_fd_handler: fd %d: an fd cannot be negative", fd);
    }
    if (io_read || io_write || io_poll) {
        /* Checks the fd first, so that no room is made for a number that is no
         * fd. */
        if (!aio_handler_place(ctx, fd) &&
            (ret = watch_fd(ctx, fd, true)) < 0) {
            return ret;
        }
        new_node = new_handler(fd, is_external, io_read, io_write, io_poll,
                               io_poll_ready, opaque);
        if (!new_node || !lock_with_room(ctx, fd)) {
            free(new_node);
            return -ENOMEM;
        }
    } else {
        qemu_lockcnt_lock(&ctx->list_lock);
    }
    place = aio_handler_place(ctx, fd);
    old_node = place ? *place : NULL;
    if (!old_node && !new_node) {
        qemu_lockcnt_unlock(&ctx->list_lock);
        return 0;
    }
    ret = watch_fd(ctx, fd, new_node);
    if (new_node && ret < 0) {
        qemu_lockcnt_unlock(&ctx->list_lock);
        free(new_node);
        return ret;
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
    qatomic_store_release(place, new_node);
    qatomic_set(&ctx->handlers_with_events,
                ctx->handlers_with_events +
                    (new_node && new_node->pfd.events) -
                    (old_node && old_node->pfd.events));
    CALL_OWN(aio_fdmon(ctx)->update, ctx, old_node, new_node);
    if (old_node) {
        remove_handler(ctx, old_node);
    }
    qemu_lockcnt_unlock(&ctx->list_lock);
    aio_notify(ctx);
    return 0;
}

int aio_try_set_event_notifier(AioContext *ctx, EventNotifier *notifier,
                               EventNotifierHandler *io_read,
                               AioPollFn *io_poll)
{
    return aio_try_set_fd_handler(ctx, event_notifier_get_fd(notifier), false,
                                  (IOHandler *)io_read, NULL, io_poll, NULL,
                                  notifier);
}

static void set_fd_handler(AioContext *ctx, int fd, bool is_external,
                           IOHandler *io_read, IOHandler *io_write,
                           AioPollFn *io_poll, IOHandler *io_poll_ready,
                           void *opaque)
{
    int ret = aio_try_set_fd_handler(ctx, fd, is_external, io_read, io_write,
                                     io_poll, io_poll_ready, opaque);

    if (unlikely(ret < 0)) {
        port_panic("aio_set_fd_handler: fd %d: %s", fd,
                   ret == -ENOMEM ? "out of memory" : strerror(-ret));
    }
}

void aio_set_fd_handler(AioContext *ctx, int fd, bool is_external,
                        IOHandler *io_read, IOHandler *io_write,
                        AioPollFn *io_poll, void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    set_fd_handler(ctx, fd, is_external, io_read, io_write, io_poll, NULL,
                   opaque);
}

void aio_set_fd_handler_full(AioContext *ctx, int fd, bool is_external,
                             IOHandler *io_read, IOHandler *io_write,
                             AioPollFn *io_poll, IOHandler *io_poll_ready,
                             void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    if (!io_poll || !io_poll_ready) {
        io_poll = NULL;
        io_poll_ready = NULL;
    }
    set_fd_handler(ctx, fd, is_external, io_read, io_write, io_poll,
                   io_poll_ready, opaque);
}

void aio_set_fd_poll(AioContext *ctx, int fd, IOHandler *io_poll_begin,
                     IOHandler *io_poll_end)
{
    AIO_CHECK_CONTEXT(ctx);
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
    AIO_CHECK_CONTEXT(ctx);
    aio_set_fd_handler(ctx, event_notifier_get_fd(notifier), is_external,
                       (IOHandler *)io_read, NULL, io_poll, notifier);
}

void aio_set_event_notifier_full(AioContext *ctx, EventNotifier *notifier,
                                 bool is_external,
                                 EventNotifierHandler *io_read,
                                 AioPollFn *io_poll,
                                 EventNotifierHandler *io_poll_ready)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_set_fd_handler_full(ctx, event_notifier_get_fd(notifier), is_external,
                            (IOHandler *)io_read, NULL, io_poll,
                            (IOHandler *)io_poll_ready, notifier);
}

void aio_set_event_notifier_poll(AioContext *ctx, EventNotifier *notifier,
                                 EventNotifierHandler *io_poll_begin,
                                 EventNotifierHandler *io_poll_end)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_set_fd_poll(ctx, event_notifier_get_fd(notifier),
                    (IOHandler *)io_poll_begin, (IOHandler *)io_poll_end);
}

void aio_enable_external(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
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
        stop_polling(node);
        free_handler(node);
    }
    qemu_lockcnt_inc_and_unlock(&ctx->list_lock);
}

/* Called when the context is freed; handlers that are still registered are not an
 * error. */
void aio_free_all_handlers(AioContext *ctx)
{
    AioHandler *node;

    while ((node = QLIST_FIRST(&ctx->aio_handlers))) {
        if (!aio_handler_is_deleted(node)) {
            watch_fd(ctx, node->pfd.fd, false);
        }
        QLIST_REMOVE(node, node);
        free_handler(node);
    }
    aio_handler_table_free(ctx);
    ctx->handlers_with_events = 0;
    fdmon_poll_free_room(ctx);
}
