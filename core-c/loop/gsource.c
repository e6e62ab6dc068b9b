/* SPDX-License-Identifier: MIT */
/*
 * The context as a GSource: a foreign event loop (GLib's, or a page's) polls instead of
 * aio_poll(), and calls prepare, check and dispatch. In QEMU util/async.c.
 *
 * prepare raises bit 0 of notify_me, and check clears it. When prepare says "ready", the
 * foreign loop skips check, and the bit stays up during dispatch. That is harmless: a
 * notification then sets the notifier although nobody sleeps.
 *
 * With a ring or epoll the foreign loop polls one fd, with the scan all of them. The
 * context's own monitor finds out which are ready, in check, or in dispatch if check was
 * skipped.
 */
#include "loop/loop.h"
#include "port/calls.h"
#include "sync/trace.h"

/* Keeps the handlers for the next dispatch, with those that it has to run already. */
static void keep_ready(AioContext *ctx, AioHandlerList *ready_list)
{
    AioHandler *node;

    while ((node = QLIST_FIRST(ready_list))) {
        QLIST_REMOVE(node, node_ready);
        QLIST_INSERT_HEAD(&ctx->gsource_ready, node, node_ready);
    }
    aio_sort_ready_handlers(&ctx->gsource_ready);
}

bool aio_prepare(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);

    /* A GSource does not poll in user space. What the last look found is dispatched, or
     * found again by the monitor. The walk is counted, since io_poll_end may remove any
     * handler. */
    if (ctx->poll_started) {
        qemu_lockcnt_inc(&ctx->list_lock);
        aio_poll_set_started(ctx, &ready_list, false);
        if (!QLIST_EMPTY(&ready_list)) {
            keep_ready(ctx, &ready_list);
            ctx->gsource_rest = true;
        }
        aio_free_deleted_handlers(ctx);
        qemu_lockcnt_dec(&ctx->list_lock);
    }
    return false;
}

bool aio_pending(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    AioHandler *node;
    bool found = false;

    qemu_lockcnt_inc(&ctx->list_lock);
    QLIST_FOREACH(node, &ctx->gsource_ready, node_ready) {
        int revents = node->pfd.revents & node->pfd.events;
        if (!aio_handler_is_waited_for(ctx, node)) {
            continue;
        }
        found |= node->poll_ready;
        found |= (revents & (PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR)) &&
                 node->io_read;
        found |= (revents & (PORT_POLLOUT | PORT_POLLERR)) && node->io_write;
    }
    qemu_lockcnt_dec(&ctx->list_lock);
    return found;
}

bool aio_find_ready(AioContext *ctx)
{
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);
    bool found;

    qemu_lockcnt_inc(&ctx->list_lock);
    CALL_OWN(aio_fdmon(ctx)->wait, ctx, &ready_list, 0);
    keep_ready(ctx, &ready_list);
    found = !QLIST_EMPTY(&ctx->gsource_ready);
    qemu_lockcnt_dec(&ctx->list_lock);
    return found;
}

static void trace_dispatch(const AioContext *ctx)
{
    if (trace_is_on()) {
        trace_set_context(trace_address(ctx));
        trace_write(AIO_TRACE_aio_dispatch_begin, 0, 0, NULL);
    }
}

void aio_dispatch(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    port_count_add(&ctx->stats.polls, 1);
    trace_dispatch(ctx);
    qemu_lockcnt_inc(&ctx->list_lock);
    aio_bh_poll(ctx);
    aio_dispatch_ready_handlers(ctx, &ctx->gsource_ready, NULL);
    ctx->gsource_rest = false;
    aio_free_deleted_handlers(ctx);
    qemu_lockcnt_dec(&ctx->list_lock);
    aio_run_timers(ctx, NULL);
    trace(AIO_TRACE_aio_dispatch_end, 0, 0, NULL);
}

void aio_dispatch_for(AioContext *ctx, int64_t ns)
{
    AioBudget budget = aio_budget(ns);

    port_count_add(&ctx->stats.polls, 1);
    trace_dispatch(ctx);
    qemu_lockcnt_inc(&ctx->list_lock);
    aio_bh_poll_for(ctx, &budget);
    budget = aio_budget(ns);
    aio_dispatch_ready_handlers(ctx, &ctx->gsource_ready, &budget);
    ctx->gsource_rest = !QLIST_EMPTY(&ctx->gsource_ready);
    aio_free_deleted_handlers(ctx);
    qemu_lockcnt_dec(&ctx->list_lock);
    budget = aio_budget(ns);
    aio_run_timers(ctx, &budget);
    trace(AIO_TRACE_aio_dispatch_end, 0, 0, NULL);
}

/* Returns true if handlers are left for which there was no time, or which prepare found.
 * Looking for others first would put the oldest before them again, turn after turn. */
static bool handlers_are_left(AioContext *ctx)
{
    return ctx->gsource_rest && aio_pending(ctx);
}

