/* SPDX-License-Identifier: MIT */
/*
 * The hot paths of the loop, each in a function of its own, which run.mjs has counted in instructions: TIMES operations, after
 * as many that make what is kept.
 */
#include "block/aio.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"

#define TIMES 1000
#define PATH static __attribute__((noinline)) void

static AioContext *ctx;
static QEMUBH *bh;
static QEMUTimer *timer;
static EventNotifier notifier;
static Coroutine *co;
static unsigned calls;

static void count_cb(void *opaque)
{
    (void)opaque;
    calls++;
}

static void clear_cb(EventNotifier *e)
{
    event_notifier_test_and_clear(e);
    calls++;
}

static void coroutine_fn yield_for_ever(void *opaque)
{
    (void)opaque;
    for (;;) {
        calls++;
        qemu_coroutine_yield();
    }
}

PATH path_idle_poll(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        aio_poll(ctx, false);
        calls++;
    }
}

PATH path_bh(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        qemu_bh_schedule(bh);
        aio_poll(ctx, false);
    }
}

PATH path_oneshot(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        aio_bh_schedule_oneshot(ctx, count_cb, NULL);
        aio_poll(ctx, false);
    }
}

PATH path_notify(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        aio_notify(ctx);
        calls++;
    }
}

PATH path_timer(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        timer_mod_ns(timer, 1);
        aio_poll(ctx, false);
    }
}

PATH path_handler(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        event_notifier_set(&notifier);
        aio_poll(ctx, true);
    }
}

PATH path_coroutine(void)
{
    for (unsigned i = 0; i < TIMES; i++) {
        qemu_coroutine_enter(co);
    }
}

int main(void)
{
    void (*const paths[])(void) = { path_idle_poll, path_bh, path_oneshot, path_notify, path_timer, path_handler, path_coroutine };

    ctx = aio_context_new(&error_abort);
    qemu_set_current_aio_context(ctx);
    bh = aio_bh_new(ctx, count_cb, NULL);
    timer = aio_timer_new(ctx, QEMU_CLOCK_REALTIME, SCALE_NS, count_cb, NULL);
    event_notifier_init(&notifier, false);
    aio_set_event_notifier(ctx, &notifier, false, clear_cb, NULL);
    co = qemu_coroutine_create(yield_for_ever, NULL);
    for (unsigned i = 0; i < ARRAY_SIZE(paths); i++) {
        calls = 0;
        paths[i]();
        paths[i]();
        if (calls != 2 * TIMES) {
            fprintf(stderr, "path %u: %u calls instead of %u\n", i, calls, 2 * TIMES);
            return 1;
        }
    }
    return 0;
}
