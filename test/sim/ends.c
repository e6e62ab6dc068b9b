/* SPDX-License-Identifier: MIT */
/* Objects that are destroyed while somebody is still on its way out, locks that are taken again, waits that are kicked. */
#include "block/aio-wait.h"
#include "block/block.h"
#include "block/thread-pool.h"
#include "loop.h"
#include "port/port.h"
#include "qemu/coroutine.h"
#include "qemu/gmain.h"
#include "qemu/main-loop.h"
#include "qemu/thread.h"
#include "sync/semaphore.h"

/* ---- Destroying ---- */

static QemuSemaphore *sem;

static void takes(void *opaque)
{
    (void)opaque;
    qemu_sem_wait(sem);
}

SIM_SCENARIO(sem_destroyed_by_the_poster, "A semaphore may be destroyed and freed as soon as there was a post for each who waits.")
{
    sem = malloc(sizeof(*sem));
    qemu_sem_init(sem, 0);
    sim_spawn("a", takes, NULL);
    sim_spawn("b", takes, NULL);
    while (qatomic_read(&sem->inside) < 2) {
        port_pause();
    }
    qemu_sem_post(sem);
    qemu_sem_post(sem);
    qemu_sem_destroy(sem);
    free(sem);
}

SIM_SCENARIO(sem_destroyed_by_one_that_never_blocks, "The same in a thread that must never block: it spins until they have left.")
{
    sim_never_blocks();
    sem = malloc(sizeof(*sem));
    qemu_sem_init(sem, 0);
    sim_spawn("a", takes, NULL);
    while (!qatomic_read(&sem->inside)) {
        port_pause();
    }
    qemu_sem_post(sem);
    qemu_sem_destroy(sem);
    free(sem);
}

static void posts(void *opaque)
{
    (void)opaque;
    qemu_sem_post(sem);
}

SIM_SCENARIO(sem_awaited_without_blocking, "What wasm/libc does for a thread that must never block: it spins until there is a post.")
{
    sim_never_blocks();
    sem = malloc(sizeof(*sem));
    qemu_sem_init(sem, 0);
    sim_spawn("a", posts, NULL);
    sim_check(semaphore_take_until(sem, INT64_MAX));
    sim_join();
    qemu_sem_destroy(sem);
    free(sem);
}

static QEMUBH *last;
static bool over;

static void is_last(void *opaque)
{
    (void)opaque;
    over = true;
}

static void schedules_last(void *by_itself)
{
    if (by_itself) {
        aio_bh_schedule_oneshot(ctx, is_last, NULL);
    } else {
        qemu_bh_schedule(last);
    }
}

SIM_SCENARIO(loop_ends_by_a_bottom_half, "A loop may be freed as soon as it has run the last bottom half, though the thread that scheduled that is not back yet.")
{
    loop_begin();
    last = aio_bh_new(ctx, is_last, NULL);
    over = false;
    sim_spawn("schedules", schedules_last, sim_choose(2) ? ctx : NULL);
    while (!over) {
        aio_poll(ctx, true);
    }
    qemu_bh_delete(last);
    aio_context_detach_current();
    aio_context_unref(ctx);
    sim_join();
}

SIM_PANICKING_SCENARIO(poll_that_would_block, "A thread that must never block is refused a poll that may sleep.", "aio_poll")
{
    sim_never_blocks();
    loop_begin();
    aio_poll(ctx, true);
}

SIM_PANICKING_SCENARIO(iteration_that_would_block, "It is refused an iteration of a main loop that may sleep.", "g_main_context_iteration")
{
    sim_never_blocks();
    g_main_context_iteration(NULL, TRUE);
}

static GSource *idle_source;

static void *destroys(void *opaque)
{
    g_source_destroy(idle_source);
    return opaque;
}

