/* SPDX-License-Identifier: MIT */
/* pthread conditions, barriers, and POSIX semaphores. All of them start as
 * zeros. */
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

#include "fails.h"
#include "port/counter.h"
#include "sync/cond.h"
#include "sync/semaphore.h"
#include "wait.h"
#include "weak.h"

/* ---- Conditions ---- */

typedef struct Cond {
    QemuCond cond;
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
    qemu_cond_destroy(&((Cond *)c)->cond);
    return 0;
}

/* The function of C11; libc's does nothing. */
void __wrap_cnd_destroy(cnd_t *c)
{
    __wrap_pthread_cond_destroy((pthread_cond_t *)c);
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

int __wrap_pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m,
                                  const struct timespec *at)
{
    Cond *cond = (Cond *)c;
    int64_t deadline;
    uint32_t entered;
    int ret;
    bool in_time;

    if (bad_time(at)) {
        return EINVAL;
    }
    deadline = deadline_of((clockid_t)cond->clock, at);
    entered = cond_enter(&cond->cond);
    ret = pthread_mutex_unlock(m);
    if (ret) {
        cond_leave(&cond->cond);
        return ret;
    }
    in_time = wait_on(&cond->cond.sequence, entered, deadline);
    if (!cond_is_signalled(&cond->cond, entered) && in_time &&
        deadline != NO_DEADLINE) {
        in_time = port_clock_ns(PORT_CLOCK_MONOTONIC) < deadline;
    }
    cond_leave(&cond->cond);
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

int __wrap_pthread_cond_signal(pthread_cond_t *c)
{
    qemu_cond_signal(&((Cond *)c)->cond);
    return 0;
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *c)
{
    qemu_cond_broadcast(&((Cond *)c)->cond);
    return 0;
}

/* Called by cnd_signal() (count 1) and cnd_broadcast() (count -1) of C11. */
int __wrap___private_cond_signal(pthread_cond_t *c, int count)
{
    return count == 1 ? __wrap_pthread_cond_signal(c)
                      : __wrap_pthread_cond_broadcast(c);
}

/* ---- Barriers ---- */

typedef struct Barrier {
    uint32_t needed;
    uint32_t arrived;
    uint32_t round;          /* the word that waiting threads sleep on */
    uint32_t inside;         /* threads that have not returned yet */
} Barrier;
_Static_assert(sizeof(Barrier) <= sizeof(pthread_barrier_t), "fits");

int __wrap_pthread_barrier_init(pthread_barrier_t *b,
                                const pthread_barrierattr_t *attr, unsigned count)
{
    (void)attr;
    if (count == 0) {
        return EINVAL;
    }
    *(Barrier *)b = (Barrier){ .needed = count, .round = AIO_COUNTER_START };
    return 0;
}

int __wrap_pthread_barrier_destroy(pthread_barrier_t *b)
{
    Barrier *barrier = (Barrier *)b;

    if (qatomic_read(&barrier->arrived)) {
        return EBUSY;
    }
    /* The first thread that returns may destroy it, since all have been
     * released. */
    if (inside_close(&barrier->inside)) {
        inside_wait_until_empty(&barrier->inside);
    }
    return 0;
}

/* The last thread to arrive releases the others; one step for those that wait. */
static bool let_go(Barrier *barrier)
{
    bool last;

    port_thread_holds(1);
    last = qatomic_fetch_inc(&barrier->arrived) + 1 == barrier->needed;
    if (last) {
        qatomic_set(&barrier->arrived, 0);
        qatomic_inc(&barrier->round);
        port_futex_wake(&barrier->round, UINT32_MAX);
    }
    port_thread_holds(-1);
    return last;
}

int __wrap_pthread_barrier_wait(pthread_barrier_t *b)
{
    Barrier *barrier = (Barrier *)b;
    uint32_t round;
    bool last;

    inside_enter(&barrier->inside);
    round = qatomic_mb_read(&barrier->round);
    last = let_go(barrier);
    while (!last && qatomic_mb_read(&barrier->round) == round) {
        wait_on(&barrier->round, round, NO_DEADLINE);
    }
    inside_leave(&barrier->inside);
    return last ? PTHREAD_BARRIER_SERIAL_THREAD : 0;
}

/* ---- Semaphores ---- */

_Static_assert(sizeof(QemuSemaphore) <= sizeof(sem_t), "fits");

static QemuSemaphore *semaphore(sem_t *sem)
{
    return (QemuSemaphore *)sem;
}

int __wrap_sem_init(sem_t *sem, int shared, unsigned value)
{
    (void)shared;
    if (value > INT_MAX) {
        return fails(EINVAL);
    }
    qemu_sem_init(semaphore(sem), (int)value);
    return 0;
}

int __wrap_sem_destroy(sem_t *sem)
{
    qemu_sem_destroy(semaphore(sem));
    return 0;
}

int __wrap_sem_post(sem_t *sem)
{
    return semaphore_try_post(semaphore(sem)) ? 0 : fails(EOVERFLOW);
}

int __wrap_sem_trywait(sem_t *sem)
{
    return semaphore_try_take(semaphore(sem)) ? 0 : fails(EAGAIN);
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict at)
{
    /* As glibc does, even if there is no need to wait. */
    if (bad_time(at)) {
        return fails(EINVAL);
    }
    if (semaphore_try_take(semaphore(sem))) {
        return 0;
    }
    return semaphore_take_until(semaphore(sem), deadline_of(CLOCK_REALTIME, at))
               ? 0 : fails(ETIMEDOUT);
}

int __wrap_sem_wait(sem_t *sem)
{
    return sem_timedwait(sem, NULL);
}

int sem_getvalue(sem_t *restrict sem, int *restrict value)
{
    *value = (int)(qatomic_read(&semaphore(sem)->count) & INT_MAX);
    return 0;
}

LIBC_TYPE(pthread_cond_init);
LIBC_TYPE(pthread_cond_destroy);
LIBC_TYPE(pthread_cond_timedwait);
LIBC_TYPE(pthread_cond_wait);
LIBC_TYPE(pthread_cond_signal);
LIBC_TYPE(pthread_cond_broadcast);
LIBC_TYPE(pthread_barrier_init);
LIBC_TYPE(pthread_barrier_destroy);
LIBC_TYPE(pthread_barrier_wait);
LIBC_TYPE(sem_init);
LIBC_TYPE(sem_destroy);
LIBC_TYPE(sem_post);
LIBC_TYPE(sem_trywait);
LIBC_TYPE(sem_wait);
