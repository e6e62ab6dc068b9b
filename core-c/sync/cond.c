/* SPDX-License-Identifier: MIT */
/*
 * A waiter reads the sequence while it still holds the mutex, and sleeps while
 * the sequence is unchanged. A signal after the waiter released the mutex
 * increments the sequence, so the waiter is either asleep and woken, or does not
 * fall asleep. Sleepers are woken in the order in which they came, so a wake-up
 * goes to a thread that was there before the signal.
 */
#include "qemu/thread.h"

#include "port/counter.h"
#include "port/port.h"
#include "sync/cond.h"
#include "sync/wait.h"

void qemu_cond_init(QemuCond *cond)
{
    qatomic_set(&cond->sequence, AIO_COUNTER_START & ~COND_DESTROYED);
    qatomic_set(&cond->inside, 0);
}

void qemu_cond_destroy(QemuCond *cond)
{
    if (unlikely(inside_close(&cond->inside))) {
        /* Threads that were woken leave; one that was not panics. */
        qatomic_or(&cond->sequence, COND_DESTROYED);
        port_futex_wake(&cond->sequence, UINT32_MAX);
        inside_wait_until_empty(&cond->inside);
    }
}

static void wake(QemuCond *cond, uint32_t count)
{
    /* Pairs with cond_enter: the waiter has counted itself before it released
     * the mutex. */
    if (qatomic_mb_read(&cond->inside)) {
        qatomic_add(&cond->sequence, 2);
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

/* Returns false if the deadline, on the monotonic clock, has passed. */
static bool wait_until(QemuCond *cond, QemuMutex *mutex, int64_t deadline)
{
    bool signalled = true;
    uint32_t sequence = cond_enter(cond);

    qemu_mutex_unlock(mutex);
    while (!cond_is_signalled(cond, sequence)) {
        int64_t left = time_until(deadline);
        if (left == 0 || port_futex_wait(&cond->sequence, sequence, left) ==
                             -ETIMEDOUT) {
            /* Even if the sequence has changed: the wake-up went to another
             * thread. */
            signalled = false;
            break;
        }
    }
    cond_leave(cond);
    qemu_mutex_lock(mutex);
    return signalled;
}

/* Does not return, so it releases the mutex for the caller: where a thread waits
 * for a condition, what the mutex protects is consistent. */
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
    wait_until(cond, mutex, NO_DEADLINE);
}

bool qemu_cond_timedwait(QemuCond *cond, QemuMutex *mutex, int ms)
{
    refuse_to_wait("qemu_cond_timedwait", mutex);
    return wait_until(cond, mutex, deadline_after_ms(ms));
}
