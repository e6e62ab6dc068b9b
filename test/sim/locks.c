/* SPDX-License-Identifier: MIT */
/* The locks of threads. */
#include "port/port.h"
#include "port/sim/sim.h"
#include "qemu/atomic.h"
#include "qemu/thread.h"

static QemuMutex mutex;
static int counter;

/* Stays in a critical section, sometimes so long that others go to sleep. */
static void linger(void)
{
    if (sim_choose(2)) {
        sim_sleep(20000);
    } else {
        sim_pass();
    }
}

static void adds(void *opaque)
{
    (void)opaque;
    qemu_mutex_lock(&mutex);
    int was = counter;
    linger();
    counter = was + 1;
    qemu_mutex_unlock(&mutex);
}

static void adds_thrice(void *opaque)
{
    for (int i = 0; i < 3; i++) {
        adds(opaque);
    }
}

SIM_SMALL_SCENARIO(mutex_of_two, "Two threads in a mutex exclude each other, and both get it.")
{
    qemu_mutex_init(&mutex);
    sim_spawn("a", adds, NULL);
    sim_spawn("b", adds, NULL);
    sim_join();
    sim_check(counter == 2);
    qemu_mutex_destroy(&mutex);
}

SIM_SCENARIO(mutex_of_four, "Four threads in a mutex exclude each other, and all get it.")
{
    qemu_mutex_init(&mutex);
    for (int i = 0; i < 4; i++) {
        sim_spawn("adds", adds_thrice, NULL);
    }
    sim_join();
    sim_check(counter == 12);
    qemu_mutex_destroy(&mutex);
}

/* ---- Condition variables: a queue of one place ---- */

static QemuCond not_empty, not_full;
static int place, produced, consumed;

static void produces(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        qemu_mutex_lock(&mutex);
        while (place) {
            qemu_cond_wait(&not_full, &mutex);
        }
        place = ++produced;
        qemu_cond_signal(&not_empty);
        qemu_mutex_unlock(&mutex);
    }
}

static void consumes(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 3; i++) {
        qemu_mutex_lock(&mutex);
        while (!place) {
            qemu_cond_wait(&not_empty, &mutex);
        }
        sim_check(place == consumed + 1);
        consumed = place;
        place = 0;
        qemu_cond_signal(&not_full);
        qemu_mutex_unlock(&mutex);
    }
}

SIM_SCENARIO(cond_queue, "Two that put into a queue of one place and two that take from it all come to their end.")
{
    qemu_mutex_init(&mutex);
    qemu_cond_init(&not_empty);
    qemu_cond_init(&not_full);
    sim_spawn("puts", produces, NULL);
    sim_spawn("puts too", produces, NULL);
    sim_spawn("takes", consumes, NULL);
    sim_spawn("takes too", consumes, NULL);
    sim_join();
    sim_check(consumed == 6);
    qemu_cond_destroy(&not_empty);
    qemu_cond_destroy(&not_full);
    qemu_mutex_destroy(&mutex);
}

static bool go;

static void waits_for_go(void *opaque)
{
    (void)opaque;
    qemu_mutex_lock(&mutex);
    while (!go) {
        qemu_cond_wait(&not_empty, &mutex);
    }
    qemu_mutex_unlock(&mutex);
}

static void waits_a_while(void *opaque)
{
    (void)opaque;
    qemu_mutex_lock(&mutex);
    while (!go && qemu_cond_timedwait(&not_empty, &mutex, 1)) {
        continue;
    }
    qemu_mutex_unlock(&mutex);
}

SIM_SCENARIO(cond_broadcast, "A broadcast wakes all, also beside one whose time is up; the condition may then be destroyed.")
{
    qemu_mutex_init(&mutex);
    qemu_cond_init(&not_empty);
    sim_spawn("a", waits_for_go, NULL);
    sim_spawn("b", waits_for_go, NULL);
    sim_spawn("impatient", waits_a_while, NULL);
    qemu_mutex_lock(&mutex);
    go = true;
    qemu_cond_broadcast(&not_empty);
    qemu_mutex_unlock(&mutex);
    sim_join();
    qemu_cond_destroy(&not_empty);
    qemu_mutex_destroy(&mutex);
}

/* ---- Semaphores ---- */

static QemuSemaphore sem;
static uint32_t inside, times;

static void passes(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        qemu_sem_wait(&sem);
        sim_check(qatomic_fetch_inc(&inside) < 2);
        qatomic_dec(&inside);
        qatomic_inc(&times);
        qemu_sem_post(&sem);
    }
}

SIM_SCENARIO(sem_of_two_places, "A semaphore lets as many in as it has places, and in the end everybody.")
{
    qemu_sem_init(&sem, 2);
    for (int i = 0; i < 4; i++) {
        sim_spawn("passes", passes, NULL);
    }
    sim_join();
    sim_check(times == 8);
    qemu_sem_destroy(&sem);
}

static void takes_one(void *opaque)
{
    (void)opaque;
    qemu_sem_wait(&sem);
}

static void tries_to_take(void *opaque)
{
    (void)opaque;
    if (qemu_sem_timedwait(&sem, 1) < 0) {
        /* One that was posted is still there for another. */
        qatomic_inc(&times);
    }
}