SIM_SCENARIO(source_destroyed_by_two, "Two threads may destroy a source at the same time.")
{
    GMainContext *main_context = g_main_context_new();
    QemuThread a, b;

    loop_begin();
    idle_source = aio_get_g_source(ctx);
    g_source_attach(idle_source, main_context);
    qemu_thread_create(&a, "a", destroys, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_create(&b, "b", destroys, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_join(&a);
    qemu_thread_join(&b);
    g_source_unref(idle_source);
    g_main_context_unref(main_context);
    loop_end();
}

static void takes_the_default(void *opaque)
{
    *(GMainContext **)opaque = g_main_context_default();
}

SIM_SCENARIO(default_made_by_two, "Two threads that ask for the default main context first get the same.")
{
    static GMainContext *a, *b;

    sim_spawn("a", takes_the_default, &a);
    sim_spawn("b", takes_the_default, &b);
    sim_join();
    sim_check(a && a == b);
}

static QemuEvent *event;

static void waits_for_event(void *opaque)
{
    (void)opaque;
    qemu_event_wait(event);
}

SIM_SCENARIO(event_destroyed_by_who_set_it, "An event may be destroyed and freed as soon as it has been set, whoever waits for it.")
{
    event = malloc(sizeof(*event));
    qemu_event_init(event, false);
    sim_spawn("a", waits_for_event, NULL);
    sim_spawn("b", waits_for_event, NULL);
    while (qatomic_read(&event->inside) < 2) {
        port_pause();
    }
    qemu_event_set(event);
    qemu_event_destroy(event);
    free(event);
}

static QemuCond *cond;
static QemuMutex mutex;
static bool told;

static void waits(void *opaque)
{
    (void)opaque;
    qemu_mutex_lock(&mutex);
    if (!told) {
        qemu_cond_wait(cond, &mutex);
    }
    qemu_mutex_unlock(&mutex);
}

SIM_SCENARIO(cond_destroyed_by_the_waker, "A condition may be destroyed and freed as soon as all who wait have been woken.")
{
    cond = malloc(sizeof(*cond));
    qemu_cond_init(cond);
    qemu_mutex_init(&mutex);
    sim_spawn("a", waits, NULL);
    sim_spawn("b", waits, NULL);
    while (qatomic_read(&cond->inside) < 2) {
        port_pause();
    }
    qemu_mutex_lock(&mutex);
    told = true;
    qemu_cond_broadcast(cond);
    qemu_mutex_unlock(&mutex);
    qemu_cond_destroy(cond);
    free(cond);
}

/* ---- Recursive mutexes ---- */

static QemuRecMutex recursive;
static int shared;

/* Thread-locals have the same address in all threads of a simulation, so who locks has to be a QemuThread, by which it is known. */
static void *locks_twice(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        qemu_rec_mutex_lock(&recursive);
        qemu_rec_mutex_lock(&recursive);
        shared++;
        qemu_rec_mutex_unlock(&recursive);
        qemu_rec_mutex_unlock(&recursive);
    }
    return NULL;
}

SIM_SCENARIO(recmutex_of_two, "Two threads in a recursive mutex exclude each other, and each may lock it again.")
{
    QemuThread threads[2];

    qemu_rec_mutex_init(&recursive);
    qemu_thread_create(&threads[0], "a", locks_twice, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_create(&threads[1], "b", locks_twice, NULL, QEMU_THREAD_JOINABLE);
    qemu_thread_join(&threads[0]);
    qemu_thread_join(&threads[1]);
    sim_check(shared == 6);
    qemu_rec_mutex_destroy(&recursive);
}

/* ---- AIO_WAIT_WHILE ---- */

static uint32_t done;

static void does(void *opaque)
{
    (void)opaque;
    qatomic_set(&done, 1);
    aio_wait_kick();
}

SIM_SCENARIO(wait_is_kicked, "AIO_WAIT_WHILE() sees what another thread has done before it kicked.")
{
    qemu_init_main_loop(&error_abort);
    sim_spawn("does", does, NULL);
    AIO_WAIT_WHILE(NULL, !qatomic_read(&done));
    sim_join();
}

/* ---- Sleeping coroutines ---- */

static QemuCoSleep sleeper;
static int resumed;

static void coroutine_fn sleeps(void *opaque)
{
    (void)opaque;
    qemu_co_sleep_ns_wakeable(&sleeper, QEMU_CLOCK_REALTIME, 20000);
    resumed++;
}

static void wakes(void *opaque)
{
    (void)opaque;
    qemu_co_sleep_wake(&sleeper);
}

SIM_SCENARIO(co_sleep_woken_by_two, "A sleeping coroutine that two threads and its timer wake resumes once.")
{
    loop_begin();
    qemu_coroutine_enter(qemu_coroutine_create(sleeps, NULL));
    sim_spawn("a", wakes, NULL);
    sim_spawn("b", wakes, NULL);
    while (!resumed) {
        aio_poll(ctx, true);
    }
    loop_end();
    sim_check(resumed == 1);
}

/* ---- A pool that shrinks ---- */

static int ran;

static int works(void *opaque)
{
    (void)opaque;
    return 0;
}

static void completes(void *opaque, int ret)
{
    (void)opaque;
    sim_check(ret == 0);
    ran++;
}

SIM_SCENARIO(pool_shrinks, "A job whose thread ends because the pool becomes smaller is done by another one, soon.")
{
    ThreadPoolAio *pool;
    int64_t start;

    loop_begin();
    aio_context_set_thread_pool_params(ctx, 2, 2, &error_abort);
    pool = thread_pool_new_aio(ctx);
    /* Both threads come, and fall asleep. */
    for (int i = 0; i < 4; i++) {
        aio_poll(ctx, false);
        sim_sleep(SCALE_MS);
    }
    start = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    thread_pool_submit_aio(pool, works, NULL, completes, NULL);
    aio_context_set_thread_pool_params(ctx, 0, 1, &error_abort);
    thread_pool_update_params(pool, ctx);
    while (ran < 1) {
        aio_poll(ctx, true);
    }
    /* An idle thread would look by itself after ten seconds. */
    sim_check(qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - start < 5 * NANOSECONDS_PER_SECOND);
    thread_pool_free_aio(pool);
    loop_end();
}

/* ---- The tickets of a CoMutex ---- */

static CoMutex co_mutex;

static bool through[3];

static unsigned parties;
static bool waits_for_all;

static void coroutine_fn holds_first(void *opaque)
{
    qemu_co_mutex_lock(&co_mutex);
    sim_meet(parties);
    shared++;
    if (parties == 2 || waits_for_all) {
        /* Until the others have counted themselves, and have not yet queued up. */
        while (qatomic_mb_read(&co_mutex.locked) < parties) {
            sim_sleep(50);
        }
    } else {
        /* About as long as the others spin before they queue up. */
        sim_sleep(3000 + sim_choose(6000));
    }
    qemu_co_mutex_unlock(&co_mutex);
    *(bool *)opaque = true;
}

static void coroutine_fn comes_then(void *opaque)
{
    sim_meet(parties);
    qemu_co_mutex_lock(&co_mutex);
    shared++;
    qemu_co_mutex_unlock(&co_mutex);
    *(bool *)opaque = true;
}

static void has_a_coroutine(void *opaque)
{
    AioContext *own = aio_context_new(&error_abort);
    bool *is_through = opaque;

    qemu_set_current_aio_context(own);
    qemu_coroutine_enter(qemu_coroutine_create(is_through == through ? holds_first : comes_then, is_through));
    while (!*is_through) {
        aio_poll(own, true);
    }
    aio_context_detach_current();
    aio_context_unref(own);
}

/* Everybody comes while the first one holds it, and it is given up when all others have counted themselves. */
static void meet_at_the_mutex(unsigned n)
{
    parties = n;
    sim_focus(&co_mutex, sizeof(co_mutex));
    for (unsigned i = 0; i < n; i++) {
        sim_spawn(&"a\0b\0c"[2 * i], has_a_coroutine, &through[i]);
    }
    sim_join();
    sim_check(shared == (int)n);
}

SIM_SCENARIO(co_mutex_ticket_wraps, "A CoMutex whose tickets have used all numbers hands itself over by the next one.")
{
    qemu_co_mutex_init(&co_mutex);
    co_mutex.sequence = UINT_MAX;
    meet_at_the_mutex(2);
}

SIM_SCENARIO(co_mutex_ticket_seen_by_two, "Two coroutines that see the same ticket of a CoMutex are each let in once.")
{
    waits_for_all = true;
    qemu_co_mutex_init(&co_mutex);
    meet_at_the_mutex(3);
}

SIM_SCENARIO(co_mutex_tickets, "Coroutines that come while a CoMutex is handed over are each let in once.")
{
    parties = 3;
    qemu_co_mutex_init(&co_mutex);
    sim_spawn("a", has_a_coroutine, &through[0]);
    sim_spawn("b", has_a_coroutine, &through[1]);
    sim_spawn("c", has_a_coroutine, &through[2]);
    sim_join();
    sim_check(shared == 3);
}

SIM_SCENARIO(co_mutex_given_up_meanwhile, "Who queues up for a CoMutex that is given up in that moment gets it.")
{
    parties = 2;
    qemu_co_mutex_init(&co_mutex);
    sim_spawn("a", has_a_coroutine, &through[0]);
    sim_spawn("b", has_a_coroutine, &through[1]);
    sim_join();
    sim_check(shared == 2);
}
