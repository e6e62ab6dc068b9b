/* SPDX-License-Identifier: MIT */
/*
 * One word: the count, and above it a bit that says somebody may sleep. It is
 * one word so that a post touches the semaphore once: the thread that takes
 * what was posted may free it at once.
 *
 * A post clears the bit and wakes one sleeper. That sleeper sets the bit again
 * when it leaves, with or without success, since others may sleep still, and
 * wakes the next one if posts have come meanwhile that saw no bit.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/wait.h"

#define SLEEPERS 0x80000000u
#define COUNT_MAX 0x7fffffffu

void qemu_sem_init(QemuSemaphore *sem, int init)
{
    if (init < 0) {
        port_panic("qemu_sem_init: the count %d is negative", init);
    }
    qatomic_set(&sem->count, (uint32_t)init);
}

void qemu_sem_destroy(QemuSemaphore *sem)
{
    (void)sem;
}

void qemu_sem_post(QemuSemaphore *sem)
{
    uint32_t old = qatomic_read(&sem->count);

    for (;;) {
        if ((old & COUNT_MAX) == COUNT_MAX) {
            port_panic("qemu_sem_post: semaphore %p is full", (void *)sem);
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
}

/* Takes one if there is one. */
static bool try_take(QemuSemaphore *sem)
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

/* Takes one if there is one and sets the bit in either case. */
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

/* deadline on the monotonic clock, or -1. */
static bool take_until(QemuSemaphore *sem, int64_t deadline)
{
    for (int turn = 0; turn < SPIN_TURNS; turn++) {
        port_pause();
        if (try_take(sem)) {
            return true;
        }
    }
    for (;;) {
        if (take_or_mark(sem)) {
            return true;
        }
        int64_t left = deadline < 0 ? -1 : time_until(deadline);
        if (left == 0) {
            return false;
        }
        port_futex_wait(&sem->count, SLEEPERS, left);
    }
}

void qemu_sem_wait(QemuSemaphore *sem)
{
    if (!try_take(sem)) {
        refuse_to_block("qemu_sem_wait");
        take_until(sem, -1);
    }
}

int qemu_sem_timedwait(QemuSemaphore *sem, int ms)
{
    if (try_take(sem)) {
        return 0;
    }
    if (ms <= 0) {
        return -1;
    }
    refuse_to_block("qemu_sem_timedwait");
    return take_until(sem, deadline_after_ms(ms)) ? 0 : -1;
}