SIM_SCENARIO(sem_posts_are_kept, "Each post lets one thread pass, also when another gives up waiting at the same time.")
{
    qemu_sem_init(&sem, 0);
    sim_spawn("a", takes_one, NULL);
    sim_spawn("b", takes_one, NULL);
    sim_spawn("impatient", tries_to_take, NULL);
    qemu_sem_post(&sem);
    qemu_sem_post(&sem);
    qemu_sem_post(&sem);
    sim_join();
    /* Who gave up has left its post. */
    sim_check(qemu_sem_timedwait(&sem, 0) == (times ? 0 : -1));
    qemu_sem_destroy(&sem);
}

SIM_PANICKING_SCENARIO(sem_destroyed_too_early, "Who destroys a semaphore for which somebody waits is told so, and does not hang.",
                       "qemu_sem_destroy")
{
    qemu_sem_init(&sem, 0);
    sim_spawn("a", takes_one, NULL);
    sim_spawn("b", takes_one, NULL);
    while (qatomic_read(&sem.inside) != 2) {
        port_pause();
    }
    qemu_sem_post(&sem);
    qemu_sem_destroy(&sem);
}

/* ---- Events ---- */

static QemuEvent event;
static uint32_t ready;

static void sets(void *opaque)
{
    (void)opaque;
    qatomic_set(&ready, 1);
    qemu_event_set(&event);
}

static void waits(void *opaque)
{
    (void)opaque;
    /* The way to wait: reset, look, wait. */
    for (;;) {
        qemu_event_reset(&event);
        if (qatomic_read(&ready)) {
            return;
        }
        qemu_event_wait(&event);
    }
}

SIM_SMALL_SCENARIO(event_of_two, "Who resets an event, looks and waits does not miss what was set in between.")
{
    qemu_event_init(&event, false);
    sim_spawn("sets", sets, NULL);
    waits(NULL);
    sim_join();
    qemu_event_destroy(&event);
}

SIM_SCENARIO(event_set_again, "An event that is set already, and set once more after a store, shows that store.")
{
    qemu_event_init(&event, true);
    sim_spawn("sets", sets, NULL);
    waits(NULL);
    sim_join();
    qemu_event_destroy(&event);
}

/* ---- Counts that lock ---- */

static QemuLockCnt lockcnt;
static int *object;

static void visits(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        qemu_lockcnt_inc(&lockcnt);
        int *seen = qatomic_load_acquire(&object);
        if (seen) {
            sim_check(qatomic_read(seen) == 1);
        }
        if (qemu_lockcnt_dec_and_lock(&lockcnt)) {
            int *gone = object;

            /* Nobody visits: it may be replaced. */
            qatomic_store_release(&object, NULL);
            if (gone) {
                qatomic_set(gone, 0);
                free(gone);
            }
            qemu_lockcnt_unlock(&lockcnt);
        }
    }
}

static void brings(void *opaque)
{
    int *made;

    (void)opaque;
    qemu_lockcnt_lock(&lockcnt);
    made = malloc(sizeof(*made));
    qatomic_set(made, 1);
    if (object) {
        free(made);
    } else {
        qatomic_store_release(&object, made);
    }
    qemu_lockcnt_unlock(&lockcnt);
}

SIM_SCENARIO(lockcnt_guards, "What a LockCnt guards is freed only while nobody visits.")
{
    qemu_lockcnt_init(&lockcnt);
    sim_spawn("a", visits, NULL);
    sim_spawn("b", visits, NULL);
    sim_spawn("brings", brings, NULL);
    sim_join();
    sim_check(qemu_lockcnt_count(&lockcnt) == 0);
    qemu_lockcnt_destroy(&lockcnt);
}

static int visitors_seen;

static void locks(void *opaque)
{
    (void)opaque;
    qemu_lockcnt_lock(&lockcnt);
    int was = visitors_seen;
    linger();
    visitors_seen = was + 1;
    qemu_lockcnt_inc_and_unlock(&lockcnt);
    qemu_lockcnt_dec(&lockcnt);
}

SIM_SCENARIO(lockcnt_of_three, "Three that lock a LockCnt exclude each other, and all get it.")
{
    qemu_lockcnt_init(&lockcnt);
    sim_spawn("a", locks, NULL);
    sim_spawn("b", locks, NULL);
    sim_spawn("c", locks, NULL);
    sim_join();
    sim_check(visitors_seen == 3);
    sim_check(qemu_lockcnt_count(&lockcnt) == 0);
    qemu_lockcnt_destroy(&lockcnt);
}

static QemuSpin spin;

static void adds_spinning(void *opaque)
{
    (void)opaque;
    for (int i = 0; i < 2; i++) {
        qemu_spin_lock(&spin);
        int was = counter;
        linger();
        counter = was + 1;
        qemu_spin_unlock(&spin);
    }
}

SIM_SCENARIO(spin_of_two, "Two threads at a spin lock exclude each other, and both get it.")
{
    qemu_spin_init(&spin);
    sim_spawn("a", adds_spinning, NULL);
    sim_spawn("b", adds_spinning, NULL);
    sim_join();
    sim_check(counter == 4);
}
