/* SPDX-License-Identifier: MIT */
/* One iteration of the loop. util/aio-posix.c */
#include "loop/aio-context.h"

bool aio_poll(AioContext *ctx, bool blocking)
{
    AioHandlerList ready_list = QLIST_HEAD_INITIALIZER(ready_list);
    PortWatcher *watcher = ctx->watcher;
    bool may_sleep = false, progress = false;
    int64_t timeout = 0;

    aio_assert_home_thread(ctx, "aio_poll");
    if (blocking && unlikely(!port_may_wait())) {
        port_would_block("aio_poll");
    }
    aio_stat_add(&ctx->stats.polls, 1);
    qemu_lockcnt_inc(&ctx->list_lock);
    if (blocking) {
        timeout = aio_compute_timeout(ctx);
    }
    if (timeout) {
        may_sleep = true;
        qatomic_mb_set(&watcher->notify_me, watcher->notify_me + 2);
        /* Pairs with aio_notify: it sees notify_me, or we see notified. */
        if (qatomic_mb_read(&watcher->notified)) {
            timeout = 0;
        } else {
            aio_stat_add(&ctx->stats.sleeps, 1);
        }
    }
    if (timeout || ctx->fdmon_ops->need_wait(ctx)) {
        ctx->fdmon_ops->wait(ctx, &ready_list, timeout);
    }
    if (may_sleep) {
        /* Release: must not be seen before the wait is over. */
        qatomic_store_release(&watcher->notify_me, watcher->notify_me - 2);
    }
    aio_notify_accept(ctx);

    progress |= aio_bh_poll(ctx);
    progress |= aio_dispatch_ready_handlers(ctx, &ready_list);
    aio_free_deleted_handlers(ctx);
    qemu_lockcnt_dec(&ctx->list_lock);
    progress |= timerlistgroup_run_timers(&ctx->tlg);
    return progress;
}
