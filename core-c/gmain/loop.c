/* SPDX-License-Identifier: MIT */
/*
 * The main loop of GSources, with GLib's contract. An iteration prepares all sources.
 * If one is ready, it polls without waiting and skips that source's check; otherwise
 * it polls, and checks those that were not ready. Then it dispatches those that are
 * ready.
 */
#include "gmain/gmain.h"
#include "port/calls.h"
#include "qemu/timer.h"

struct _GMainLoop {
    guint ref_count;
    GMainContext *context;
    uint32_t running;
};

/* ---- One iteration ---- */

/* Returns the smallest of the sources' time-outs, and marks the sources that are
 * ready. */
static int64_t prepare_all(GMainContext *context, int64_t timeout_ns)
{
    for (GSource *s = context->sources; s; s = s->next) {
        gint ms = -1;
        bool ready = s->source_funcs->prepare &&
                     CALL_USER(s->source_funcs->prepare, s, &ms);

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

/* Collects the fds to poll; fds[0] is for wake-ups. */
static unsigned gather_fds(GMainContext *context)
{
    unsigned count = 1;

    need_fds(context, 1);
    for (GSource *s = context->sources; s; s = s->next) {
        for (PolledFd *polled = s->poll_fds; polled; polled = polled->next) {
            need_fds(context, count + 1);
            context->fds[count++] = (PortPollFd){
                .fd = polled->fd->fd, .events = (short)polled->fd->events };
        }
    }
    context->fds[0] = (PortPollFd){
        .fd = event_notifier_get_fd(&context->notifier), .events = PORT_POLLIN };
    return count;
}

/* Sleeps on all fds. Where fds do not wake a sleeper by themselves, the context
 * watches them meanwhile, as a loop watches the fds of its handlers. */
static void poll_fds(GMainContext *context, unsigned n, int64_t timeout_ns)
{
    if (timeout_ns) {
        qatomic_mb_set(&context->wakeup->notify_me, 1);
        for (unsigned i = 1; i < n; i++) {
            port_fd_watch(context->fds[i].fd, context->wakeup->watcher, true);
        }
    }
    port_fd_poll(context->fds, n, timeout_ns ? context->fds[0].fd : -1,
                 timeout_ns);
    if (timeout_ns) {
        for (unsigned i = 1; i < n; i++) {
            port_fd_watch(context->fds[i].fd, context->wakeup->watcher, false);
        }
        qatomic_mb_set(&context->wakeup->notify_me, 0);
    }
    event_notifier_test_and_clear(&context->notifier);
}

/* Reports what is ready, unless the fds have changed meanwhile: then the next
 * iteration finds out. */
static void report_fds(GMainContext *context, unsigned changes)
{
    bool unchanged = context->fds_changed == changes;
    unsigned i = 1;

    for (GSource *s = context->sources; s; s = s->next) {
        for (PolledFd *polled = s->poll_fds; polled; polled = polled->next) {
            polled->fd->revents =
                unchanged ? (unsigned short)context->fds[i++].revents : 0;
        }
    }
}

static GSource *first_ready(GMainContext *context)
{
    GSource *s = context->sources;

    while (s && !(s->flags & SOURCE_READY)) {
        s = s->next;
    }
    return s;
}

/* Starts from the front each time, since a call-back may remove any source. */
static bool dispatch_all(GMainContext *context)
{
    bool dispatched = false;
    GSource *s;

    while ((s = first_ready(context))) {
        bool keep;

        s->flags &= ~SOURCE_READY;
        g_source_ref(s);
        qemu_rec_mutex_unlock(&context->lock);
        keep = CALL_USER(s->source_funcs->dispatch, s, NULL, NULL);
        dispatched = true;
        qemu_rec_mutex_lock(&context->lock);
        if (!keep) {
            g_source_destroy(s);
        }
        g_source_unref(s);
    }
    return dispatched;
}

/* One thread iterates at a time; it may iterate again in a call-back. */
static bool acquire(GMainContext *context, bool may_wait)
{
    void *self = gmain_thread_default();
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

gboolean g_main_context_iterate_for(GMainContext *context, int64_t timeout_ns)
{
    unsigned n, changes;
    bool dispatched;

    context = context ? context : g_main_context_default();
    if (timeout_ns && !port_may_wait()) {
        port_would_block("g_main_context_iteration");
    }
    if (!acquire(context, timeout_ns)) {
        return false;
    }
    qemu_rec_mutex_lock(&context->lock);
    timeout_ns = prepare_all(context, timeout_ns);
    n = gather_fds(context);
    changes = context->fds_changed;
    qemu_rec_mutex_unlock(&context->lock);
    poll_fds(context, n, timeout_ns);
    qemu_rec_mutex_lock(&context->lock);
    report_fds(context, changes);
    for (GSource *s = context->sources; s; s = s->next) {
        if (!(s->flags & SOURCE_READY) && s->source_funcs->check &&
            CALL_USER(s->source_funcs->check, s)) {
            s->flags |= SOURCE_READY;
        }
    }
    dispatched = dispatch_all(context);
    qemu_rec_mutex_unlock(&context->lock);
    release(context);
    return dispatched;
}

gboolean g_main_context_iteration(GMainContext *context, gboolean may_block)
{
    return g_main_context_iterate_for(context, may_block ? -1 : 0);
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
