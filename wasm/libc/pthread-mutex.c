/* SPDX-License-Identifier: MIT */
/* pthread mutexes and spin locks; libc's do nothing, because it was built without
 * threads. Types and initialisers are libc's; all zeros is an unlocked mutex. */
#include <pthread.h>
#include <threads.h>

#include "port/wasm-port.h"
#include "wait.h"
#include "weak.h"

/* The words of a pthread_mutex_t. The first two are where mtx_lock() of C11, which is
 * libc's, expects them. */
typedef struct Mutex {
    uint32_t type;
    uint32_t state;          /* 0 free, 1 locked, 2 locked and a thread sleeps */
    uint32_t owner;          /* used by the types that have an owner */
    uint32_t depth;
} Mutex;
_Static_assert(sizeof(Mutex) <= sizeof(pthread_mutex_t), "fits");

static bool try_lock(uint32_t *state)
{
    return qatomic_cmpxchg(state, 0, 1) == 0;
}

/* A lock is counted as held from before it is taken, but not while a thread waits for
 * it (port_thread_holds). */
static bool try_to_hold(uint32_t *state)
{
    port_thread_holds(1);
    if (try_lock(state)) {
        return true;
    }
    port_thread_holds(-1);
    return false;
}

static int lock_until(uint32_t *state, int64_t deadline)
{
    port_thread_holds(1);
    if (try_lock(state)) {
        return 0;
    }
    while (qatomic_xchg(state, 2) != 0) {
        port_thread_holds(-1);
        if (!wait_on(state, 2, deadline)) {
            return ETIMEDOUT;
        }
        port_thread_holds(1);
    }
    return 0;
}

static void unlock(uint32_t *state)
{
    if (qatomic_xchg(state, 0) == 2) {
        port_futex_wake(state, 1);
    }
    port_thread_holds(-1);
}

static uint32_t self(void)
{
    return (uint32_t)(uintptr_t)wasm_thread_self();
}

static int lock_mutex(Mutex *mutex, bool only_try, int64_t deadline)
{
    int ret;

    if (mutex->type != PTHREAD_MUTEX_NORMAL &&
        qatomic_read(&mutex->owner) == self()) {
        if (mutex->type == PTHREAD_MUTEX_ERRORCHECK) {
            return only_try ? EBUSY : EDEADLK;
        }
        mutex->depth++;
        return 0;
    }
    if (only_try) {
        ret = try_to_hold(&mutex->state) ? 0 : EBUSY;
    } else {
        ret = lock_until(&mutex->state, deadline);
    }
    if (ret == 0 && mutex->type != PTHREAD_MUTEX_NORMAL) {
        qatomic_set(&mutex->owner, self());
    }
    return ret;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *attr)
{
    int type = PTHREAD_MUTEX_NORMAL;

    if (attr) {
        pthread_mutexattr_gettype(attr, &type);
    }
    *(Mutex *)m = (Mutex){ .type = (uint32_t)type };
    return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
    return qatomic_read(&((Mutex *)m)->state) ? EBUSY : 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
    return lock_mutex((Mutex *)m, false, NO_DEADLINE);
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *m)
{
    return lock_mutex((Mutex *)m, true, 0);
}

int __wrap_pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *at)
{
    if (bad_time(at)) {
        return EINVAL;
    }
    return lock_mutex((Mutex *)m, false, deadline_of(CLOCK_REALTIME, at));
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
    Mutex *mutex = (Mutex *)m;

    if (mutex->type != PTHREAD_MUTEX_NORMAL) {
        if (qatomic_read(&mutex->owner) != self()) {
            return EPERM;
        }
        if (mutex->depth) {
            mutex->depth--;
            return 0;
        }
        qatomic_set(&mutex->owner, 0);
    }
    unlock(&mutex->state);
    return 0;
}

int __wrap___pthread_mutex_lock(pthread_mutex_t *m)
{
    return __wrap_pthread_mutex_lock(m);
}

int __wrap___pthread_mutex_trylock(pthread_mutex_t *m)
{
    return __wrap_pthread_mutex_trylock(m);
}

int __wrap___pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *at)
{
    return __wrap_pthread_mutex_timedlock(m, at);
}

int __wrap___pthread_mutex_unlock(pthread_mutex_t *m)
{
    return __wrap_pthread_mutex_unlock(m);
}

int __wrap_pthread_mutexattr_init(pthread_mutexattr_t *attr)
{
    *attr = (pthread_mutexattr_t){ 0 };
    return 0;
}

int __wrap_pthread_mutexattr_settype(pthread_mutexattr_t *attr, int type)
{
    if ((unsigned)type > PTHREAD_MUTEX_ERRORCHECK) {
        return EINVAL;
    }
    attr->__attr = (attr->__attr & ~3u) | (unsigned)type;
    return 0;
}

/* The functions of C11; libc's own would take a free mutex without calling the
 * functions above. */

int __wrap_mtx_lock(mtx_t *m)
{
    return __wrap_pthread_mutex_lock((pthread_mutex_t *)m) ? thrd_error : thrd_success;
}

int __wrap_mtx_trylock(mtx_t *m)
{
    int ret = __wrap_pthread_mutex_trylock((pthread_mutex_t *)m);

    return ret == 0 ? thrd_success : ret == EBUSY ? thrd_busy : thrd_error;
}

/* ---- Spin locks: the holder may be asleep, so the others sleep too ---- */

int __wrap_pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    (void)shared;
    *lock = 0;
    return 0;
}

int __wrap_pthread_spin_destroy(pthread_spinlock_t *lock)
{
    (void)lock;
    return 0;
}

int __wrap_pthread_spin_lock(pthread_spinlock_t *lock)
{
    return lock_until((uint32_t *)lock, NO_DEADLINE);
}

int __wrap_pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return try_to_hold((uint32_t *)lock) ? 0 : EBUSY;
}

int __wrap_pthread_spin_unlock(pthread_spinlock_t *lock)
{
    unlock((uint32_t *)lock);
    return 0;
}

LIBC_TYPE(pthread_mutex_init);
LIBC_TYPE(pthread_mutex_destroy);
LIBC_TYPE(pthread_mutex_lock);
LIBC_TYPE(pthread_mutex_trylock);
LIBC_TYPE(pthread_mutex_timedlock);
LIBC_TYPE(pthread_mutex_unlock);
LIBC_TYPE(pthread_spin_init);
LIBC_TYPE(pthread_spin_destroy);
LIBC_TYPE(pthread_spin_lock);
LIBC_TYPE(pthread_spin_trylock);
LIBC_TYPE(pthread_spin_unlock);
