/* SPDX-License-Identifier: MIT */
/* pthread read-write locks and pthread_once; all zeros is their start. */
#include <pthread.h>

#include "wait.h"

#define WRITER UINT32_MAX

typedef struct RwLock {
    uint32_t state;          /* readers, or WRITER */
    uint32_t released;       /* moves on whenever it is free: what others sleep on */
} RwLock;
_Static_assert(sizeof(RwLock) <= sizeof(pthread_rwlock_t), "fits");

int __wrap_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
    (void)attr;
    *(RwLock *)l = (RwLock){ 0 };
    return 0;
}

int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    return qatomic_read(&((RwLock *)l)->state) ? EBUSY : 0;
}

int __wrap_pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    RwLock *lock = (RwLock *)l;
    uint32_t state;

    while ((state = qatomic_mb_read(&lock->state)) != WRITER) {
        if (state == WRITER - 1) {
            return EAGAIN;
        }
        port_thread_holds(1);
        if (qatomic_cmpxchg(&lock->state, state, state + 1) == state) {
            return 0;
        }
        port_thread_holds(-1);
    }
    return EBUSY;
}

int __wrap_pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    port_thread_holds(1);
    if (qatomic_cmpxchg(&((RwLock *)l)->state, 0, WRITER) == 0) {
        return 0;
    }
    port_thread_holds(-1);
    return EBUSY;
}

static int lock_until(pthread_rwlock_t *l, int (*try)(pthread_rwlock_t *),
                      const struct timespec *at)
{
    RwLock *lock = (RwLock *)l;
    int64_t deadline = deadline_of(CLOCK_REALTIME, at);

    if (bad_time(at)) {
        return EINVAL;
    }
    for (;;) {
        uint32_t seen = qatomic_mb_read(&lock->released);
        int ret = try(l);
        if (ret != EBUSY) {
            return ret;
        }
        if (!wait_on(&lock->released, seen, deadline)) {
            return ETIMEDOUT;
        }
    }
}

int __wrap_pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *at)
{
    return lock_until(l, __wrap_pthread_rwlock_tryrdlock, at);
}

int __wrap_pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *at)
{
    return lock_until(l, __wrap_pthread_rwlock_trywrlock, at);
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return lock_until(l, __wrap_pthread_rwlock_tryrdlock, NULL);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return lock_until(l, __wrap_pthread_rwlock_trywrlock, NULL);
}

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    RwLock *lock = (RwLock *)l;
    bool is_free = true;

    if (qatomic_read(&lock->state) == WRITER) {
        qatomic_mb_set(&lock->state, 0);
    } else {
        is_free = qatomic_fetch_dec(&lock->state) == 1;
    }
    if (is_free) {
        qatomic_inc(&lock->released);
        port_futex_wake(&lock->released, UINT32_MAX);
    }
    port_thread_holds(-1);
    return 0;
}

/* ---- Once ---- */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

int __wrap_pthread_once(pthread_once_t *control, void (*init)(void))
{
    uint32_t *state = (uint32_t *)control;

    while (qatomic_mb_read(state) != ONCE_DONE) {
        port_thread_holds(1);
        if (qatomic_cmpxchg(state, ONCE_NEW, ONCE_RUNNING) == ONCE_NEW) {
            port_coroutine_fence(1);
            init();
            port_coroutine_fence(-1);
            qatomic_mb_set(state, ONCE_DONE);
            port_futex_wake(state, UINT32_MAX);
            port_thread_holds(-1);
        } else {
            port_thread_holds(-1);
            wait_on(state, ONCE_RUNNING, NO_DEADLINE);
        }
    }
    return 0;
}

int __wrap___pthread_once(pthread_once_t *control, void (*init)(void))
{
    return __wrap_pthread_once(control, init);
}
