/* SPDX-License-Identifier: MIT */
/*
 * A program with many functions of its own whose names are in no public header, though
 * some of them are the library's inside, QEMU's helpers', or POSIX's. The library must
 * never call one of them.
 */
#include "qemu/osdep.h"
#include "block/aio.h"
#include "block/thread-pool.h"
#include "qapi/error.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"

#define NAMES(X) \
    X(init) X(setup) X(start) X(stop) X(run) X(cleanup) X(destroy) X(release) X(reset) X(update) \
    X(push) X(pop) X(peek) X(insert) X(lookup) X(find) X(append) X(prepend) X(merge) X(split) \
    X(add) X(sub) X(get) X(put) X(set) X(clear) X(fill) X(copy) X(move) X(swap) \
    X(lock) X(unlock) X(trylock) X(wake) X(wait_for) X(notify) X(signal_all) X(broadcast) X(spin) X(yield) \
    X(parse) X(token) X(next) X(expect) X(accept_token) X(emit) X(eval) X(print) X(dump) X(trace) \
    X(panic) X(die) X(fail) X(warn) X(info) X(debug) X(log_message) X(assert_fail) X(check) X(verify) \
    X(queue_push) X(queue_pop) X(queue_new) X(queue_free) X(queue_empty) X(queue_size) X(enqueue) X(dequeue) X(ring_push) X(ring_pop) \
    X(heap_insert) X(heap_remove) X(heap_init) X(heap_grow) X(heap_move) X(heap_remove_first) X(heap_first_is_since) X(heap_pop) X(heap_memory_new) X(heap_memory_free) \
    X(handle_new) X(handle_free) X(handle_get) X(handle_close) X(handle_open) X(object_new) X(object_free) X(object_ref) X(object_unref) X(refcount) \
    X(thread_self) X(thread_start) X(thread_join) X(thread_main) X(thread_at_exit) X(thread_on_lost) X(thread_run_exit_hooks) X(thread_start_detached) X(worker) X(worker_main) \
    X(clock_is_enabled) X(clock_add_list) X(clock_remove_list) X(clock_now) X(clock_begin_run) X(timer_start) X(timer_stop) X(timer_try_new) X(timer_try_mod_ns) X(timerlist_try_new) \
    X(bh_init) X(bh_pool) X(bh_new) X(pool_get) X(pool_put) X(pool_new) X(bench_fill) X(bench_check) X(wasi_path) X(wasm_failed) \
    X(port_panic) X(port_clock_ns) X(port_spin) X(port_futex_wait) X(port_futex_wake) X(port_thread_start) X(port_io_run) X(port_event_set) X(port_coroutine_enter) X(port_fd_poll) \
    X(host_pread) X(host_pwrite) X(host_raise) X(host_leave) X(host_callback) X(host_complete) X(host_clock_ns) X(host_start_worker) X(wasi_args_get) X(wasm_stack_switch) \
    X(rt_init) X(rt_notify) X(rt_malloc) X(rt_free) X(rt_bh_new) X(rt_timer_new) X(rt_main_start) X(rt_thread_run) X(rt_threads_init) X(rt_complete) \
    X(coroutine_running) X(coroutine_pool_take) X(coroutine_refuse) X(fdmon_poll_ops) X(fdmon_ready_ops) X(gmain_iterate) X(raw_aio_step) X(uring_open) X(uring_enter) X(posix_timeout) \
    X(iothread_new) X(iothread_join) X(iothread_get_aio_context) X(iothread_run) X(iothread_free) X(iothread_enter) X(iothread_leave) X(test_main) X(do_test) X(set_up) \
    X(accept) X(choose) X(send) X(recv) X(shutdown) X(sendto) X(flock) X(socketpair) X(connect) X(bind) \
    X(listen) X(server) X(client) X(request) X(response) X(transfer) X(stack_push) X(stack_pop) X(stack_own) X(stack_back) \
    X(list_add) X(list_del) X(list_head) X(tree_insert) X(tree_find) X(hash) X(hash_insert) X(hash_find) X(buffer_new) X(buffer_free)

static int calls;

#define DEFINE(name) \
    int name(int n); \
    int name(int n) { calls++; return n; }
NAMES(DEFINE)

static int done;

static void count_cb(void *opaque)
{
    ++*(int *)opaque;
}

static int work(void *opaque)
{
    (void)opaque;
    return 0;
}

static void worked(void *opaque, int ret)
{
    *(int *)opaque += ret == 0;
}

static void coroutine_fn count_twice(void *opaque)
{
    ++*(int *)opaque;
    qemu_coroutine_yield();
    ++*(int *)opaque;
}

static void *notifies(void *opaque)
{
    aio_bh_schedule_oneshot(qemu_get_aio_context(), count_cb, opaque);
    return NULL;
}

int main(void)
{
    AioContext *ctx;
    QemuThread thread;
    QEMUTimer timer;
    Coroutine *co;
    int library_called, names = 0;

    qemu_init_main_loop(&error_fatal);
    ctx = qemu_get_aio_context();
    aio_timer_init(ctx, &timer, QEMU_CLOCK_REALTIME, SCALE_MS, count_cb, &done);
    timer_mod(&timer, 0);
    thread_pool_submit_aio(aio_get_thread_pool(ctx), work, NULL, worked, &done);
    co = qemu_coroutine_create(count_twice, &done);
    qemu_coroutine_enter(co);
    qemu_coroutine_enter(co);
    qemu_thread_create(&thread, "notifies", notifies, &done, QEMU_THREAD_JOINABLE);
    while (done < 5) {
        aio_poll(ctx, true);
    }
    qemu_thread_join(&thread);
    library_called = calls;
#define CALL(name) names += name(1);
    NAMES(CALL)
    printf("%d names, the library called %d\n", names, library_called);
    return 0;
}
