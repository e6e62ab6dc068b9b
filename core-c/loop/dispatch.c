/* SPDX-License-Identifier: MIT */
/* The handlers whose fds are ready: sorting and running them; in QEMU
 * util/aio-posix.c. */
#include "loop/loop.h"
#include "port/calls.h"
#include "sync/trace.h"

void aio_add_ready_handler(AioHandlerList *ready_list, AioHandler *node,
                           int revents)
{
    QLIST_SAFE_REMOVE(node, node_ready);   /* a nested poll may have found it */
    qatomic_set(&node->pfd.revents, (short)revents);
    QLIST_INSERT_HEAD(ready_list, node, node_ready);
}

void aio_add_ready_fds(AioContext *ctx, AioHandlerList *ready_list,
                       const PortPollFd *fds, int n)
{
    for (int i = 0; i < n; i++) {
        AioHandler *node = aio_find_handler(ctx, fds[i].fd);

        if (node) {
            aio_add_ready_handler(ready_list, node, fds[i].revents);
        }
    }
}

void aio_add_poll_ready_handler(AioHandlerList *ready_list, AioHandler *node)
{
    QLIST_SAFE_REMOVE(node, node_ready);
    node->poll_ready = true;
    QLIST_INSERT_HEAD(ready_list, node, node_ready);
}

/* ---- Sorting in the order of registration ---- */

static bool is_earlier(const AioHandler *a, const AioHandler *b)
{
    return (int32_t)(a->serial - b->serial) < 0;
}

static bool is_in_order(AioHandlerList *list)
{
    AioHandler *node, *next;

    QLIST_FOREACH_SAFE(node, list, node_ready, next) {
        if (next && is_earlier(next, node)) {
            return false;
        }
    }
    return true;
}

/* Merges two sorted chains; the caller sets le_prev at the end. */
static AioHandler *merge(AioHandler *a, AioHandler *b)
{
    AioHandler *first = NULL, **end = &first;

    while (a && b) {
        AioHandler **earlier = is_earlier(a, b) ? &a : &b;
        *end = *earlier;
        end = &(*earlier)->node_ready.le_next;
        *earlier = *end;
    }
    *end = a ? a : b;
    return first;
}

/* A merge sort: chains[i] is empty or has 2^i handlers, like the bits of a count. */
void aio_sort_ready_handlers(AioHandlerList *list)
{
    AioHandler *chains[32] = { NULL }, *node, *all = NULL, **link;

    if (is_in_order(list)) {
        return;
    }
    while ((node = QLIST_FIRST(list))) {
        int i = 0;
        list->lh_first = QLIST_NEXT(node, node_ready);
        node->node_ready.le_next = NULL;
        for (; chains[i]; i++) {
            node = merge(chains[i], node);
            chains[i] = NULL;
        }
        chains[i] = node;
    }
    for (int i = 0; i < 32; i++) {
        all = merge(chains[i], all);
    }
    link = &list->lh_first;
    for (node = all; node; node = QLIST_NEXT(node, node_ready)) {
        *link = node;
        node->node_ready.le_prev = link;
        link = &node->node_ready.le_next;
    }
}

/* ---- Running them ---- */

/* Asked before each call-back, since the one before may have removed the handler or
 * disabled external ones. */
static bool may_run(AioContext *ctx, AioHandler *node)
{
    return !aio_handler_is_deleted(node) &&
           aio_node_check(ctx, node->is_external);
}

static __attribute__((noinline, cold)) void
call_traced(IOHandler *cb, const AioHandler *node, const char *kind)
{
    trace_write(AIO_TRACE_aio_handler_begin, trace_function(cb), (uint64_t)node->pfd.fd,
                kind);
    CALL_USER(cb, node->opaque);
    trace(AIO_TRACE_aio_handler_end, trace_function(cb), 0, NULL);
}

/* The loop's own notifier is not traced: it is a part of waking up. */
static inline void call_handler(AioContext *ctx, IOHandler *cb, const AioHandler *node,
                                const char *kind)
{
    port_count_add(&ctx->stats.handlers, 1);
    if (trace_is_on() && node->opaque != &ctx->notifier) {
        call_traced(cb, node, kind);
    } else {
        CALL_USER(cb, node->opaque);
    }
}

static bool dispatch_handler(AioContext *ctx, AioHandler *node)
{
    int revents = node->pfd.revents & node->pfd.events;
    bool poll_ready = node->poll_ready, progress = false;

    qatomic_set(&node->pfd.revents, 0);
    node->poll_ready = false;
    /* Its fd has become ready: from now on, polling it may avoid a sleep. */
    if (node->io_poll && !QLIST_IS_INSERTED(node, node_poll) &&
        !aio_handler_is_deleted(node)) {
        QLIST_INSERT_HEAD(&ctx->poll_aio_handlers, node, node_poll);
        trace(AIO_TRACE_poll_add, (uint64_t)node->pfd.fd, (uint64_t)revents, NULL);
        if (ctx->poll_started && node->io_poll_begin) {
            CALL_USER(node->io_poll_begin, node->opaque);
        }
    }
    /* An event of the fd takes precedence: io_read and io_write find what io_poll has
     * found. */
    if (poll_ready && !revents && may_run(ctx, node)) {
        node->poll_ready_runs = true;
        call_handler(ctx, node->io_poll_ready, node, "io_poll_ready");
        node->poll_ready_runs = false;
        return node->opaque != &ctx->notifier;
    }
    if (node->io_read && may_run(ctx, node) &&
        (revents & (PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR))) {
        call_handler(ctx, node->io_read, node, "io_read");
        progress = node->opaque != &ctx->notifier;
    }
    if (node->io_write && may_run(ctx, node) &&
        (revents & (PORT_POLLOUT | PORT_POLLERR))) {
        call_handler(ctx, node->io_write, node, "io_write");
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
    while ((node = QLIST_FIRST(ready_list))) {
        QLIST_REMOVE(node, node_ready);
        progress |= dispatch_handler(ctx, node);
        if (aio_budget_is_spent(budget)) {
            break;
        }
    }
    return progress;
}
