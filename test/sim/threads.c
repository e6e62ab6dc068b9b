/* SPDX-License-Identifier: MIT */
/* IOThreads, the thread pool, coroutines that move, GLib's main loop. */
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "port/port.h"
#include "qemu/coroutine.h"
#include "qemu/gmain.h"
#include "sysemu/iothread.h"

static int ran;

static void count(void *opaque)
{
    (void)opaque;
    ran++;
}

static void counts_atomically(void *opaque)
{
    (void)opaque;
    qatomic_inc((uint32_t *)&ran);
    aio_wait_kick();
}

/* ---- IOThreads ---- */

SIM_SCENARIO(iothread_serves, "An IOThread runs what it is given, and ends when it is destroyed.")
{
    IOThread *io = iothread_create("io", &error_abort);

    aio_bh_schedule_oneshot(iothread_get_aio_context(io), counts_atomically, NULL);
    aio_bh_schedule_oneshot(iothread_get_aio_context(io), counts_atomically, NULL);
    while (qatomic_read(&ran) < 2) {
        port_pause();
    }
    iothread_destroy(io);
}

SIM_SCENARIO(iothread_ends_at_once, "An IOThread that is destroyed before it has slept ends.")
{
    iothread_destroy(iothread_create("io", &error_abort));
}

static AioContext *a_ctx, *b_ctx;
static int to_go;

static void to_b(void *opaque);

static void to_a(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(b_ctx, to_b, NULL);
}

static void to_b(void *opaque)
{
    (void)opaque;
    if (--to_go) {
        aio_bh_schedule_oneshot(a_ctx, to_a, NULL);
    } else {
        qatomic_store_release(&ran, 1);
    }
}

SIM_SCENARIO(ping_pong, "Two IOThreads that wake each other go on to the end.")
{
    IOThread *a = iothread_create("a", &error_abort), *b = iothread_create("b", &error_abort);

    a_ctx = iothread_get_aio_context(a);
    b_ctx = iothread_get_aio_context(b);
    to_go = 4;
    iothread_set_poll_max_ns(a, sim_choose(2) ? 5000 : 0, &error_abort);
    aio_bh_schedule_oneshot(a_ctx, to_a, NULL);
    while (!qatomic_load_acquire(&ran)) {
        port_pause();
    }
    iothread_destroy(a);
    iothread_destroy(b);
}

/* ---- The thread pool ---- */

static uint32_t worked;

/* A thread may lose its CPU for a while, but not for a second. */
static void check_soon(int64_t since)
{
    sim_check(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - since < NANOSECONDS_PER_SECOND);
}

static int works(void *opaque)
{
    qatomic_inc(&worked);
    return (int)(intptr_t)opaque;
}

static void completes(void *opaque, int ret)
{
    sim_check(ret == (int)(intptr_t)opaque || ret == -ECANCELED);
    ran++;
}

SIM_SCENARIO(pool_completes, "Each job of a pool is run, and its call-back once.")
{
    ThreadPoolAio *pool;

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 0, 2, &error_abort);
    pool = thread_pool_new_aio(ctx);
    for (intptr_t i = 1; i <= 4; i++) {
        thread_pool_submit_aio(pool, works, (void *)i, completes, (void *)i);
    }
    while (ran < 4) {
        aio_poll(ctx, true);
    }
    sim_check(qatomic_read(&worked) == 4);
    thread_pool_free_aio(pool);
    loop_end();
}

SIM_SCENARIO(pool_wakes_its_threads, "A pool whose threads are idle does not leave a job to itself.")
{
    ThreadPoolAio *pool;
    int64_t start;

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 0, 2, &error_abort);
    pool = thread_pool_new_aio(ctx);
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    for (int round = 1; round <= 4; round++) {
        thread_pool_submit_aio(pool, works, (void *)1, completes, (void *)1);
        if (sim_choose(2)) {
            thread_pool_submit_aio(pool, works, (void *)1, completes, (void *)1);
            ran--;
        }
        while (ran < round) {
            aio_poll(ctx, true);
        }
        check_soon(start);
    }
    thread_pool_free_aio(pool);
    loop_end();
}

SIM_SCENARIO(pool_cancels, "A job that is cancelled while a thread may begin it completes once, one way or the other.")
{
    ThreadPoolAio *pool;
    BlockAIOCB *jobs[3];

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 0, 1, &error_abort);
    pool = thread_pool_new_aio(ctx);
    for (intptr_t i = 0; i < 3; i++) {
        jobs[i] = thread_pool_submit_aio(pool, works, (void *)(i + 1), completes, (void *)(i + 1));
    }
    bdrv_aio_cancel_async(jobs[2]);
    bdrv_aio_cancel_async(jobs[1]);
    while (ran < 3) {
        aio_poll(ctx, true);
    }
    thread_pool_free_aio(pool);
    loop_end();
    sim_check(ran == 3);
}

SIM_SCENARIO(pool_of_a_moment, "A pool whose threads end because they have nothing to do starts others.")
{
    ThreadPoolAio *pool;

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 0, 2, &error_abort);
    pool = thread_pool_new_aio(ctx);
    for (int round = 1; round <= 2; round++) {
        thread_pool_submit_aio(pool, works, (void *)1, completes, (void *)1);
        while (ran < round) {
            aio_poll(ctx, true);
        }
        /* Longer than an idle thread stays. */
        sim_sleep(11 * NANOSECONDS_PER_SECOND);
    }
    thread_pool_free_aio(pool);
    loop_end();
}

/* ---- Coroutines ---- */

static CoMutex co_mutex;
static int shared, ended;

