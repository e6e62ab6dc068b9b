/* SPDX-License-Identifier: MIT */
/* pthread read-write locks and pthread_once. They start as zeros. */
#include <pthread.h>

#include "port/calls.h"
#include "port/wasm-port.h"
#include "wait.h"
#include "weak.h"

/*
 * One word holds the readers or the writer, and above them a bit that says that a
 * thread may sleep. It is one word so that an unlock touches the lock only once: the
 * thread that gets the lock next may unlock and free it at once.
 */
#define SLEEPERS 0x80000000u
#define WRITER 0x7fffffffu
#define HOLDERS WRITER

static uint32_t *word_of(pthread_rwlock_t *l)
{
    return (uint32_t *)l;
}

/* The second word: the thread that holds the lock for writing, so that it can be told when it waits
 * for itself. Another thread may see any old value there, but not its own id. */
static uint32_t *writer_of(pthread_rwlock_t *l)
{
    return word_of(l) + 1;
}

static uint32_t self(void)
{
    return (uint32_t)(uintptr_t)wasm_thread_self();
}

int __wrap_pthread_rwlock_init(pthread_rwlock_t *l, const pthread_rwlockattr_t *attr)
{
    (void)attr;
    *word_of(l) = 0;
    *writer_of(l) = 0;
    return 0;
}

int __wrap_pthread_rwlock_destroy(pthread_rwlock_t *l)
{
    return qatomic_mb_read(word_of(l)) & HOLDERS ? EBUSY : 0;
}

/* Returns word with one more holder; unchanged if there can be none. */
static uint32_t taken(uint32_t word, bool to_write)
{
    if (to_write) {
        return word & HOLDERS ? word : word | WRITER;
    }
    return (word & HOLDERS) < WRITER - 1 ? word + 1 : word;
}

static int try_lock(pthread_rwlock_t *l, bool to_write)
{
    uint32_t *word = word_of(l);
    uint32_t old = qatomic_mb_read(word), new;

    while ((new = taken(old, to_write)) != old) {
        uint32_t seen;

        port_thread_holds(1);
        seen = qatomic_cmpxchg(word, old, new);
        if (seen == old) {
            if (to_write) {
                qatomic_set(writer_of(l), self());
            }
            return 0;
        }
        port_thread_holds(-1);
        old = seen;
    }
    return (old & HOLDERS) == WRITER - 1 && !to_write ? EAGAIN : EBUSY;
}

int __wrap_pthread_rwlock_tryrdlock(pthread_rwlock_t *l)
{
    return try_lock(l, false);
}

int __wrap_pthread_rwlock_trywrlock(pthread_rwlock_t *l)
{
    return try_lock(l, true);
}

static int lock_until(pthread_rwlock_t *l, bool to_write,
                      const struct timespec *at)
{
    uint32_t *word = word_of(l);
    int64_t deadline = deadline_of(CLOCK_REALTIME, at);

    if (bad_time(at)) {
        return EINVAL;
    }
    for (;;) {
        int ret = try_lock(l, to_write);
        uint32_t seen;

        if (ret != EBUSY) {
            return ret;
        }
        if (qatomic_read(writer_of(l)) == self()) {
            return EDEADLK;
        }
        seen = qatomic_mb_read(word);
        if (taken(seen, to_write) != seen) {
            continue;
        }
        if (qatomic_cmpxchg(word, seen, seen | SLEEPERS) == seen &&
            !wait_on(word, seen | SLEEPERS, deadline)) {
            return ETIMEDOUT;
        }
    }
}

int __wrap_pthread_rwlock_timedrdlock(pthread_rwlock_t *l, const struct timespec *at)
{
    return lock_until(l, false, at);
}

int __wrap_pthread_rwlock_timedwrlock(pthread_rwlock_t *l, const struct timespec *at)
{
    return lock_until(l, true, at);
}

int __wrap_pthread_rwlock_rdlock(pthread_rwlock_t *l)
{
    return lock_until(l, false, NULL);
}

int __wrap_pthread_rwlock_wrlock(pthread_rwlock_t *l)
{
    return lock_until(l, true, NULL);
}

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *l)
{
    uint32_t *word = word_of(l);
    uint32_t old = qatomic_mb_read(word), seen;

    for (;; old = seen) {
        uint32_t holders = old & HOLDERS;
        uint32_t new = holders == WRITER || holders == 1 ? 0 : old - 1;

        if (holders == 0) {
            return EPERM;
        }
        if (holders == WRITER) {
            qatomic_set(writer_of(l), 0);
        }
        seen = qatomic_cmpxchg(word, old, new);
        if (seen == old) {
            /* From here on the lock may be gone: only its address is used. */
            if (new == 0 && (old & SLEEPERS)) {
                port_futex_wake(word, UINT32_MAX);
            }
            port_thread_holds(-1);
            return 0;
        }
    }
}

/* ---- Once ---- */

enum { ONCE_NEW, ONCE_RUNNING, ONCE_DONE };

int __wrap_pthread_once(pthread_once_t *control, void (*init)(void))
{
    uint32_t *state = (uint32_t *)control;

    while (qatomic_mb_read(state) != ONCE_DONE) {
        port_thread_holds(1);
        if (qatomic_cmpxchg(state, ONCE_NEW, ONCE_RUNNING) == ONCE_NEW) {
            CALL_USER(init);
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

LIBC_TYPE(pthread_rwlock_init);
LIBC_TYPE(pthread_rwlock_destroy);
LIBC_TYPE(pthread_rwlock_tryrdlock);
LIBC_TYPE(pthread_rwlock_trywrlock);
LIBC_TYPE(pthread_rwlock_timedrdlock);
LIBC_TYPE(pthread_rwlock_timedwrlock);
LIBC_TYPE(pthread_rwlock_rdlock);
LIBC_TYPE(pthread_rwlock_wrlock);
LIBC_TYPE(pthread_rwlock_unlock);
LIBC_TYPE(pthread_once);
