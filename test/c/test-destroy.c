/* SPDX-License-Identifier: MIT */
/* Conditions, semaphores, events and mutexes that are destroyed at once: destroy.h. */
#include "destroy.h"

/* ---- Conditions ---- */

static QemuMutex lock;

static void cond_make(void)
{
    qemu_mutex_init(&lock);
    qemu_cond_init(object);
}

static void cond_wait(int round)
{
    qemu_mutex_lock(&lock);
    waiting++;
    while (!ready) {
        if (round % TIMED) {
            qemu_cond_wait(object, &lock);
        } else {
            qemu_cond_timedwait(object, &lock, 0);
        }
    }
    qemu_mutex_unlock(&lock);
}

/* The lock is held afterwards, and all others wait. */
static void lock_when_all_wait(void)
{
    for (unsigned turn = 0;; turn++) {
        qemu_mutex_lock(&lock);
        if (waiting == WAITERS) {
            ready = true;
            return;
        }
        qemu_mutex_unlock(&lock);
        test_nap(turn);
    }
}

static void cond_broadcast_and_destroy(int round)
{
    lock_when_all_wait();
    qemu_cond_broadcast(object);
    qemu_cond_destroy(object);
    object_drop(round);
    qemu_mutex_unlock(&lock);
}

static void cond_signal_and_destroy(int round)
{
    lock_when_all_wait();
    for (int i = 0; i < WAITERS; i++) {
        qemu_cond_signal(object);
    }
    qemu_cond_destroy(object);
    object_drop(round);
    qemu_mutex_unlock(&lock);
}

static void cond_after_a_broadcast(void)
{
    run(&(Kind){ cond_make, cond_broadcast_and_destroy, cond_wait, WAITERS });
}

static void cond_after_signals(void)
{
    run(&(Kind){ cond_make, cond_signal_and_destroy, cond_wait, WAITERS });
}

/* ---- Events ---- */

static void event_make(void)
{
    qemu_event_init(object, false);
}

static void event_wait(int round)
{
    (void)round;
    qemu_event_wait(object);
}

static void event_set_and_destroy(int round)
{
    QemuEvent *ev = object;

    TEST_WAIT_UNTIL(qatomic_read(&ev->inside) == WAITERS);
    qemu_event_set(ev);
    qemu_event_destroy(ev);
    object_drop(round);
}

static void event_by_who_set_it(void)
{
    run(&(Kind){ event_make, event_set_and_destroy, event_wait, WAITERS });
}

static void event_set(int round)
{
    (void)round;
    qemu_event_set(object);
}

static void event_wait_and_destroy(int round)
{
    qemu_event_wait(object);
    qemu_event_destroy(object);
    object_drop(round);
}

static void event_by_who_waited(void)
{
    run(&(Kind){ event_make, event_wait_and_destroy, event_set, 1 });
}

/* ---- Semaphores ---- */

static void sem_make(void)
{
    qemu_sem_init(object, 0);
}

static void sem_take(int round)
{
    if (round % 3) {
        qemu_sem_wait(object);
    } else {
        qemu_sem_timedwait(object, INT_MAX);
    }
}

static void sem_post_and_destroy(int round)
{
    QemuSemaphore *sem = object;

    TEST_WAIT_UNTIL(qatomic_read(&sem->inside) == WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        qemu_sem_post(sem);
    }
    qemu_sem_destroy(sem);
    object_drop(round);
}

static void semaphore_by_who_posted(void)
{
    run(&(Kind){ sem_make, sem_post_and_destroy, sem_take, WAITERS });
}

static void sem_post_one(int round)
{
    (void)round;
    qemu_sem_post(object);
}

static void sem_take_and_destroy(int round)
{
    sem_take(round);
    qemu_sem_destroy(object);
    object_drop(round);
}

static void semaphore_by_who_took(void)
{
    run(&(Kind){ sem_make, sem_take_and_destroy, sem_post_one, 1 });
}

/* ---- Locks: by the next one that had it, and tried until it got it ---- */

static void mutex_make(void)
{
    qemu_mutex_init(object);
    qemu_mutex_lock(object);
}

static void mutex_unlock(int round)
{
    (void)round;
    qemu_mutex_unlock(object);
}

static void mutex_take_and_destroy(int round)
{
    TEST_WAIT_UNTIL(round % 2 || qemu_mutex_trylock(object) == 0);
    if (round % 2) {
        qemu_mutex_lock(object);
    }
    qemu_mutex_unlock(object);
    qemu_mutex_destroy(object);
    object_drop(round);
}

static void mutex_by_the_next(void)
{
    run(&(Kind){ mutex_make, mutex_unlock, mutex_take_and_destroy, 1 });
}

/* ---- Somebody waits who was not woken ---- */

static void *wait_for_event(void *opaque)
{
    qemu_event_wait(opaque);
    return NULL;
}

static void event_that_is_waited_for(void)
{
    QemuEvent ev;
    QemuThread thread;

    qemu_event_init(&ev, false);
    qemu_thread_create(&thread, "waiter", wait_for_event, &ev,
                       QEMU_THREAD_JOINABLE);
    TEST_WAIT_UNTIL(qatomic_read(&ev.inside) == 1);
    qemu_event_destroy(&ev);
}

static void *take_one(void *opaque)
{
    qemu_sem_wait(opaque);
    return NULL;
}

static void semaphore_that_is_waited_for(void)
{
    QemuSemaphore sem;
    QemuThread thread[2];

    qemu_sem_init(&sem, 0);
    for (int i = 0; i < 2; i++) {
        qemu_thread_create(&thread[i], "waiter", take_one, &sem,
                           QEMU_THREAD_JOINABLE);
    }
    TEST_WAIT_UNTIL(qatomic_read(&sem.inside) == 2);
    qemu_sem_post(&sem);
    qemu_sem_destroy(&sem);
}

TEST_PROGRAM(
    TEST(cond_after_a_broadcast),
    TEST(cond_after_signals),
    TEST(event_by_who_set_it),
    TEST(event_by_who_waited),
    TEST(semaphore_by_who_posted),
    TEST(semaphore_by_who_took),
    TEST(mutex_by_the_next),
    TEST_PANICS(event_that_is_waited_for, "qemu_event_destroy"),
    TEST_PANICS(semaphore_that_is_waited_for, "qemu_sem_destroy"),
)
