/* SPDX-License-Identifier: MIT */
/* GSources and the GMainContexts that they are attached to, with GLib's contract. */
#include "gmain/gmain.h"
#include "port/calls.h"
#include "port/counter.h"
#include "qemu/atomic.h"

static GMainContext *default_context;
static _Thread_local GMainContext *thread_default_tls;

__attribute__((noinline)) GMainContext **gmain_thread_default(void)
{
    __asm__ volatile("");
    return &thread_default_tls;
}

/* ---- Sources ---- */

GSource *g_source_new(const GSourceFuncs *source_funcs, guint source_size)
{
    GSource *source = calloc(1, source_size);

    if (source) {
        source->source_funcs = source_funcs;
        source->ref_count = 1;
    }
    return source;
}

GSource *g_source_ref(GSource *source)
{
    qatomic_inc(&source->ref_count);
    return source;
}

void g_source_unref(GSource *source)
{
    if (qatomic_fetch_dec(&source->ref_count) == 1) {
        /* Read first: afterwards the source may belong to somebody else. */
        bool stays = source->flags & SOURCE_STAYS;

        while (source->poll_fds) {
            g_source_remove_poll(source, ((PolledFd *)source->poll_fds)->fd);
        }
        if (source->source_funcs->finalize) {
            CALL_USER(source->source_funcs->finalize, source);
        }
        if (!stays) {
            free(source);
        }
    }
}

guint g_source_attach(GSource *source, GMainContext *context)
{
    GSource **end, *last = NULL;

    context = context ? context : g_main_context_default();
    if (source->context) {
        port_panic("g_source_attach: the source is attached already");
    }
    qemu_rec_mutex_lock(&context->lock);
    for (end = &context->sources; *end; end = &(*end)->next) {
        last = *end;
    }
    *end = g_source_ref(source);
    source->prev = last;
    source->next = NULL;
    source->context = context;
    /* 0 is no id. */
    source->source_id = ++context->last_id ? context->last_id : ++context->last_id;
    context->fds_changed++;
    qemu_rec_mutex_unlock(&context->lock);
    g_main_context_wakeup(context);
    return source->source_id;
}

/* Locks the context of the source, if it has one: only then can another thread use
 * the source. */
static GMainContext *lock_context(GSource *source)
{
    GMainContext *context = qatomic_load_acquire(&source->context);

    if (context) {
        qemu_rec_mutex_lock(&context->lock);
    }
    return context;
}

/* Called after a change of a source's fds. */
static void unlock_context(GMainContext *context)
{
    if (context) {
        context->fds_changed++;
        qemu_rec_mutex_unlock(&context->lock);
    }
}

void g_source_add_poll(GSource *source, GPollFD *fd)
{
    PolledFd *polled = malloc(sizeof(*polled));
    GMainContext *context;

    if (!polled) {
        port_panic("g_source_add_poll: out of memory");
    }
    context = lock_context(source);
    *polled = (PolledFd){ .fd = fd, .next = source->poll_fds };
    source->poll_fds = polled;
    unlock_context(context);
}

void g_source_remove_poll(GSource *source, GPollFD *fd)
{
    GMainContext *context = lock_context(source);
    PolledFd *first = source->poll_fds, *found = first, *before = NULL;

    while (found && found->fd != fd) {
        before = found;
        found = found->next;
    }
    if (found && before) {
        before->next = found->next;
    } else if (found) {
        source->poll_fds = found->next;
    }
    unlock_context(context);
    free(found);
}

/* Several threads may destroy a source at once: the first one that gets the lock does
 * it. */
void g_source_destroy(GSource *source)
{
    GMainContext *context = qatomic_load_acquire(&source->context);

    if (!context) {
        return;
    }
    qemu_rec_mutex_lock(&context->lock);
    if (!source->context) {
        qemu_rec_mutex_unlock(&context->lock);
        return;
    }
    *(source->prev ? &source->prev->next : &context->sources) = source->next;
    if (source->next) {
        source->next->prev = source->prev;
    }
    qatomic_set(&source->context, NULL);
    context->fds_changed++;
    qemu_rec_mutex_unlock(&context->lock);
    g_source_unref(source);
}

/* ---- Contexts ---- */

GMainContext *g_main_context_new(void)
{
    GMainContext *context = calloc(1, sizeof(*context));
    int error;

    if (!context || event_notifier_init(&context->notifier, false) < 0 ||
        !(context->wakeup = wakeup_new(event_notifier_get_fd(&context->notifier),
                                       &error))) {
        port_panic("g_main_context_new: no memory or no fd is left");
    }
    context->ref_count = 1;
    context->last_id = context->fds_changed = AIO_COUNTER_START;
    qemu_rec_mutex_init(&context->lock);
    qemu_mutex_init(&context->owner_lock);
    qemu_cond_init(&context->released);
    return context;
}

GMainContext *g_main_context_ref(GMainContext *context)
{
    qatomic_inc(&context->ref_count);
    return context;
}

void g_main_context_unref(GMainContext *context)
{
    if (qatomic_fetch_dec(&context->ref_count) != 1) {
        return;
    }
    while (context->sources) {
        g_source_destroy(context->sources);
    }
    qemu_cond_destroy(&context->released);
    qemu_mutex_destroy(&context->owner_lock);
    qemu_rec_mutex_destroy(&context->lock);
    wakeup_free(context->wakeup);
    event_notifier_cleanup(&context->notifier);
    free(context->fds);
    free(context);
}

GMainContext *g_main_context_default(void)
{
    GMainContext *context = qatomic_load_acquire(&default_context);

    if (!context) {
        GMainContext *other;
        context = g_main_context_new();
        other = qatomic_cmpxchg(&default_context, NULL, context);
        if (other) {
            g_main_context_unref(context);
            context = other;
        }
    }
    return context;
}

GMainContext *g_main_context_get_thread_default(void)
{
    return *gmain_thread_default();
}

/* The defaults of a thread form a stack, linked through the contexts themselves: a
 * context is pushed in one thread at a time. */
void g_main_context_push_thread_default(GMainContext *context)
{
    context->below = *gmain_thread_default();
    *gmain_thread_default() = g_main_context_ref(context);
}

void g_main_context_pop_thread_default(GMainContext *context)
{
    if (*gmain_thread_default() != context) {
        port_panic("g_main_context_pop_thread_default: not this thread's");
    }
    *gmain_thread_default() = context->below;
    g_main_context_unref(context);
}

void g_main_context_wakeup(GMainContext *context)
{
    event_notifier_set(
        &(context ? context : g_main_context_default())->notifier);
}
