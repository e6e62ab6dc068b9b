/* SPDX-License-Identifier: MIT */
/* Making and freeing contexts, and the current context; in QEMU util/async.c. */
#include "loop/loop.h"
#include "qapi/error.h"

/* ---- The current context ---- */

static _Thread_local AioContext *current_context_tls;

/* Not inlined: a coroutine may change threads between two uses of a thread-local. */
static __attribute__((noinline)) AioContext **current_context(void)
{
    __asm__ volatile("");
    return &current_context_tls;
}

AioContext *qemu_get_current_aio_context(void)
{
    return *current_context();
}

void qemu_set_current_aio_context(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    if (*current_context()) {
        port_panic("qemu_set_current_aio_context: this thread is the home of a "
                   "context already");
    }
    *current_context() = ctx;
}

void aio_context_detach_current(void)
{
    *current_context() = NULL;
}

bool aio_is_home_thread(AioContext *ctx)
{
    return *current_context() == ctx;
}

void aio_refuse_no_context(const char *call)
{
    port_panic("%s: the context is NULL", call);
}

void aio_refuse_foreign_thread(const char *call)
{
    port_panic("%s: this thread is not the context's home "
               "(qemu_set_current_aio_context)", call);
}

/* ---- Life ---- */

static void aio_timerlist_notify(void *opaque, QEMUClockType type)
{
    (void)type;
    aio_notify(opaque);
}

static void aio_context_notifier_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
}

static bool aio_context_notifier_poll(void *opaque)
{
    EventNotifier *e = opaque;
    AioContext *ctx = container_of(e, AioContext, notifier);

    return qatomic_read(&ctx->wakeup->notified);
}

/* Makes what other threads may still use after the home thread was lost (abandon.c).
 * Returns false if there is no memory. */
static bool make_timer_lists(AioContext *ctx)
{
    if (ctx->abandoned.stays) {
        timerlistgroup_reuse(&ctx->tlg);
        return true;
    }
    return timerlistgroup_try_init(&ctx->tlg, aio_timerlist_notify, ctx);
}

static void free_timer_lists(AioContext *ctx)
{
    if (ctx->abandoned.stays) {
        timerlistgroup_abandon(&ctx->tlg);
    } else {
        timerlistgroup_deinit(&ctx->tlg);
    }
}

static void free_members(AioContext *ctx)
{
    aio_parts_end(ctx);
    aio_bh_drain(ctx);
    aio_set_event_notifier(ctx, &ctx->notifier, false, NULL, NULL);
    qemu_rec_mutex_destroy(&ctx->lock);
    qemu_lockcnt_destroy(&ctx->list_lock);
    free_timer_lists(ctx);
    aio_context_destroy(ctx);
    wakeup_free(ctx->wakeup);
    event_notifier_cleanup(&ctx->notifier);
    free(ctx->gsource_fds);
}

void aio_ctx_finalize(GSource *source)
{
    AioContext *ctx = (AioContext *)source;

    if (ctx->abandoned.is_lost) {
        /* A thread may have read the notifier's fd, in order to notify the context,
         * before the context was abandoned. So the fd is closed only now. */
        event_notifier_cleanup(&ctx->notifier);
        free(ctx->gsource_fds);
    } else if (!ctx->abandoned.is_new) {
        free_members(ctx);
    }
    if (ctx->abandoned.stays) {
        aio_context_retire(ctx);
    }
}

AioContext *aio_context_new(Error **errp)
{
    const char *why = "Failed to make an AioContext";
    AioContext *ctx = aio_context_take_retired();
    int ret = -ENOMEM;

    if (!ctx) {
        ctx = (AioContext *)g_source_new(&aio_source_funcs.funcs,
                                         (guint)aio_parts_size());
        if (!ctx) {
            goto no_context;
        }
        qemu_rec_mutex_init(&ctx->lock);
    }
    ctx->abandoned.is_new = true;
    QSIMPLEQ_INIT(&ctx->bh_slice_list);
    aio_context_setup(ctx);
    qemu_lockcnt_init(&ctx->list_lock);
    ctx->thread_pool_max = 64;
    if (!make_timer_lists(ctx)) {
        goto no_timer_lists;
    }
    ret = event_notifier_init(&ctx->notifier, false);
    if (ret < 0) {
        why = "Failed to initialize event notifier";
        goto no_notifier;
    }
    ctx->wakeup = wakeup_new(event_notifier_get_fd(&ctx->notifier), &ret);
    if (!ctx->wakeup) {
        goto no_wakeup;
    }
    fdmon_io_uring_setup(ctx);
    ret = aio_try_set_event_notifier(ctx, &ctx->notifier,
                                     aio_context_notifier_cb,
                                     aio_context_notifier_poll);
    if (ret < 0) {
        goto no_handler;
    }
    aio_parts_begin(ctx, ctx->abandoned.stays);
    ctx->abandoned.is_new = false;
    return ctx;

no_handler:
    aio_context_destroy(ctx);
    wakeup_free(ctx->wakeup);
no_wakeup:
    event_notifier_cleanup(&ctx->notifier);
no_notifier:
    free_timer_lists(ctx);
no_timer_lists:
    aio_context_unref(ctx);
no_context:
    error_setg_errno(errp, -ret, "%s", why);
    return NULL;
}

void aio_context_setup(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    qatomic_store_release(&ctx->fdmon_ops, &fdmon_poll_ops);
}

void aio_context_destroy(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    aio_free_all_handlers(ctx);
    aio_context_setup(ctx);
    fdmon_io_uring_destroy(ctx);
    fdmon_epoll_destroy(ctx);
}

/* With the scan, a foreign loop would have to poll every fd; with the other monitors,
 * only one. */
void aio_context_use_g_source(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    if (aio_fdmon(ctx) == &fdmon_poll_ops) {
        fdmon_epoll_upgrade(ctx);
    }
}

void aio_context_acquire(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    qemu_rec_mutex_lock(&ctx->lock);
}

void aio_context_release(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    qemu_rec_mutex_unlock(&ctx->lock);
}

void aio_context_set_aio_params(AioContext *ctx, int64_t max_batch,
                                Error **errp)
{
    AIO_CHECK_CONTEXT(ctx);
    (void)errp;
    qatomic_set(&ctx->aio_max_batch, max_batch);
    aio_notify(ctx);
}

void aio_context_ref(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    g_source_ref(&ctx->source);
}

void aio_context_unref(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    g_source_unref(&ctx->source);
}

int64_t aio_compute_timeout(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    int64_t timeout = aio_bh_timeout(ctx);

    if (timeout == 0) {
        return 0;
    }
    return qemu_soonest_timeout(timeout, timerlistgroup_deadline_ns(&ctx->tlg));
}
