/* SPDX-License-Identifier: MIT */
/* Waiting for time and for an fd; in QEMU util/qemu-coroutine-sleep.c and
 * -io.c. */
#include "coroutine/coroutine.h"
#include "loop/loop.h"

static const char SLEEPER[] = "qemu_co_sleep_ns";

void qemu_co_sleep_wake(QemuCoSleep *w)
{
    /* The timer and other threads may wake it at the same time: the exchange
     * lets one of them do it. Pairs with qemu_co_sleep. */
    Coroutine *co = qatomic_xchg(&w->to_wake, NULL);

    if (co) {
        const char *scheduled = qatomic_cmpxchg(&co->scheduled, SLEEPER, NULL);

        if (unlikely(scheduled != SLEEPER)) {
            port_panic("qemu_co_sleep_wake: coroutine %p '%s' is not asleep",
                       (void *)co, co->name);
        }
        aio_co_wake(co);
    }
}

static void wake_cb(void *opaque)
{
    qemu_co_sleep_wake(opaque);
}

void coroutine_fn qemu_co_sleep(QemuCoSleep *w)
{
    Coroutine *co = qemu_coroutine_self();

    /* Anything else that schedules or enters the coroutine meanwhile panics. */
    coroutine_set_scheduled(co, SLEEPER);
    /* Pairs with qemu_co_sleep_wake. */
    qatomic_store_release(&w->to_wake, co);
    qemu_coroutine_yield();
    if (unlikely(qatomic_read(&w->to_wake))) {
        port_panic("qemu_co_sleep: coroutine %p '%s' was entered in its sleep by "
                   "something other than qemu_co_sleep_wake", (void *)co, co->name);
    }
}

void coroutine_fn qemu_co_sleep_ns_wakeable(QemuCoSleep *w,
                                            QEMUClockType type, int64_t ns)
{
    AioContext *ctx = qemu_get_current_aio_context();
    QEMUTimer timer;
    int64_t end;

    if (unlikely(!ctx)) {
        port_panic("qemu_co_sleep_ns: this thread is not the home of a context");
    }
    if (__builtin_add_overflow(qemu_clock_get_ns(type), ns, &end)) {
        end = INT64_MAX;               /* the clock never reaches it */
    }
    aio_timer_init(ctx, &timer, type, SCALE_NS, wake_cb, w);
    timer_mod(&timer, end);
    qemu_co_sleep(w);
    timer_del(&timer);
}

/* ---- An fd ---- */

typedef struct FdWait {
    AioContext *ctx;
    Coroutine *co;
    int fd;
} FdWait;

/* FdWait is on the stack of the coroutine, so the handler is removed before the
 * coroutine resumes. */
static void fd_readable(void *opaque)
{
    FdWait *wait = opaque;

    aio_set_fd_handler(wait->ctx, wait->fd, false, NULL, NULL, NULL, NULL);
    qemu_coroutine_enter_at(wait->co, "yield_until_fd_readable");
}

void coroutine_fn yield_until_fd_readable(int fd)
{
    FdWait wait = { qemu_get_current_aio_context(), qemu_coroutine_self(), fd };

    if (unlikely(!wait.ctx)) {
        port_panic("yield_until_fd_readable: this thread is not the home of a context");
    }
    aio_set_fd_handler(wait.ctx, fd, false, fd_readable, NULL, NULL, &wait);
    qemu_coroutine_yield();
}