/* Sets *pfd to the one fd that stands for all. Returns false if there is none. */
static bool fd_of_monitor(AioContext *ctx, GPollFD *pfd)
{
    bool ring = aio_fdmon(ctx) == &fdmon_io_uring_ops;

    if (aio_external_disabled(ctx)) {
        return false;
    }
    pfd->fd = ring ? fdmon_io_uring_fd(ctx) : fdmon_epoll_fd(ctx);
    pfd->events = PORT_POLLIN;
    /*
     * Changes are handed to the ring here, before the foreign loop sleeps. Where the loop's
     * notifier stands for the ring, a poll that completes after prepare sets it, but one
     * that has completed already did not, so the foreign loop must not sleep then. It is
     * told to poll for writing, too: an event can always be written. Polling one of the
     * ready fds instead would not do, because another thread may clear it.
     */
    if (ring && CALL_OWN(aio_fdmon(ctx)->need_wait, ctx) &&
        pfd->fd == ctx->wakeup->fd) {
        pfd->events |= PORT_POLLOUT;
    }
    return pfd->fd >= 0;
}

/* Lists the fds that a foreign loop has to poll: fills in at most n and returns how many
 * there are. */
static unsigned list_fds(AioContext *ctx, GPollFD *fds, unsigned n)
{
    GPollFD one = { .fd = -1 };
    unsigned count = 0;
    AioHandler *node;

    if (fd_of_monitor(ctx, &one)) {
        if (n > 0) {
            fds[0] = one;
        }
        return 1;
    }
    qemu_lockcnt_inc(&ctx->list_lock);
    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        if (aio_handler_is_waited_for(ctx, node) && count++ < n) {
            fds[count - 1] = (GPollFD){
                .fd = node->pfd.fd, .events = (unsigned short)node->pfd.events };
        }
    }
    qemu_lockcnt_dec(&ctx->list_lock);
    return count;
}

static bool are_the_same(const GPollFD *a, const GPollFD *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (a[i].fd != b[i].fd || a[i].events != b[i].events) {
            return false;
        }
    }
    return true;
}

/* Tells the foreign loop which fds to poll from now on; usually they have not changed. */
static void publish_fds(AioContext *ctx)
{
    GPollFD few[8], *fds = few;
    unsigned room = ARRAY_SIZE(few), count;

    while ((count = list_fds(ctx, fds, room)) > room) {
        if (fds != few) {
            free(fds);
        }
        room = count + count / 2;
        fds = malloc(room * sizeof(*fds));
        if (!fds) {
            port_panic("aio_prepare: out of memory for %u fds", count);
        }
    }
    if (count != ctx->gsource_fds_count ||
        !are_the_same(fds, ctx->gsource_fds, count)) {
        GPollFD *old = ctx->gsource_fds;

        for (unsigned i = 0; i < ctx->gsource_fds_count; i++) {
            g_source_remove_poll(&ctx->source, &old[i]);
        }
        ctx->gsource_fds = realloc(old, MAX(count, 1) * sizeof(*fds));
        if (!ctx->gsource_fds) {
            port_panic("aio_prepare: out of memory for %u fds", count);
        }
        ctx->gsource_fds_count = count;
        for (unsigned i = 0; i < count; i++) {
            ctx->gsource_fds[i] = fds[i];
            g_source_add_poll(&ctx->source, &ctx->gsource_fds[i]);
        }
    }
    if (fds != few) {
        free(fds);
    }
}

static gboolean aio_ctx_prepare(GSource *source, gint *timeout)
{
    AioContext *ctx = (AioContext *)source;
    Wakeup *wakeup = ctx->wakeup;

    /* Pairs with aio_notify: either it sees the bit, or we see what it published. The load is
     * what makes us see it: it reads the notification, since both are sequentially consistent;
     * what is looked at below is read with acquire order, which a store does not hold back. */
    qatomic_mb_set(&wakeup->notify_me, wakeup->notify_me | 1);
    (void)qatomic_mb_read(&wakeup->notified);
    *timeout = qemu_timeout_ns_to_ms(aio_compute_timeout(ctx));
    if (aio_prepare(ctx) || handlers_are_left(ctx)) {
        *timeout = 0;
    }
    /* A context that no foreign loop polls needs no fds, as in a turn of JavaScript's event
     * loop. */
    if (source->context) {
        publish_fds(ctx);
    }
    if (trace_is_on()) {
        trace_set_context(0);      /* until check */
    }
    return *timeout == 0;
}

static gboolean aio_ctx_check(GSource *source)
{
    AioContext *ctx = (AioContext *)source;
    Wakeup *wakeup = ctx->wakeup;

    if (trace_is_on()) {
        trace_set_context(trace_address(ctx));
    }
    qatomic_store_release(&wakeup->notify_me, wakeup->notify_me & ~1u);
    aio_notify_accept(ctx);
    if (!handlers_are_left(ctx)) {
        aio_find_ready(ctx);
    }
    return aio_bh_timeout(ctx) >= 0 || aio_pending(ctx) ||
           timerlistgroup_deadline_ns(&ctx->tlg) == 0;
}

static gboolean aio_ctx_dispatch(GSource *source, GSourceFunc callback,
                                 gpointer user_data)
{
    AioContext *ctx = (AioContext *)source;

    (void)user_data;
    if (callback) {
        port_panic("g_source_set_callback: the GSource of an AioContext takes "
                   "no callback");
    }
    if (qatomic_read(&ctx->wakeup->notify_me) & 1) {
        aio_find_ready(ctx);
    }
    aio_dispatch(ctx);
    return true;
}

GSource *aio_get_g_source(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_context_use_g_source(ctx);
    return g_source_ref(&ctx->source);
}

const AioSourceFuncs aio_source_funcs = {
    .funcs = {
        .prepare = aio_ctx_prepare,
        .check = aio_ctx_check,
        .dispatch = aio_ctx_dispatch,
        .finalize = aio_ctx_finalize,
    },
};
