/* SPDX-License-Identifier: MIT */
/* The IOThread object; in QEMU iothread.c and event-loop-base.c. */
#include "iothread/iothread.h"
#include "loop/loop.h"
#include "loop/bh.h"
#include "port/calls.h"
#include "qapi/error.h"
#include <string.h>

#define POLL_MAX_NS_DEFAULT 32768
/* The number of IOThreads whose threads were lost that are kept, for threads that have
 * not heard of the loss. */
enum { LOST_KEPT = 16 };

struct IOThread {
    AioContext *ctx;
    QEMUBH *stop_bh;
    QemuThread thread;
    bool started;                 /* has a thread that must be joined */
    bool running;                 /* home thread */
    QemuEvent entered;            /* set when the thread runs */
    GMainContext *main_context;   /* made on request; under the lock */
    uint32_t run_gcontext;        /* run main_context, not only the AioContext */
    bool is_thread_default;       /* home thread */
    QLIST_ENTRY(IOThread) next;

    /* Used when the thread was lost. */
    QEMUBH idle_bh;
    QSIMPLEQ_ENTRY(IOThread) next_lost;
    char id[];
};

static QLIST_HEAD(, IOThread) iothreads;
static QemuMutex iothreads_lock;
static QSIMPLEQ_HEAD(, IOThread) lost = QSIMPLEQ_HEAD_INITIALIZER(lost);
static unsigned lost_count;

/* Called with iothreads_lock held. */
static IOThread *find(const char *id)
{
    IOThread *iothread;

    QLIST_FOREACH(iothread, &iothreads, next) {
        if (strcmp(iothread->id, id) == 0) {
            return iothread;
        }
    }
    return NULL;
}

IOThread *iothread_by_id(const char *id)
{
    IOThread *iothread;

    qemu_mutex_lock(&iothreads_lock);
    iothread = find(id);
    qemu_mutex_unlock(&iothreads_lock);
    return iothread;
}

static void stop_bh(void *opaque)
{
    IOThread *iothread = opaque;

    iothread->running = false;
}

/* Makes the object, its context and its bottom half. */
static IOThread *new_object(const char *id, Error **errp)
{
    IOThread *iothread = calloc(1, sizeof(*iothread) + strlen(id) + 1);

    if (!iothread) {
        goto no_memory;
    }
    strcpy(iothread->id, id);
    iothread->ctx = aio_context_new(errp);
    if (!iothread->ctx) {
        free(iothread);
        return NULL;
    }
    iothread->stop_bh = aio_bh_try_new(iothread->ctx, stop_bh, iothread,
                                       "iothread_stop");
    if (iothread->stop_bh) {
        return iothread;
    }
    aio_context_unref(iothread->ctx);
no_memory:
    free(iothread);
    error_setg_errno(errp, ENOMEM, "IOThread '%s'", id);
    return NULL;
}

IOThread *iothread_new(const char *id, Error **errp)
{
    IOThread *iothread = new_object(id, errp);
    bool taken;

    if (!iothread) {
        return NULL;
    }
    qemu_event_init(&iothread->entered, false);
    iothread->running = true;
    aio_context_set_poll_params(iothread->ctx, POLL_MAX_NS_DEFAULT, 0, 0,
                                &error_abort);
    qemu_mutex_lock(&iothreads_lock);
    taken = find(id);
    if (!taken) {
        QLIST_INSERT_HEAD(&iothreads, iothread, next);
    }
    qemu_mutex_unlock(&iothreads_lock);
    if (taken) {
        error_setg(errp, "there is an IOThread '%s' already", id);
        iothread_free(iothread);
        return NULL;
    }
    return iothread;
}

static void free_object(IOThread *iothread, void (*delete_bh)(QEMUBH *bh))
{
    if (iothread->main_context) {
        g_main_context_unref(iothread->main_context);
    }
    CALL_OWN(delete_bh, iothread->stop_bh);
    aio_context_unref(iothread->ctx);
    qemu_event_destroy(&iothread->entered);
    free(iothread);
}

