/* SPDX-License-Identifier: MIT */
/*
 * A coroutine yields in a function of the program's that the library calls on its behalf.
 * Natively it works; in WebAssembly, where the library's frames cannot be put aside, it is
 * refused by name wherever that is.
 */
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "qemu/coroutine.h"
#include "qemu/defer-call.h"
#include "qemu/main-loop.h"
#include <pthread.h>

static bool has_yielded, has_ended;

static void coroutine_fn yield_here(void)
{
    if (!has_yielded) {
        has_yielded = true;
        qemu_coroutine_yield();
    }
}

static void coroutine_fn yields(void *opaque)
{
    (void)opaque;
    yield_here();
}

static void poll_until_it_has_yielded(void)
{
    while (!has_yielded) {
        aio_poll(ctx, true);
    }
}

/* ---- What calls back ---- */

static void coroutine_fn in_a_bottom_half(void)
{
    aio_bh_schedule_oneshot(ctx, yields, NULL);
    poll_until_it_has_yielded();
}

static void coroutine_fn in_aio_bh_call(void)
{
    QEMUBH *bh = aio_bh_new(ctx, yields, NULL);

    aio_bh_call(bh);
    qemu_bh_delete(bh);
}

static void coroutine_fn in_a_deferred_call(void)
{
    defer_call_begin();
    defer_call(yields, NULL);
    defer_call_end();
}

static void coroutine_fn in_a_timer(void)
{
    QEMUTimer timer;

    timer_setup(&timer, yields, NULL);
    timer_mod_ns(&timer, 0);
    poll_until_it_has_yielded();
}

static void coroutine_fn on_timer_list(void *opaque, QEMUClockType type)
{
    (void)type;
    yields(opaque);
}

static void coroutine_fn in_a_timer_list_notification(void)
{
    QEMUTimerList *list = timerlist_new(QEMU_CLOCK_REALTIME, on_timer_list, NULL);

    timerlist_notify(list);
    timerlist_free(list);
}

static void coroutine_fn on_line(void *opaque, const char *text)
{
    (void)text;
    yields(opaque);
}

static void coroutine_fn in_a_dump(void)
{
    aio_context_dump(ctx, on_line, NULL);
}

static EventNotifier notifier;

static void coroutine_fn on_read(void *opaque)
{
    event_notifier_test_and_clear(&notifier);
    yields(opaque);
}

static void clear(void *opaque)
{
    (void)opaque;
    event_notifier_test_and_clear(&notifier);
}

static void ignore(void *opaque)
{
    (void)opaque;
}

static bool coroutine_fn on_poll(void *opaque)
{
    yields(opaque);
    return false;
}

static bool never_ready(void *opaque)
{
    (void)opaque;
    return false;
}

static void with_handler(IOHandler *io_read, AioPollFn *io_poll, IOHandler *begin,
                         IOHandler *end)
{
    QEMUTimer timer;
    int fd;

    event_notifier_init(&notifier, true);
    fd = event_notifier_get_fd(&notifier);
    timer_setup(&timer, ignore, NULL);
    aio_context_set_poll_params(ctx, 1000000, 0, 0, NULL);
    aio_set_fd_handler(ctx, fd, false, io_read, NULL, io_poll, NULL);
    aio_set_fd_poll(ctx, fd, begin, end);
    while (!has_yielded) {
        /* From its first event on a handler is polled, for a while before a sleep,
         * which the timer ends. */
        timer_mod_ns(&timer, now_ns() + 2 * SCALE_MS);
        qatomic_set(&ctx->poll_ns, 1000000);
        aio_poll(ctx, true);
    }
    timer_del(&timer);
    aio_set_fd_handler(ctx, fd, false, NULL, NULL, NULL, NULL);
    event_notifier_cleanup(&notifier);
}

static void coroutine_fn in_a_handler(void)
{
    with_handler(on_read, NULL, NULL, NULL);
}

static void coroutine_fn in_io_poll(void)
{
    with_handler(clear, on_poll, NULL, NULL);
}

static void coroutine_fn in_io_poll_begin(void)
{
    with_handler(clear, never_ready, yields, NULL);
}

static void coroutine_fn in_io_poll_end(void)
{
    with_handler(clear, never_ready, NULL, yields);
}

static int nothing(void *opaque)
{
    (void)opaque;
    return 0;
}

static void coroutine_fn on_completion(void *opaque, int ret)
{
    (void)ret;
    yields(opaque);
}