static void coroutine_fn enters_mutex(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        qemu_co_mutex_lock(&co_mutex);
        int was = shared;
        /* Sometimes the holder goes away for a while. */
        if (sim_choose(2)) {
            qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, 3000);
        }
        sim_pass();
        shared = was + 1;
        qemu_co_mutex_unlock(&co_mutex);
    }
    qatomic_inc((uint32_t *)&ended);
}

static void starts(void *opaque)
{
    (void)opaque;
    qemu_coroutine_enter(qemu_coroutine_create(enters_mutex, NULL));
}

SIM_SCENARIO(co_mutex_of_two_threads, "Coroutines of two threads in a CoMutex exclude each other, and all get it.")
{
    IOThread *a = iothread_create("a", &error_abort), *b = iothread_create("b", &error_abort);

    qemu_co_mutex_init(&co_mutex);
    aio_bh_schedule_oneshot(iothread_get_aio_context(a), starts, NULL);
    aio_bh_schedule_oneshot(iothread_get_aio_context(b), starts, NULL);
    aio_bh_schedule_oneshot(iothread_get_aio_context(b), starts, NULL);
    while (qatomic_read(&ended) < 3) {
        port_pause();
    }
    iothread_destroy(a);
    iothread_destroy(b);
    sim_check(shared == 6);
}

SIM_SCENARIO(co_mutex_of_three_threads, "Coroutines of three threads hand a CoMutex on; nobody is forgotten or let in too early.")
{
    IOThread *io[3];

    qemu_co_mutex_init(&co_mutex);
    for (int i = 0; i < 3; i++) {
        char name[] = { (char)('a' + i), 0 };

        io[i] = iothread_create(name, &error_abort);
        aio_bh_schedule_oneshot(iothread_get_aio_context(io[i]), starts, NULL);
    }
    while (qatomic_read(&ended) < 3) {
        port_pause();
    }
    for (int i = 0; i < 3; i++) {
        iothread_destroy(io[i]);
    }
    sim_check(shared == 6);
}

static CoRwlock rwlock;
static int readers, writers;

static void coroutine_fn reads_and_writes(void *opaque)
{
    (void)opaque;
    qemu_co_rwlock_rdlock(&rwlock);
    qatomic_inc((uint32_t *)&readers);
    sim_check(qatomic_read(&writers) == 0);
    qatomic_dec((uint32_t *)&readers);
    qemu_co_rwlock_unlock(&rwlock);
    qemu_co_rwlock_wrlock(&rwlock);
    sim_check(qatomic_fetch_inc((uint32_t *)&writers) == 0);
    sim_check(qatomic_read(&readers) == 0);
    qatomic_dec((uint32_t *)&writers);
    qemu_co_rwlock_unlock(&rwlock);
    qatomic_inc((uint32_t *)&ended);
}

static void starts_rw(void *opaque)
{
    (void)opaque;
    qemu_coroutine_enter(qemu_coroutine_create(reads_and_writes, NULL));
}

SIM_SCENARIO(co_rwlock_of_two_threads, "Readers share a CoRwlock, writers have it alone, and everybody gets it.")
{
    IOThread *a = iothread_create("a", &error_abort), *b = iothread_create("b", &error_abort);

    qemu_co_rwlock_init(&rwlock);
    aio_bh_schedule_oneshot(iothread_get_aio_context(a), starts_rw, NULL);
    aio_bh_schedule_oneshot(iothread_get_aio_context(a), starts_rw, NULL);
    aio_bh_schedule_oneshot(iothread_get_aio_context(b), starts_rw, NULL);
    while (qatomic_read(&ended) < 3) {
        port_pause();
    }
    iothread_destroy(a);
    iothread_destroy(b);
}

static void coroutine_fn wanders(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        aio_co_reschedule_self(b_ctx);
        sim_check(qemu_get_current_aio_context() == b_ctx);
        aio_co_reschedule_self(a_ctx);
        sim_check(qemu_get_current_aio_context() == a_ctx);
    }
    qatomic_inc((uint32_t *)&ended);
}

SIM_SCENARIO(co_wanders, "A coroutine that moves between two IOThreads runs where it should, one thread at a time.")
{
    IOThread *a = iothread_create("a", &error_abort), *b = iothread_create("b", &error_abort);

    a_ctx = iothread_get_aio_context(a);
    b_ctx = iothread_get_aio_context(b);
    aio_co_schedule(a_ctx, qemu_coroutine_create(wanders, NULL));
    aio_co_schedule(a_ctx, qemu_coroutine_create(wanders, NULL));
    while (qatomic_read(&ended) < 2) {
        port_pause();
    }
    iothread_destroy(a);
    iothread_destroy(b);
}

/* ---- GLib's main loop ---- */

static void schedules_two(void *opaque)
{
    (void)opaque;
    aio_bh_schedule_oneshot(ctx, count, NULL);
    aio_bh_schedule_oneshot(ctx, count, NULL);
}

SIM_SCENARIO(gsource_is_woken, "A context in a GMainContext is dispatched when another thread schedules something.")
{
    GMainContext *main_context = g_main_context_new();
    GSource *source;

    loop_begin();
    source = aio_get_g_source(ctx);
    g_source_attach(source, main_context);
    g_source_unref(source);
    sim_spawn("a", schedules_two, NULL);
    sim_spawn("b", schedules_two, NULL);
    while (ran < 4) {
        g_main_context_iteration(main_context, true);
    }
    sim_check(ran == 4);
    sim_join();
    g_source_destroy(source);
    g_main_context_unref(main_context);
    loop_end();
}
