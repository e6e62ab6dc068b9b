/* SPDX-License-Identifier: MIT */
/*
 * What is set of locks and threads before they are used, and has no effect here. Emscripten's functions
 * accept any number, or are missing. Nothing is shared between processes, and no thread is cancelled.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "port/wasm-port.h"
#include "weak.h"

int __wrap_pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared);
int __wrap_pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int protocol);
int __wrap_pthread_condattr_setpshared(pthread_condattr_t *attr, int shared);
int __wrap_pthread_rwlockattr_init(pthread_rwlockattr_t *attr);
int __wrap_pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int shared);
int __wrap_pthread_setcancelstate(int state, int *old);
int __wrap_pthread_setcanceltype(int type, int *old);
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr);

/* The bit of each kind of attributes that libc's functions read. */
#define SHARED_BIT (1U << 31)

static int set_shared(unsigned *word, int shared)
{
    if (shared != PTHREAD_PROCESS_PRIVATE && shared != PTHREAD_PROCESS_SHARED) {
        return EINVAL;
    }
    *word = (*word & ~SHARED_BIT) | (shared == PTHREAD_PROCESS_SHARED ? SHARED_BIT : 0);
    return 0;
}

int __wrap_pthread_mutexattr_setpshared(pthread_mutexattr_t *attr, int shared)
{
    unsigned word = 0;

    (void)attr;
    return set_shared(&word, shared);
}

int __wrap_pthread_mutexattr_setprotocol(pthread_mutexattr_t *attr, int protocol)
{
    (void)attr;
    return protocol == PTHREAD_PRIO_NONE ? 0
           : protocol == PTHREAD_PRIO_INHERIT || protocol == PTHREAD_PRIO_PROTECT ? ENOTSUP : EINVAL;
}

/* A thread that ends while it holds a mutex leaves it locked. */
LIBC_WEAK
int pthread_mutexattr_setrobust(pthread_mutexattr_t *attr, int robust)
{
    (void)attr;
    return robust == PTHREAD_MUTEX_STALLED ? 0 : robust == PTHREAD_MUTEX_ROBUST ? ENOTSUP : EINVAL;
}

int __wrap_pthread_mutex_consistent(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    (void)mutex;
    return EINVAL;
}

/* Ceilings are for PTHREAD_PRIO_PROTECT, which no mutex has. */
LIBC_WEAK
int pthread_mutexattr_setprioceiling(pthread_mutexattr_t *attr, int ceiling)
{
    (void)attr;
    return ceiling >= 1 && ceiling <= 99 ? 0 : EINVAL;
}

LIBC_WEAK
int pthread_mutexattr_getprioceiling(const pthread_mutexattr_t *restrict attr, int *restrict ceiling)
{
    (void)attr;
    *ceiling = 1;
    return 0;
}

LIBC_WEAK
int pthread_mutex_getprioceiling(const pthread_mutex_t *restrict mutex, int *restrict ceiling)
{
    (void)mutex;
    (void)ceiling;
    return EINVAL;
}

LIBC_WEAK
int pthread_mutex_setprioceiling(pthread_mutex_t *restrict mutex, int ceiling, int *restrict old)
{
    (void)mutex;
    (void)ceiling;
    (void)old;
    return EINVAL;
}

int __wrap_pthread_condattr_setpshared(pthread_condattr_t *attr, int shared)
{
    return set_shared(&attr->__attr, shared);
}

int __wrap_pthread_rwlockattr_init(pthread_rwlockattr_t *attr)
{
    *attr = (pthread_rwlockattr_t){ 0 };
    return 0;
}

int __wrap_pthread_rwlockattr_setpshared(pthread_rwlockattr_t *attr, int shared)
{
    return set_shared(&attr->__attr[0], shared);
}

LIBC_WEAK
int pthread_barrierattr_init(pthread_barrierattr_t *attr)
{
    *attr = (pthread_barrierattr_t){ 0 };
    return 0;
}

LIBC_WEAK
int pthread_barrierattr_destroy(pthread_barrierattr_t *attr)
{
    (void)attr;
    return 0;
}

LIBC_WEAK
int pthread_barrierattr_setpshared(pthread_barrierattr_t *attr, int shared)
{
    return set_shared(&attr->__attr, shared);
}

/* ---- Threads ---- */

/* Exchanges one of two values, 0 and 1. */
static int exchange(int *kept, int value, int *old)
{
    if (value != 0 && value != 1) {
        return EINVAL;
    }
    if (old) {
        *old = *kept;
    }
    *kept = value;
    return 0;
}

int __wrap_pthread_setcancelstate(int state, int *old)
{
    static _Thread_local int kept = PTHREAD_CANCEL_ENABLE;

    return exchange(&kept, state, old);
}

int __wrap_pthread_setcanceltype(int type, int *old)
{
    static _Thread_local int kept = PTHREAD_CANCEL_DEFERRED;

    return exchange(&kept, type, old);
}

LIBC_WEAK
int pthread_setconcurrency(int level)
{
    return level < 0 ? EINVAL : level > 0 ? EAGAIN : 0;
}

/* Of the calling thread, where its stack is; this is not known of others. */
int __wrap_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    const WasmThread *self = wasm_thread_self();

    if (!pthread_equal(thread, pthread_self()) || self->stack_size == 0) {
        return ENOSYS;
    }
    pthread_attr_init(attr);
    return pthread_attr_setstack(attr, self->stack, self->stack_size);
}

/* A new thread's, which cannot be changed. */
LIBC_WEAK
int pthread_getattr_default_np(pthread_attr_t *attr)
{
    return pthread_attr_init(attr);
}

/* Nothing here changes the default sizes. libc's are in the object of all its stubs (see stdio-lock.c). */
void __acquire_ptc(void);
void __release_ptc(void);
LIBC_WEAK
void __acquire_ptc(void)
{
}
LIBC_WEAK
void __release_ptc(void)
{
}

LIBC_TYPE(pthread_mutex_consistent);