static void coroutine_fn in_a_completion(void)
{
    thread_pool_submit_aio(aio_get_thread_pool(ctx), nothing, NULL, on_completion,
                           NULL);
    poll_until_it_has_yielded();
}

static void coroutine_fn on_cancel(BlockAIOCB *acb)
{
    yields(acb);
}

static void coroutine_fn in_a_cancellation(void)
{
    static const AIOCBInfo info = { .aiocb_size = sizeof(BlockAIOCB),
                                    .cancel_async = on_cancel };
    BlockAIOCB *acb = qemu_aio_get(&info, NULL, NULL, NULL);

    bdrv_aio_cancel_async(acb);
    qemu_aio_unref(acb);
}

static gboolean coroutine_fn on_prepare(GSource *source, gint *timeout)
{
    yields(source);
    *timeout = 0;
    return false;
}

static gboolean coroutine_fn on_check(GSource *source)
{
    yields(source);
    return false;
}

static gboolean always_ready(GSource *source, gint *timeout)
{
    (void)source;
    *timeout = 0;
    return true;
}

static gboolean coroutine_fn on_dispatch(GSource *source, GSourceFunc callback,
                                         gpointer user_data)
{
    (void)callback;
    (void)user_data;
    yields(source);
    return G_SOURCE_REMOVE;
}

static gboolean remove_it(GSource *source, GSourceFunc callback, gpointer user_data)
{
    (void)source;
    (void)callback;
    (void)user_data;
    return G_SOURCE_REMOVE;
}

static void coroutine_fn on_finalize(GSource *source)
{
    yields(source);
}

static void in_a_source(GSourceFuncs funcs)
{
    GMainContext *main_context = g_main_context_new();
    GSource *source = g_source_new(&funcs, sizeof(GSource));

    g_source_attach(source, main_context);
    while (!has_yielded) {
        g_main_context_iteration(main_context, false);
        if (funcs.finalize) {
            g_source_destroy(source);
            g_source_unref(source);
        }
    }
    if (!funcs.finalize) {
        g_source_destroy(source);
        g_source_unref(source);
    }
    g_main_context_unref(main_context);
}

static void coroutine_fn in_prepare(void)
{
    in_a_source((GSourceFuncs){ .prepare = on_prepare, .dispatch = remove_it });
}

static void coroutine_fn in_check(void)
{
    in_a_source((GSourceFuncs){ .check = on_check, .dispatch = remove_it });
}

static void coroutine_fn in_dispatch(void)
{
    in_a_source((GSourceFuncs){ .prepare = always_ready, .dispatch = on_dispatch });
}

static void coroutine_fn in_finalize(void)
{
    in_a_source((GSourceFuncs){ .dispatch = remove_it, .finalize = on_finalize });
}

static void coroutine_fn once(void)
{
    yield_here();
}

static void coroutine_fn in_pthread_once(void)
{
    static pthread_once_t control = PTHREAD_ONCE_INIT;

    pthread_once(&control, once);
}

/* ---- All of them ---- */

static void coroutine_fn entry(void *opaque)
{
    void (**what)(void) = opaque;

    (*what)();
    has_ended = true;
}

static void run(void (*what)(void))
{
    Coroutine *co;

    loop_setup();
    co = qemu_coroutine_create(entry, &what);
    qemu_coroutine_enter(co);
    ASSERT_TRUE(has_yielded);
    ASSERT_FALSE(has_ended);
    qemu_coroutine_enter(co);
    ASSERT_TRUE(has_ended);
    loop_teardown();
}

#define ALL(X) \
    X(in_a_bottom_half) X(in_aio_bh_call) X(in_a_deferred_call) X(in_a_timer) \
    X(in_a_timer_list_notification) X(in_a_dump) X(in_a_handler) X(in_io_poll) \
    X(in_io_poll_begin) X(in_io_poll_end) X(in_a_completion) X(in_a_cancellation) \
    X(in_prepare) X(in_check) X(in_dispatch) X(in_finalize) X(in_pthread_once)

#define FUNCTION(what) static void yield_##what(void) { run(what); }
#if defined(__wasm__)
#define ENTRY(what) TEST_PANICS(yield_##what, "'entry' cannot yield here")
#else
#define ENTRY(what) TEST(yield_##what)
#endif
#define ENTRY_AND_COMMA(what) ENTRY(what),

ALL(FUNCTION)
TEST_PROGRAM(ALL(ENTRY_AND_COMMA))
