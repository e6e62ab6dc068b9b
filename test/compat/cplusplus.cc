// SPDX-License-Identifier: MIT
// The library as a C++ program uses it: a bottom half, a timer, a coroutine, a GSource.
#include <cstdio>

#include "block/aio.h"
#include "block/raw-aio.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "sysemu/iothread.h"

static int ran;

static void count(void *opaque)
{
    ran += *static_cast<int *>(opaque);
}

static void coroutine_fn count_twice(void *opaque)
{
    count(opaque);
    qemu_coroutine_yield();
    count(opaque);
}

static gboolean prepare(GSource *, gint *timeout)
{
    *timeout = 0;
    return TRUE;
}

static gboolean dispatch(GSource *, GSourceFunc, gpointer)
{
    ran += 1000;
    return G_SOURCE_REMOVE;
}

int main()
{
    int one = 1, ten = 10, hundred = 100;
    GSourceFuncs funcs = { prepare, nullptr, dispatch, nullptr };

    qemu_init_main_loop(&error_fatal);
    AioContext *ctx = qemu_get_aio_context();
    aio_bh_schedule_oneshot(ctx, count, &one);
    QEMUTimer *timer =
        aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, count, &ten);
    timer_mod(timer, 0);
    Coroutine *co = qemu_coroutine_create(count_twice, &hundred);
    qemu_coroutine_enter(co);
    qemu_coroutine_enter(co);
    while (aio_poll(ctx, false)) {
    }
    timer_free(timer);

    GSource *source = g_source_new(&funcs, sizeof(GSource));
    g_source_attach(source, nullptr);
    g_main_context_iteration(nullptr, FALSE);
    g_source_unref(source);

    std::printf("ran %d\n", ran);
    return ran == 1211 ? 0 : 1;
}
