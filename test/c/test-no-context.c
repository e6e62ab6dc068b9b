/* SPDX-License-Identifier: MIT */
/* NULL where a context belongs is refused by the name of the call. */
#include "block/aio-wait.h"
#include "block/raw-aio.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "qemu/coroutine.h"

static AioContext *none;
static RawAioOp op;
static AioEngineStats engine_stats;
static QEMUTimer timer;

static void cb(void *opaque)
{
    (void)opaque;
}

static void timer_cb(void *opaque)
{
    (void)opaque;
}

static void line_cb(void *opaque, const char *text)
{
    (void)opaque;
    (void)text;
}

static void ret_cb(void *opaque, int ret)
{
    (void)opaque;
    (void)ret;
}

static void coroutine_fn entry(void *opaque)
{
    (void)opaque;
}

static Coroutine *co(void)
{
    return qemu_coroutine_create(entry, NULL);
}

static ThreadPool *pool(void)
{
    loop_setup();
    return aio_get_thread_pool(ctx);
}

static void coroutine_fn reschedule(void *opaque)
{
    (void)opaque;
    aio_co_reschedule_self(none);
}

static void coroutine_fn submit(void *opaque)
{
    (void)opaque;
    raw_co_submit(none, &op);
}

/* ---- Each of them ---- */

/* Everywhere, then natively alone: what ends a process is quick to start again. */
#define CALLS(X) \
    X(aio_poll, aio_poll(none, false)) \
    X(aio_notify, aio_notify(none)) \
    X(aio_timer_new, aio_timer_new(none, QEMU_CLOCK_REALTIME, 1, timer_cb, NULL)) \
    X(qemu_set_current_aio_context, qemu_set_current_aio_context(none)) \
    X(aio_co_schedule, aio_co_schedule(none, co()))
#define MORE_CALLS(X) \
    X(aio_context_ref, aio_context_ref(none)) \
    X(aio_context_unref, aio_context_unref(none)) \
    X(aio_bh_schedule_oneshot_full, aio_bh_schedule_oneshot(none, cb, NULL)) \
    X(aio_bh_new_full, aio_bh_new(none, cb, NULL)) \
    X(aio_bh_poll, aio_bh_poll(none)) \
    X(aio_notify_accept, aio_notify_accept(none)) \
    X(aio_prepare, aio_prepare(none)) \
    X(aio_pending, aio_pending(none)) \
    X(aio_dispatch, aio_dispatch(none)) \
    X(aio_compute_timeout, aio_compute_timeout(none)) \
    X(aio_poll_disabled, aio_poll_disabled(none)) \
    X(aio_set_fd_handler, \
      aio_set_fd_handler(none, 0, false, cb, NULL, NULL, NULL)) \
    X(aio_set_event_notifier, \
      aio_set_event_notifier(none, &(EventNotifier){ 0 }, false, NULL, NULL)) \
    X(aio_set_fd_poll, aio_set_fd_poll(none, 0, cb, cb)) \
    X(aio_set_event_notifier_poll, \
      aio_set_event_notifier_poll(none, &(EventNotifier){ 0 }, NULL, NULL)) \
    X(aio_get_g_source, aio_get_g_source(none)) \
    X(aio_disable_external, aio_disable_external(none)) \
    X(aio_enable_external, aio_enable_external(none)) \
    X(aio_external_disabled, aio_external_disabled(none)) \
    X(aio_node_check, aio_node_check(none, true)) \
    X(aio_get_thread_pool, aio_get_thread_pool(none)) \
    X(aio_timer_new_with_attrs, \
      aio_timer_new_with_attrs(none, QEMU_CLOCK_REALTIME, 1, 0, timer_cb, NULL)) \
    X(aio_timer_init, \
      aio_timer_init(none, &timer, QEMU_CLOCK_REALTIME, 1, timer_cb, NULL)) \
    X(aio_timer_init_with_attrs, \
      aio_timer_init_with_attrs(none, &timer, QEMU_CLOCK_REALTIME, 1, 0, timer_cb, \
                                NULL)) \
    X(aio_context_acquire, aio_context_acquire(none)) \
    X(aio_context_release, aio_context_release(none)) \
    X(aio_context_set_poll_params, \
      aio_context_set_poll_params(none, 0, 0, 0, NULL)) \
    X(aio_context_set_aio_params, aio_context_set_aio_params(none, 0, NULL)) \
    X(aio_context_setup, aio_context_setup(none)) \
    X(aio_context_destroy, aio_context_destroy(none)) \
    X(aio_context_use_g_source, aio_context_use_g_source(none)) \
    X(aio_setup_linux_aio, aio_setup_linux_aio(none, NULL)) \
    X(aio_get_linux_aio, aio_get_linux_aio(none)) \
    X(aio_setup_linux_io_uring, aio_setup_linux_io_uring(none, NULL)) \
    X(aio_get_linux_io_uring, aio_get_linux_io_uring(none)) \
    X(aio_co_enter, aio_co_enter(none, co())) \
    X(aio_co_reschedule_self, \
      qemu_coroutine_enter(qemu_coroutine_create(reschedule, NULL))) \
    X(aio_context_dump, aio_context_dump(none, line_cb, NULL)) \
    X(aio_wait_bh_oneshot, aio_wait_bh_oneshot(none, cb, NULL)) \
    X(in_aio_context_home_thread, in_aio_context_home_thread(none)) \
    X(thread_pool_new, thread_pool_new(none)) \
    X(thread_pool_update_params, thread_pool_update_params(pool(), none)) \
    X(raw_aio_setup, raw_aio_setup(none, AIO_ENGINE_THREADS, NULL)) \
    X(raw_aio_submit, raw_aio_submit(none, &op, ret_cb, NULL)) \
    X(raw_co_submit, qemu_coroutine_enter(qemu_coroutine_create(submit, NULL))) \
    X(raw_aio_plug, raw_aio_plug(none, AIO_ENGINE_THREADS)) \
    X(raw_aio_unplug, raw_aio_unplug(none, AIO_ENGINE_THREADS, 0)) \
    X(raw_aio_get_stats, \
      raw_aio_get_stats(none, AIO_ENGINE_THREADS, &engine_stats))

#define FUNCTION(name, call) \
    static __attribute__((unused)) void refuses_##name(void) { (void)(call); }
#define ENTRY(name, call) \
    TEST_PANICS(refuses_##name, #name ": the context is NULL"),

CALLS(FUNCTION)
MORE_CALLS(FUNCTION)
#if defined(__wasm__)
TEST_PROGRAM(CALLS(ENTRY))
#else
TEST_PROGRAM(CALLS(ENTRY) MORE_CALLS(ENTRY))
#endif
