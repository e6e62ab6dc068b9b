/* SPDX-License-Identifier: MIT */
/* The main context and the main thread's loop; in QEMU util/main-loop.c. */
#include "qemu/main-loop.h"
#include "loop/loop.h"
#include "qapi/error.h"

static AioContext *main_context;
static AioContext *iohandler_context;

AioContext *qemu_get_aio_context(void)
{
    return qatomic_load_acquire(&main_context);
}

static void attach(AioContext *ctx)
{
    GSource *source = aio_get_g_source(ctx);

    g_source_attach(source, NULL);
    g_source_unref(source);
}

/* main_loop_wait() runs the timers of main_loop_tlg. */
static void notify_main_loop(void *opaque, QEMUClockType type)
{
    (void)opaque;
    (void)type;
    qemu_notify_event();
}

int qemu_init_main_loop(Error **errp)
{
    AioContext *ctx;

    init_clocks(notify_main_loop);
    if (main_context) {
        port_panic("qemu_init_main_loop: the main loop exists already");
    }
    ctx = aio_context_new(errp);
    if (!ctx) {
        return -EMFILE;
    }
    if (!iohandler_context && !(iohandler_context = aio_context_new(errp))) {
        aio_context_unref(ctx);
        return -EMFILE;
    }
    qatomic_store_release(&main_context, ctx);
    qemu_set_current_aio_context(ctx);
    attach(ctx);
    attach(iohandler_get_aio_context());
    return 0;
}

AioContext *iohandler_get_aio_context(void)
{
    if (!iohandler_context) {
        iohandler_context = aio_context_new(&error_abort);
    }
    return iohandler_context;
}

void qemu_notify_event(void)
{
    AioContext *ctx = qemu_get_aio_context();

    if (ctx) {
        aio_notify(ctx);
    }
}

void main_loop_wait(int nonblocking)
{
    int64_t timeout = nonblocking ? 0 : -1;

    timeout = qemu_soonest_timeout(timeout,
                                   timerlistgroup_deadline_ns(&main_loop_tlg));
    g_main_context_iterate_for(NULL, timeout);
    timerlistgroup_run_timers(&main_loop_tlg);
}

QEMUBH *qemu_bh_new_full(QEMUBHFunc *cb, void *opaque, const char *name)
{
    return qemu_bh_new_full_guarded(cb, opaque, name, NULL);
}

QEMUBH *qemu_bh_new_full_guarded(QEMUBHFunc *cb, void *opaque, const char *name,
                                 MemReentrancyGuard *guard)
{
    return aio_bh_new_full_guarded(main_context, cb, opaque, name, guard);
}

void qemu_set_fd_handler(int fd, IOHandler *fd_read, IOHandler *fd_write,
                         void *opaque)
{
    aio_set_fd_handler(iohandler_get_aio_context(), fd, false, fd_read,
                       fd_write, NULL, opaque);
}
