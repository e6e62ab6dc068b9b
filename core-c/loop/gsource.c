/* SPDX-License-Identifier: MIT */
/*
 * The context as a GSource: a foreign event loop (GLib's, or a page's) polls in
 * aio_poll's place and calls prepare, check and dispatch. util/async.c
 *
 * prepare raises bit 0 of notify_me, check clears it. When prepare says "ready"
 * the foreign loop skips check, so that the bit stays up during dispatch; that
 * is harmless: a notification then sets the notifier although nobody sleeps.
 */
#include "loop/aio-context.h"

bool aio_prepare(AioContext *ctx)
{
    (void)ctx;
    return false;
}

bool aio_pending(AioContext *ctx)
{
    AioHandler *node;
    bool found = false;

    qemu_lockcnt_inc(&ctx->list_lock);
    QLIST_FOREACH_RCU(node, &ctx->aio_handlers, node) {
        int revents = node->pfd.revents & node->pfd.events;
        if (((revents & (PORT_POLLIN | PORT_POLLHUP | PORT_POLLERR)) &&
             node->io_read) ||
            ((revents & (PORT_POLLOUT | PORT_POLLERR)) && node->io_write)) {
            found = true;
            break;
        }
    }
    qemu_lockcnt_dec(&ctx->list_lock);
    return found;
}

void aio_dispatch(AioContext *ctx)
{
    aio_stat_add(&ctx->stats.polls, 1);
    qemu_lockcnt_inc(&ctx->list_lock);
    aio_bh_poll(ctx);
    aio_dispatch_handlers(ctx);
    aio_free_deleted_handlers(ctx);
    qemu_lockcnt_dec(&ctx->list_lock);
    timerlistgroup_run_timers(&ctx->tlg);
}

static gboolean aio_ctx_prepare(GSource *source, gint *timeout)
{
    AioContext *ctx = (AioContext *)source;
    PortWatcher *watcher = ctx->watcher;

    /* Pairs with aio_notify: it sees the bit, or we see what it published. */
    qatomic_mb_set(&watcher->notify_me, watcher->notify_me | 1);
    *timeout = qemu_timeout_ns_to_ms(aio_compute_timeout(ctx));
    if (aio_prepare(ctx)) {
        *timeout = 0;
    }
    return *timeout == 0;
}

static gboolean aio_ctx_check(GSource *source)
{
    AioContext *ctx = (AioContext *)source;
    PortWatcher *watcher = ctx->watcher;

    qatomic_store_release(&watcher->notify_me, watcher->notify_me & ~1u);
    aio_notify_accept(ctx);
    return aio_bh_timeout(ctx) >= 0 || aio_pending(ctx) ||
           timerlistgroup_deadline_ns(&ctx->tlg) == 0;
}

static gboolean aio_ctx_dispatch(GSource *source, GSourceFunc callback,
                                 gpointer user_data)
{
    (void)user_data;
    if (callback) {
        port_panic("an AioContext's GSource takes no callback");
    }
    aio_dispatch((AioContext *)source);
    return true;
}

GSource *aio_get_g_source(AioContext *ctx)
{
    return g_source_ref(&ctx->source);
}

const GSourceFuncs aio_source_funcs = {
    .prepare = aio_ctx_prepare,
    .check = aio_ctx_check,
    .dispatch = aio_ctx_dispatch,
    .finalize = aio_ctx_finalize,
};

void aio_gsource_poll(AioContext *ctx)
{
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);
    AioHandler *node;

    qemu_lockcnt_inc(&ctx->list_lock);
    ctx->fdmon_ops->wait(ctx, &ready_list, 0);
    while ((node = QLIST_FIRST(&ready_list))) {
        QLIST_REMOVE(node, node_ready);    /* revents stay for aio_dispatch */
    }
    qemu_lockcnt_dec(&ctx->list_lock);
}
