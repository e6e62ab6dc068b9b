/* SPDX-License-Identifier: MIT */
/*
 * One word holds the count and, above it, a bit that says that a thread may sleep. It
 * is one word so that a post touches the semaphore only once: the thread that takes
 * the post may free the semaphore at once. The other word belongs to the threads that
 * wait and to the one that destroys the semaphore: inside.h.
 *
 * A post clears the bit and wakes one sleeper. That sleeper sets the bit again when it
 * leaves, with or without success, because others may still sleep; and it wakes the
 * next one if there have been posts meanwhile that saw no bit.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/inside.h"
#include "sync/semaphore.h"
#include "sync/wait.h"

#define SLEEPERS 0x80000000u
#define COUNT_MAX 0x7fffffffu

void qemu_sem_init(QemuSemaphore *sem, int init)
{
    if (init < 0) {
        port_panic("qemu_sem_init: the count %d is negative", init);
    }
    qatomic_set(&sem->count, (uint32_t)init);
    qatomic_set(&sem->inside, 0);
}

void qemu_sem_destroy(QemuSemaphore *sem)
{
    if (unlikely(inside_close(&sem->inside))) {
        /* Threads for which there was a post leave; one that still waits panics. */
        qatomic_and(&sem->count, COUNT_MAX);
        port_futex_wake(&sem->count, UINT32_MAX);
        inside_wait_until_empty(&sem->inside);
    }
}

bool semaphore_try_post(QemuSemaphore *sem)
{
    uint32_t old = qatomic_read(&sem->count);

    for (;;) {
        if ((old & COUNT_MAX) == COUNT_MAX) {
            return false;
        }
        uint32_t seen = qatomic_cmpxchg(&sem->count, old,
                                        (old & COUNT_MAX) + 1);
        if (seen == old) {
            break;
        }
        old = seen;
    }
    if (old & SLEEPERS) {
        port_futex_wake(&sem->count, 1);
    }
    return true;
}

void qemu_sem_post(QemuSemaphore *sem)
{
    if (unlikely(!semaphore_try_post(sem))) {
        port_panic("qemu_sem_post: semaphore %p is full", (void *)sem);
    }
}

bool semaphore_try_take(QemuSemaphore *sem)
{
    uint32_t old = qatomic_load_acquire(&sem->count);

    while (old & COUNT_MAX) {
        uint32_t seen = qatomic_cmpxchg(&sem->count, old, old - 1);
        if (seen == old) {
            return true;
        }
        old = seen;
    }
    return false;
}

/* Takes one if there is one, and sets the bit in either case. */
static bool take_or_mark(QemuSemaphore *sem)
{
    uint32_t old = qatomic_load_acquire(&sem->count);

    for (;;) {
        uint32_t count = old & COUNT_MAX;
        uint32_t new = (count ? count - 1 : 0) | SLEEPERS;
        uint32_t seen = old == new && !count
                            ? old
                            : qatomic_cmpxchg(&sem->count, old, new);
        if (seen == old) {
            if (count > 1) {
                port_futex_wake(&sem->count, 1);
            }
            return count;
        }
        old = seen;
    }
}

static bool take_slowly(QemuSemaphore *sem, int64_t deadline)
{
    for (Spin spin = { 0 }; spin_again(&spin); ) {
        if (semaphore_try_take(sem)) {
            return true;
        }
    }
    for (;;) {
        if (take_or_mark(sem)) {
            /* It has marked that others may sleep, perhaps after qemu_sem_destroy has cleared
             * that, and then another thread may sleep that has not seen its end. */
            if (unlikely(inside_is_closed(&sem->inside))) {
                qatomic_and(&sem->count, COUNT_MAX);
                port_futex_wake(&sem->count, UINT32_MAX);
            }
            return true;
        }
        /* Pairs with qemu_sem_destroy: either it clears the bit, or we see that the
         * semaphore is being destroyed, and with that all posts before it. */
        if (unlikely(inside_is_closed(&sem->inside))) {
            if (semaphore_try_take(sem)) {
                return true;
            }
            port_panic("qemu_sem_destroy: somebody waits for semaphore %p",
                       (void *)sem);
        }
        int64_t left = time_until(deadline);
        if (left == 0) {
            return false;
        }
        if (port_may_wait()) {
            port_futex_wait(&sem->count, SLEEPERS, left);
        } else {
            port_pause();
        }
    }
}

bool semaphore_take_until(QemuSemaphore *sem, int64_t deadline)
{
    bool taken;

    inside_enter(&sem->inside);
    taken = take_slowly(sem, deadline);
    inside_leave(&sem->inside);
    return taken;
}

void qemu_sem_wait(QemuSemaphore *sem)
{
    if (!semaphore_try_take(sem)) {
        refuse_to_block("qemu_sem_wait");
        semaphore_take_until(sem, NO_DEADLINE);
    }
}

int qemu_sem_timedwait(QemuSemaphore *sem, int ms)
{
    if (semaphore_try_take(sem)) {
        return 0;
    }
    if (ms <= 0) {
        return -1;
    }
    refuse_to_block("qemu_sem_timedwait");
    return semaphore_take_until(sem, deadline_after_ms(ms)) ? 0 : -1;
}
