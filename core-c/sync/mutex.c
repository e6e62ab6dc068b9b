/* SPDX-License-Identifier: MIT */
/*
 * The mutex is a word with three states. A thread that is about to sleep writes
 * LOCKED_WAITERS. So does one that gets the lock after it slept, because it
 * cannot know whether others still sleep. Unlocking such a lock wakes one
 * thread.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/thread.h"
#include "sync/wait.h"

enum { FREE, LOCKED, LOCKED_WAITERS };

/* ---- Mutex ---- */

void qemu_mutex_init(QemuMutex *mutex)
{
    qatomic_set(&mutex->state, FREE);
}

void qemu_mutex_destroy(QemuMutex *mutex)
{
    if (qatomic_load_acquire(&mutex->state) != FREE) {
        port_panic("qemu_mutex_destroy: mutex %p is locked", (void *)mutex);
    }
}

/* FREE -> LOCKED; pairs with the exchange in qemu_mutex_unlock(). */
static inline bool try_lock(QemuMutex *mutex)
{
    return qatomic_cmpxchg(&mutex->state, FREE, LOCKED) == FREE;
}

/* The lock is counted as held from before it is taken, but not while the thread
 * waits for it. */
static __attribute__((noinline)) void lock_slowly(QemuMutex *mutex)
{
    /* A thread that may not wait spins until it has the lock. It never writes
     * LOCKED_WAITERS, because nobody has to wake it. */
    for (unsigned turn = 0; !port_may_wait(); turn++) {
        if (qatomic_read(&mutex->state) == FREE && try_lock(mutex)) {
            return;
        }
        port_spin(turn);
    }
    for (Spin spin = { 0 }; spin_again(&spin); ) {
        if (qatomic_read(&mutex->state) == FREE && try_lock(mutex)) {
            return;
        }
    }
    while (qatomic_xchg(&mutex->state, LOCKED_WAITERS) != FREE) {
        port_thread_holds(-1);
        port_futex_wait(&mutex->state, LOCKED_WAITERS, -1);
        port_thread_holds(1);
    }
}

void qemu_mutex_lock(QemuMutex *mutex)
{
    port_thread_holds(1);
    if (unlikely(!try_lock(mutex))) {
        lock_slowly(mutex);
    }
}

int qemu_mutex_trylock(QemuMutex *mutex)
{
    port_thread_holds(1);
    if (!try_lock(mutex)) {
        port_thread_holds(-1);
        return -EBUSY;
    }
    return 0;
}

void qemu_mutex_unlock(QemuMutex *mutex)
{
    uint32_t old = qatomic_xchg(&mutex->state, FREE);

    /* From here on another thread may lock, unlock and free the mutex: only its
     * address is used. */
    if (unlikely(old != LOCKED)) {
        if (old == FREE) {
            port_panic("qemu_mutex_unlock: mutex %p is not locked",
                       (void *)mutex);
        }
        port_futex_wake(&mutex->state, 1);
    }
    port_thread_holds(-1);
}

/* ---- Recursive mutex ---- */

void qemu_rec_mutex_init(QemuRecMutex *mutex)
{
    qemu_mutex_init(&mutex->lock);
    mutex->owner = NULL;
    mutex->depth = 0;
}

void qemu_rec_mutex_destroy(QemuRecMutex *mutex)
{
    qemu_mutex_destroy(&mutex->lock);
}

/* The owner is exact for the thread that it names, since only that thread
 * writes or removes it; for other threads it is a hint. */
static bool is_owner(QemuRecMutex *mutex, void *self)
{
    return qatomic_read(&mutex->owner) == self;
}

void qemu_rec_mutex_lock(QemuRecMutex *mutex)
{
    void *self = thread_self();

    if (!is_owner(mutex, self)) {
        qemu_mutex_lock(&mutex->lock);
        qatomic_set(&mutex->owner, self);
    }
    mutex->depth++;
}

int qemu_rec_mutex_trylock(QemuRecMutex *mutex)
{
    void *self = thread_self();

    if (!is_owner(mutex, self)) {
        if (qemu_mutex_trylock(&mutex->lock)) {
            return -EBUSY;
        }
        qatomic_set(&mutex->owner, self);
    }
    mutex->depth++;
    return 0;
}

void qemu_rec_mutex_unlock(QemuRecMutex *mutex)
{
    if (!is_owner(mutex, thread_self())) {
        port_panic("qemu_rec_mutex_unlock: mutex %p is not locked by this "
                   "thread", (void *)mutex);
    }
    if (--mutex->depth == 0) {
        qatomic_set(&mutex->owner, NULL);
        qemu_mutex_unlock(&mutex->lock);
    }
}

/* ---- Spin lock ---- */

void qemu_spin_init(QemuSpin *spin)
{
    qatomic_set(&spin->value, 0);
}

void qemu_spin_destroy(QemuSpin *spin)
{
    if (qemu_spin_locked(spin)) {
        port_panic("qemu_spin_destroy: spin lock %p is locked", (void *)spin);
    }
}

bool qemu_spin_trylock(QemuSpin *spin)
{
    port_thread_holds(1);
    if (qatomic_xchg(&spin->value, 1)) {
        port_thread_holds(-1);
        return true;
    }
    return false;
}

void qemu_spin_lock(QemuSpin *spin)
{
    unsigned turn = 0;

    while (qemu_spin_trylock(spin)) {
        while (qatomic_read(&spin->value)) {
            port_spin(turn++);
        }
    }
}

bool qemu_spin_locked(QemuSpin *spin)
{
    return qatomic_load_acquire(&spin->value);
}

void qemu_spin_unlock(QemuSpin *spin)
{
    if (!qatomic_xchg(&spin->value, 0)) {
        port_panic("qemu_spin_unlock: spin lock %p is not locked",
                   (void *)spin);
    }
    port_thread_holds(-1);
}