void iothread_free(IOThread *iothread)
{
    iothread_abandon(iothread);
    free_object(iothread, qemu_bh_delete);
}

bool iothread_visit(const IOThread *iothread,
                    void (*fn)(IOThread *iothread, void *opaque), void *opaque)
{
    IOThread *each;

    /* Whoever frees it takes it out of the list first. */
    qemu_mutex_lock(&iothreads_lock);
    QLIST_FOREACH(each, &iothreads, next) {
        if (each == iothread) {
            CALL_OWN(fn, each, opaque);
            break;
        }
    }
    qemu_mutex_unlock(&iothreads_lock);
    return each;
}

/* ---- When its thread was lost ---- */

void iothread_abandon(IOThread *iothread)
{
    qemu_mutex_lock(&iothreads_lock);
    QLIST_SAFE_REMOVE(iothread, next);
    qemu_mutex_unlock(&iothreads_lock);
}

static void tell_idle(void *opaque)
{
    IOThread *iothread = opaque;

    qemu_bh_schedule(&iothread->idle_bh);
}

void iothread_reclaim(IOThread *iothread, AioContext *ctx, QEMUBHFunc *idle)
{
    bh_init(&iothread->idle_bh, ctx, idle, iothread, "iothread_reclaim");
    aio_context_abandon(iothread->ctx, tell_idle, iothread);
}

void iothread_retire(IOThread *iothread)
{
    QSIMPLEQ_INSERT_TAIL(&lost, iothread, next_lost);
    if (++lost_count > LOST_KEPT) {
        IOThread *oldest = QSIMPLEQ_FIRST(&lost);
        QSIMPLEQ_REMOVE_HEAD(&lost, next_lost);
        lost_count--;
        if (oldest->is_thread_default) {
            g_main_context_unref(oldest->main_context);
        }
        free_object(oldest, aio_bh_delete_abandoned);
    }
}

void iothread_enter(IOThread *iothread)
{
    qemu_set_current_aio_context(iothread->ctx);
    qemu_event_set(&iothread->entered);
}

bool iothread_is_running(IOThread *iothread)
{
    return iothread->running;
}

void iothread_leave(IOThread *iothread)
{
    if (iothread->is_thread_default) {
        g_main_context_pop_thread_default(iothread->main_context);
    }
    aio_context_detach_current();
}

void iothread_request_stop(IOThread *iothread)
{
    qemu_bh_schedule(iothread->stop_bh);
}

GMainContext *iothread_get_g_main_context(IOThread *iothread)
{
    qemu_mutex_lock(&iothreads_lock);
    if (!iothread->main_context) {
        GSource *source = aio_get_g_source(iothread->ctx);
        iothread->main_context = g_main_context_new();
        g_source_attach(source, iothread->main_context);
        g_source_unref(source);
    }
    qemu_mutex_unlock(&iothreads_lock);
    qatomic_mb_set(&iothread->run_gcontext, 1);
    aio_notify(iothread->ctx);
    return iothread->main_context;
}

void iothread_iterate(IOThread *iothread)
{
    if (unlikely(qatomic_load_acquire(&iothread->run_gcontext))) {
        if (!iothread->is_thread_default) {
            iothread->is_thread_default = true;
            g_main_context_push_thread_default(iothread->main_context);
        }
        g_main_context_iterate_for(iothread->main_context, -1);
    } else {
        aio_poll(iothread->ctx, true);
    }
}

static void *iothread_main(void *opaque)
{
    IOThread *iothread = opaque;

    iothread_enter(iothread);
    while (iothread_is_running(iothread)) {
        iothread_iterate(iothread);
    }
    iothread_leave(iothread);
    return NULL;
}

IOThread *iothread_create(const char *id, Error **errp)
{
    IOThread *iothread = iothread_new(id, errp);
    char name[64];
    int ret;

    if (!iothread) {
        return NULL;
    }
    snprintf(name, sizeof(name), "IO %s", id);
    ret = qemu_thread_try_create(&iothread->thread, name, iothread_main,
                                 iothread, QEMU_THREAD_JOINABLE);
    if (ret < 0) {
        error_setg_errno(errp, -ret, "Failed to start the thread of IOThread "
                         "'%s'", id);
        iothread_free(iothread);
        return NULL;
    }
    iothread->started = true;
    qemu_event_wait(&iothread->entered);
    return iothread;
}

