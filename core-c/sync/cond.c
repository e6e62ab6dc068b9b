/* SPDX-License-Identifier: MIT */
/*
 * A waiter reads the sequence while it still holds the mutex and sleeps while it
 * is unchanged. Whoever signals after the waiter let go of the mutex moves the
 * sequence on, so that the waiter either is asleep and woken or does not fall
 * asleep. Sleepers are woken in the order in which they came, so a wake-up goes
 * to one that was there before the signal.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/wait.h"

void qemu_cond_init(QemuCond *cond)
{
    qatomic_set(&cond->sequence, 0);
    qatomic_set(&cond->waiters, 0);
}

void qemu_cond_destroy(QemuCond *cond)
{
    if (qatomic_load_acquire(&cond->waiters)) {
        port_panic("qemu_cond_destroy: somebody waits on condition %p",
                   (void *)cond);
    }
}

static void wake(QemuCond *cond, uint32_t count)
{
    /* Pairs with the increment in wait_until(): the waiter counted itself
     * before it let go of the mutex. */
    if (qatomic_mb_read(&cond->waiters)) {
        qatomic_inc(&cond->sequence);
        port_futex_wake(&cond->sequence, count);
    }
}

void qemu_cond_signal(QemuCond *cond)
{
    wake(cond, 1);
}

void qemu_cond_broadcast(QemuCond *cond)
{
    wake(cond, UINT32_MAX);
}

/* deadline on the monotonic clock, or -1. False if it passed. */
static bool wait_until(QemuCond *cond, QemuMutex *mutex, int64_t deadline)
{
    bool signalled = true;

    /* The mutex is held, so this thread is not lost between these two. */
    qatomic_inc(&cond->waiters);
    port_thread_counts_in(&cond->waiters);
    uint32_t sequence = qatomic_mb_read(&cond->sequence);
    qemu_mutex_unlock(mutex);
    while (qatomic_mb_read(&cond->sequence) == sequence) {
        int64_t left = deadline < 0 ? -1 : time_until(deadline);
        if (left == 0 || port_futex_wait(&cond->sequence, sequence, left) ==
                             -ETIMEDOUT) {
            /* Even if the sequence has moved on: the wake-up went to another. */
            signalled = false;
            break;
        }
    }
    /* Before the mutex: under it the caller may find that the condition is
     * needed no more and destroy it. */
    port_thread_holds(1);
    port_thread_counts_in(NULL);
    qatomic_dec(&cond->waiters);
    port_thread_holds(-1);
    qemu_mutex_lock(mutex);
    return signalled;
}

/* The caller is not returned to, so the mutex is given back for him: where he
 * waits, what it guards is whole. */
static void refuse_to_wait(const char *call, QemuMutex *mutex)
{
    if (unlikely(!port_may_wait())) {
        qemu_mutex_unlock(mutex);
        port_would_block(call);
    }
}

void qemu_cond_wait(QemuCond *cond, QemuMutex *mutex)
{
    refuse_to_wait("qemu_cond_wait", mutex);
    wait_until(cond, mutex, -1);
}

bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms)
{
    refuse_to_wait("qemu_cond_timedwait", mutex);
    return wait_until(cond, mutex, deadline_after_ms(ms));
}
