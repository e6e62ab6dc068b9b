/* SPDX-License-Identifier: MIT */
/*
 * The main loop that GSources live in, with GLib's contract: prepare all; if one
 * is ready, poll without waiting and skip its check; else poll, and check those
 * that were not; dispatch what is ready.
 */
#include "loop/aio-context.h"
#include <string.h>

/* Bits of GSource.flags. */
enum { SOURCE_READY = 1 };

struct _GMainContext {
    guint ref_count;
    QemuRecMutex lock;             /* sources: dispatch runs without it */
    GSource *sources;              /* first attached first */
    PortWatcher *watcher;          /* to sleep on all sources' fds at once */
    EventNotifier wakeup;
    PortPollFd *fds;
    unsigned fds_size;
    guint last_id;
    GMainContext *below;           /* on its thread's stack of defaults */

    /* The thread that iterates, how deeply nested; under owner_lock. */
    QemuMutex owner_lock;
    QemuCond released;
    void *owner;
    unsigned depth;
};

struct _GMainLoop {
    guint ref_count;
    GMainContext *context;
    uint32_t running;
};

static GMainContext *default_context;
static _Thread_local GMainContext *thread_default_tls;

static __attribute__((noinline)) GMainContext **thread_default(void)
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
        if (source->source_funcs->finalize) {
            source->source_funcs->finalize(source);
        }
        free(source);
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
    source->source_id = ++context->last_id;
    qemu_rec_mutex_unlock(&context->lock);
    g_main_context_wakeup(context);
    return source->source_id;
}

/* Several threads may destroy a source at once: the first that gets the lock does. */
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
    qemu_rec_mutex_unlock(&context->lock);
    g_source_unref(source);
}

/* ---- Contexts ---- */

GMainContext *g_main_context_new(void)
{
    GMainContext *context = calloc(1, sizeof(*context));
    int error;

    if (!context || !(context->watcher = port_watcher_new(&error)) ||
        event_notifier_init(&context->wakeup, false) < 0) {
        port_panic("g_main_context_new: no memory or no fd is left");
    }
    context->ref_count = 1;
    context->watcher->fd = event_notifier_get_fd(&context->wakeup);
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
    event_notifier_cleanup(&context->wakeup);
    port_watcher_free(context->watcher);
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
    return *thread_default();
}

/* A stack, of which the links are the contexts' own: one context is pushed in
 * one thread at a time. */
void g_main_context_push_thread_default(GMainContext *context)
{
    context->below = *thread_default();
    *thread_default() = g_main_context_ref(context);
}

void g_main_context_pop_thread_default(GMainContext *context)
{
    if (*thread_default() != context) {
        port_panic("g_main_context_pop_thread_default: not this thread's");
    }
    *thread_default() = context->below;
    g_main_context_unref(context);
}

void g_main_context_wakeup(GMainContext *context)
{
    event_notifier_set(
        &(context ? context : g_main_context_default())->wakeup);
}

/* ---- One iteration ---- */

/* The least of the sources' time-outs; marks those that are ready. */
static int64_t prepare_all(GMainContext *context, int64_t timeout_ns)
{
    for (GSource *s = context->sources; s; s = s->next) {
        gint ms = -1;
        bool ready = s->source_funcs->prepare &&
                     s->source_funcs->prepare(s, &ms);

        s->flags = ready ? s->flags | SOURCE_READY : s->flags & ~SOURCE_READY;
        timeout_ns = qemu_soonest_timeout(
            timeout_ns, ready ? 0 : ms < 0 ? -1 : ms * INT64_C(1000000));
    }
    return timeout_ns;
}

static void need_fds(GMainContext *context, unsigned n)
{
    if (n > context->fds_size) {
        context->fds_size = MAX(8, 2 * n);
        context->fds = realloc(context->fds,
                               context->fds_size * sizeof(*context->fds));
        if (!context->fds) {
            port_panic("g_main_context_iteration: out of memory for %u fds",
                       n);
        }
    }
}

/* fds[0] is the wake-up. */
static unsigned gather_fds(GMainContext *context)
{
    unsigned count = 1;

    need_fds(context, 1);
    for (GSource *s = context->sources; s; s = s->next) {
        unsigned room, n;
        if (!s->poll_fds) {
            continue;
        }
        do {
            room = context->fds_size - count;
            n = s->poll_fds(s, context->fds + count, room);
            need_fds(context, count + n);
        } while (n > room);
        count += n;
    }
    context->fds[0] = (PortPollFd){
        .fd = event_notifier_get_fd(&context->wakeup), .events = PORT_POLLIN };
    return count;
}

/*
 * Sleeps on all of them. Where fds do not wake a sleeper by themselves, the
 * context watches them for the time being, as a loop watches its handlers'.
 */
