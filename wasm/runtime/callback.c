/* SPDX-License-Identifier: MIT */
/* Call-backs of a loop that are JavaScript functions. Functions cannot cross threads: each is known
 * by a number in the home thread of the context. */
#include "handle.h"
#include "loop/loop.h"
#include "time/clock.h"

/* Calls the function of that number in this thread. */
WASM_IMPORT("callback") void host_callback(uint32_t id);

void rt_run_callback(void *opaque)
{
    host_callback((uint32_t)(uintptr_t)opaque);
}

static void *opaque_of(uint32_t id)
{
    return (void *)(uintptr_t)id;
}

/* ---- Bottom halves and notifiers: a handle's number, or -errno ---- */

/* Returns the number of the handle, or the error because of which the object could not be made. */
static int finished(Handle *handle, int error)
{
    int ret = error;

    if (handle && !error) {
        ret = handle->number;
    } else if (handle) {
        handle_free(handle);
    }
    port_thread_holds(-1);
    return ret;
}

/* One step: the owner, which closes what a lost thread has made, sees all of it or nothing. */
static Handle *begun(HandleKind kind, const char *name)
{
    port_thread_holds(1);
    return handle_new(kind, name);
}

/* Home thread only. */
WASM_EXPORT("rt_bh_new")
int rt_bh_new(AioContext *ctx, const char *name, uint32_t id)
{
    Handle *handle = begun(HANDLE_BH, name);

    if (handle) {
        handle->bh = aio_bh_try_new(ctx, rt_run_callback, opaque_of(id),
                                    handle->name);
    }
    return finished(handle, handle && handle->bh ? 0 : -ENOMEM);
}

WASM_EXPORT("rt_notifier_new")
int rt_notifier_new(const char *name)
{
    Handle *handle = begun(HANDLE_NOTIFIER, name);

    return finished(handle, handle ? event_notifier_init(&handle->notifier, false)
                                   : -ENOMEM);
}

/* Allocates size bytes, zeroed. */
WASM_EXPORT("rt_memory_new")
int rt_memory_new(const char *name, uint32_t size)
{
    Handle *handle = begun(HANDLE_MEMORY, name);

    if (handle) {
        handle->memory = calloc(1, size);
    }
    return finished(handle, handle && handle->memory ? 0 : -ENOMEM);
}

/* ---- Handlers and timers: home thread only ---- */

int rt_watch(AioContext *ctx, int fd, uint32_t id)
{
    return aio_try_set_fd_handler(ctx, fd, false, id ? rt_run_callback : NULL,
                                  NULL, NULL, NULL, opaque_of(id));
}

bool rt_is_watched(AioContext *ctx, int fd)
{
    AioHandler *handler = aio_find_handler(ctx, fd);

    return handler && handler->io_read == rt_run_callback;
}

typedef struct RtTimer {
    QEMUTimer timer;
    QLIST_ENTRY(RtTimer) all;      /* in the list of its thread */
} RtTimer;

/* Makes a timer; returns NULL if there is no memory. */
WASM_EXPORT("rt_timer_new")
QEMUTimer *rt_timer_new(AioContext *ctx, uint32_t id)
{
    RtTimer *timer = malloc(sizeof(*timer));

    if (!timer) {
        return NULL;
    }
    timer_init_full(&timer->timer, &ctx->tlg, QEMU_CLOCK_REALTIME, SCALE_NS, 0,
                    rt_run_callback, opaque_of(id));
    QLIST_INSERT_HEAD(&wasm_thread_self()->timers, timer, all);
    return &timer->timer;
}

/* Arms a timer; a delay that ends after the last nanosecond of the clock (in 292 years) ends with
 * it. Returns false if there is no memory; the timer is unchanged then. */
WASM_EXPORT("rt_timer_arm")
bool rt_timer_arm(QEMUTimer *timer, double delay_ns)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    /* The conversion saturates, but the sum would wrap. */
    int64_t delay = (int64_t)delay_ns;

    return timer_try_mod_ns(timer, delay > INT64_MAX - now ? INT64_MAX
                                                           : now + delay);
}

WASM_EXPORT("rt_timer_cancel")
void rt_timer_cancel(QEMUTimer *timer)
{
    timer_del(timer);
}

WASM_EXPORT("rt_timer_pending")
bool rt_timer_pending(QEMUTimer *timer)
{
    return timer_pending(timer);
}

WASM_EXPORT("rt_timer_free")
void rt_timer_free(QEMUTimer *timer)
{
    RtTimer *made = container_of(timer, RtTimer, timer);

    timer_del(timer);
    QLIST_REMOVE(made, all);
    free(made);
}

void rt_timers_abandon(WasmThread *thread)
{
    RtTimer *timer;

    while ((timer = QLIST_FIRST(&thread->timers))) {
        QLIST_REMOVE(timer, all);
        free(timer);
    }
}
