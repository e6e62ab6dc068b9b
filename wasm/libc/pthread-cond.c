/* SPDX-License-Identifier: MIT */
/* pthread conditions, barriers, and POSIX semaphores; all zeros is their start. */
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>

#include "wait.h"

/* ---- Conditions ---- */

typedef struct Cond {
    uint32_t sequence;       /* moves on with every signal: what waiters sleep on */
    uint32_t waiters;
    uint32_t clock;
} Cond;
_Static_assert(sizeof(Cond) <= sizeof(pthread_cond_t), "fits");

int __wrap_pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attr)
{
    clockid_t clock = CLOCK_REALTIME;

    if (attr) {
        pthread_condattr_getclock(attr, &clock);
    }
    *(Cond *)c = (Cond){ .clock = (uint32_t)clock };
    return 0;
}

int __wrap_pthread_cond_destroy(pthread_cond_t *c)
{
    (void)c;
    return 0;
}

int __wrap_pthread_condattr_init(pthread_condattr_t *attr)
{
    *attr = (pthread_condattr_t){ 0 };
    return 0;
}

int __wrap_pthread_condattr_setclock(pthread_condattr_t *attr, clockid_t clock)
{
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
        return EINVAL;
    }
    attr->__attr = (attr->__attr & 0x80000000u) | (unsigned)clock;
    return 0;
}

static void stop_waiting(Cond *cond)
{
    port_thread_holds(1);
    port_thread_counts_in(NULL);
    qatomic_dec(&cond->waiters);
    port_thread_holds(-1);
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *at)
{
    Cond *cond = (Cond *)c;
    int64_t deadline;
    uint32_t seen;
    int ret;
    bool in_time;

    if (bad_time(at)) {
        return EINVAL;
    }
    deadline = deadline_of((clockid_t)cond->clock, at);
    /* Pairs with wake(): it sees this waiter, or came before it. */
    port_thread_holds(1);
    qatomic_inc(&cond->waiters);
    port_thread_counts_in(&cond->waiters);
    port_thread_holds(-1);
    seen = qatomic_mb_read(&cond->sequence);
    ret = pthread_mutex_unlock(m);
    if (ret) {
        stop_waiting(cond);
        return ret;
    }
    in_time = wait_on(&cond->sequence, seen, deadline);
    if (in_time && deadline != NO_DEADLINE &&
        qatomic_mb_read(&cond->sequence) == seen) {
        in_time = port_clock_ns(PORT_CLOCK_MONOTONIC) < deadline;
    }
    stop_waiting(cond);
    pthread_mutex_lock(m);
    return in_time ? 0 : ETIMEDOUT;
}

int __wrap___pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                    const struct timespec *at)
{
    return __wrap_pthread_cond_timedwait(c, m, at);
}

int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
    return __wrap_pthread_cond_timedwait(c, m, NULL);
}

static int wake(pthread_cond_t *c, uint32_t count)
{
    Cond *cond = (Cond *)c;

    if (qatomic_mb_read(&cond->waiters)) {
        qatomic_inc(&cond->sequence);
        port_futex_wake(&cond->sequence, count);
    }
    return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
    return wake(c, 1);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
    return wake(c, UINT32_MAX);
}

/* What C11's cnd_signal and cnd_broadcast call. */
int __wrap___private_cond_signal(pthread_cond_t *c, int count)
{
    return wake(c, count < 0 ? UINT32_MAX : (uint32_t)count);
}

/* ---- Barriers ---- */

typedef struct Barrier {
    uint32_t needed;
    uint32_t arrived;
    uint32_t round;          /* what the early ones sleep on */
} Barrier;
_Static_assert(sizeof(Barrier) <= sizeof(pthread_barrier_t), "fits");

int __wrap_pthread_barrier_init(pthread_barrier_t *b,
                                const pthread_barrierattr_t *attr, unsigned count)
{
    (void)attr;
    if (count == 0) {
        return EINVAL;
    }
    *(Barrier *)b = (Barrier){ .needed = count };
    return 0;
}

int __wrap_pthread_barrier_destroy(pthread_barrier_t *b)
{
    return qatomic_read(&((Barrier *)b)->arrived) ? EBUSY : 0;
}

int __wrap_pthread_barrier_wait(pthread_barrier_t *b)
{
    Barrier *barrier = (Barrier *)b;
    uint32_t round = qatomic_mb_read(&barrier->round);

    /* The last to arrive lets the others go. */
    port_thread_holds(1);
    if (qatomic_fetch_inc(&barrier->arrived) + 1 == barrier->needed) {
        qatomic_set(&barrier->arrived, 0);
        qatomic_inc(&barrier->round);
        port_futex_wake(&barrier->round, UINT32_MAX);
        port_thread_holds(-1);
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    port_thread_holds(-1);
    while (qatomic_mb_read(&barrier->round) == round) {
        wait_on(&barrier->round, round, NO_DEADLINE);
    }
    return 0;
}

/* ---- Semaphores ---- */

static uint32_t *value_of(sem_t *sem)
{
    return (uint32_t *)&sem->__val[0];
}

static int fails(int error)
{
    errno = error;
    return -1;
}

int __wrap_sem_init(sem_t *sem, int shared, unsigned value)
{
    (void)shared;
    if (value > INT_MAX) {
        return fails(EINVAL);
    }
    *value_of(sem) = value;
    return 0;
}

int __wrap_sem_destroy(sem_t *sem)
{
    (void)sem;
    return 0;
}

int __wrap_sem_post(sem_t *sem)
{
    if (qatomic_read(value_of(sem)) == INT_MAX) {
        return fails(EOVERFLOW);
    }
    qatomic_inc(value_of(sem));
    port_futex_wake(value_of(sem), 1);
    return 0;
}

int __wrap_sem_trywait(sem_t *sem)
{
    uint32_t value;

    while ((value = qatomic_mb_read(value_of(sem))) > 0) {
        if (qatomic_cmpxchg(value_of(sem), value, value - 1) == value) {
            return 0;
        }
    }
    return fails(EAGAIN);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict at)
{
    int64_t deadline = deadline_of(CLOCK_REALTIME, at);

    if (bad_time(at)) {
        return fails(EINVAL);
    }
    while (__wrap_sem_trywait(sem) < 0) {
        if (!wait_on(value_of(sem), 0, deadline)) {
            return fails(ETIMEDOUT);
        }
    }
    return 0;
}

int __wrap_sem_wait(sem_t *sem)
{
    return sem_timedwait(sem, NULL);
}

int sem_getvalue(sem_t *restrict sem, int *restrict value)
{
    *value = (int)qatomic_read(value_of(sem));
    return 0;
}