void iothread_stop(IOThread *iothread)
{
    if (iothread->started) {
        iothread_request_stop(iothread);
        qemu_thread_join(&iothread->thread);
        iothread->started = false;
    }
}

void iothread_destroy(IOThread *iothread)
{
    iothread_stop(iothread);
    iothread_free(iothread);
}

char *iothread_get_id(IOThread *iothread)
{
    /* Allocated by libc's malloc, so that the caller can free it. */
    return strdup(iothread->id);
}

AioContext *iothread_context(IOThread *iothread)
{
    return iothread->ctx;
}

/* Weak, since QEMU's tests define IOThreads of their own with a function of this
 * name. */
__attribute__((weak)) AioContext *iothread_get_aio_context(IOThread *iothread)
{
    return iothread_context(iothread);
}

bool qemu_in_iothread(void)
{
    AioContext *ctx = qemu_get_current_aio_context();
    IOThread *iothread;
    bool found = false;

    qemu_mutex_lock(&iothreads_lock);
    QLIST_FOREACH(iothread, &iothreads, next) {
        found |= iothread->ctx == ctx;
    }
    qemu_mutex_unlock(&iothreads_lock);
    return found;
}

/* ---- Properties ---- */

static bool check_value(const char *name, int64_t value, Error **errp)
{
    if (value < 0) {
        error_setg(errp, "%s value must be in range [0, %" PRId64 "]", name,
                   INT64_MAX);
    }
    return value >= 0;
}

static bool set_poll_param(IOThread *iothread, const char *name,
                           int64_t *param, int64_t value, Error **errp)
{
    AioContext *ctx = iothread->ctx;

    if (!check_value(name, value, errp)) {
        return false;
    }
    qatomic_set(param, value);
    aio_context_set_poll_params(ctx, qatomic_read(&ctx->poll_max_ns),
                                qatomic_read(&ctx->poll_grow),
                                qatomic_read(&ctx->poll_shrink), errp);
    return true;
}

bool iothread_set_poll_max_ns(IOThread *iothread, int64_t value, Error **errp)
{
    return set_poll_param(iothread, "poll-max-ns", &iothread->ctx->poll_max_ns,
                          value, errp);
}

bool iothread_set_poll_grow(IOThread *iothread, int64_t value, Error **errp)
{
    return set_poll_param(iothread, "poll-grow", &iothread->ctx->poll_grow,
                          value, errp);
}

bool iothread_set_poll_shrink(IOThread *iothread, int64_t value, Error **errp)
{
    return set_poll_param(iothread, "poll-shrink", &iothread->ctx->poll_shrink,
                          value, errp);
}

bool iothread_set_aio_max_batch(IOThread *iothread, int64_t value,
                                Error **errp)
{
    if (!check_value("aio-max-batch", value, errp)) {
        return false;
    }
    aio_context_set_aio_params(iothread->ctx, value, errp);
    return true;
}

static bool set_thread_pool_params(IOThread *iothread, int64_t min, int64_t max,
                                   Error **errp)
{
    Error *err = NULL;

    aio_context_set_thread_pool_params(iothread->ctx, min, max, &err);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    return true;
}

bool iothread_set_thread_pool_min(IOThread *iothread, int64_t value,
                                  Error **errp)
{
    return check_value("thread-pool-min", value, errp) &&
           set_thread_pool_params(
               iothread, value, qatomic_read(&iothread->ctx->thread_pool_max),
               errp);
}

bool iothread_set_thread_pool_max(IOThread *iothread, int64_t value,
                                  Error **errp)
{
    return check_value("thread-pool-max", value, errp) &&
           set_thread_pool_params(
               iothread, qatomic_read(&iothread->ctx->thread_pool_min), value,
               errp);
}