static void poll_fds(GMainContext *context, unsigned n, int64_t timeout_ns)
{
    if (timeout_ns) {
        qatomic_mb_set(&context->watcher->notify_me, 1);
        for (unsigned i = 1; i < n; i++) {
            port_fd_watch(context->fds[i].fd, context->watcher, true);
        }
    }
    port_fd_poll(context->fds, n, timeout_ns ? context->fds[0].fd : -1,
                 timeout_ns);
    if (timeout_ns) {
        for (unsigned i = 1; i < n; i++) {
            port_fd_watch(context->fds[i].fd, context->watcher, false);
        }
        qatomic_mb_set(&context->watcher->notify_me, 0);
    }
    event_notifier_test_and_clear(&context->wakeup);
}

static GSource *first_ready(GMainContext *context)
{
    GSource *s = context->sources;

    while (s && !(s->flags & SOURCE_READY)) {
        s = s->next;
    }
    return s;
}

/* Looks from the front each time: a call-back may take any of them off. */
static bool dispatch_all(GMainContext *context)
{
    bool dispatched = false;
    GSource *s;

    while ((s = first_ready(context))) {
        bool keep;

        s->flags &= ~SOURCE_READY;
        g_source_ref(s);
        qemu_rec_mutex_unlock(&context->lock);
        keep = s->source_funcs->dispatch(s, NULL, NULL);
        dispatched = true;
        qemu_rec_mutex_lock(&context->lock);
        if (!keep) {
            g_source_destroy(s);
        }
        g_source_unref(s);
    }
    return dispatched;
}

/* One thread iterates at a time; it may do so again in a call-back. */
static bool acquire(GMainContext *context, bool may_wait)
{
    void *self = thread_default();
    bool mine;

    qemu_mutex_lock(&context->owner_lock);
    while (may_wait && context->depth && context->owner != self) {
        qemu_cond_wait(&context->released, &context->owner_lock);
    }
    mine = !context->depth || context->owner == self;
    if (mine) {
        context->owner = self;
        context->depth++;
    }
    qemu_mutex_unlock(&context->owner_lock);
    return mine;
}

static void release(GMainContext *context)
{
    qemu_mutex_lock(&context->owner_lock);
    if (--context->depth == 0) {
        qemu_cond_signal(&context->released);
    }
    qemu_mutex_unlock(&context->owner_lock);
}

bool gmain_iterate(GMainContext *context, int64_t timeout_ns)
{
    unsigned n;
    bool dispatched;

    context = context ? context : g_main_context_default();
    if (timeout_ns && !port_may_wait()) {
        port_would_block("g_main_context_iteration");
    }
    if (!acquire(context, timeout_ns)) {
        return false;
    }
    port_coroutine_fence(1);
    qemu_rec_mutex_lock(&context->lock);
    timeout_ns = prepare_all(context, timeout_ns);
    n = gather_fds(context);
    qemu_rec_mutex_unlock(&context->lock);
    poll_fds(context, n, timeout_ns);
    qemu_rec_mutex_lock(&context->lock);
    for (GSource *s = context->sources; s; s = s->next) {
        if (!(s->flags & SOURCE_READY) && s->source_funcs->check &&
            s->source_funcs->check(s)) {
            s->flags |= SOURCE_READY;
        }
    }
    dispatched = dispatch_all(context);
    qemu_rec_mutex_unlock(&context->lock);
    release(context);
    port_coroutine_fence(-1);
    return dispatched;
}

gboolean g_main_context_iteration(GMainContext *context, gboolean may_block)
{
    return gmain_iterate(context, may_block ? -1 : 0);
}

/* ---- Loops ---- */

GMainLoop *g_main_loop_new(GMainContext *context, gboolean is_running)
{
    GMainLoop *loop = calloc(1, sizeof(*loop));

    if (!loop) {
        port_panic("g_main_loop_new: out of memory");
    }
    loop->ref_count = 1;
    loop->context =
        g_main_context_ref(context ? context : g_main_context_default());
    loop->running = is_running != 0;
    return loop;
}

GMainLoop *g_main_loop_ref(GMainLoop *loop)
{
    qatomic_inc(&loop->ref_count);
    return loop;
}

void g_main_loop_unref(GMainLoop *loop)
{
    if (qatomic_fetch_dec(&loop->ref_count) == 1) {
        g_main_context_unref(loop->context);
        free(loop);
    }
}

void g_main_loop_run(GMainLoop *loop)
{
    g_main_loop_ref(loop);
    qatomic_mb_set(&loop->running, 1);
    while (qatomic_mb_read(&loop->running)) {
        g_main_context_iteration(loop->context, true);
    }
    g_main_loop_unref(loop);
}

void g_main_loop_quit(GMainLoop *loop)
{
    qatomic_mb_set(&loop->running, 0);
    g_main_context_wakeup(loop->context);
}

gboolean g_main_loop_is_running(GMainLoop *loop)
{
    return qatomic_mb_read(&loop->running);
}
