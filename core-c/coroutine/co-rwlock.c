/* SPDX-License-Identifier: MIT */
/* The lock for many readers or one writer; in QEMU
 * util/qemu-coroutine-lock.c. */
#include "block/aio.h"
#include "coroutine/coroutine.h"
#include "port/port.h"

/* On the stack of the coroutine that waits. */
typedef struct CoRwTicket {
    Coroutine *co;
    bool read;
    QSIMPLEQ_ENTRY(CoRwTicket) next;
} CoRwTicket;

void qemu_co_rwlock_init(CoRwlock *lock)
{
    qemu_co_mutex_init(&lock->mutex);
    lock->owners = 0;
    QSIMPLEQ_INIT(&lock->tickets);
}

/* Called with the mutex held. */
static bool may_enter(CoRwlock *lock, bool read)
{
    return read ? lock->owners >= 0 : lock->owners == 0;
}

/* Admits the coroutines at the head of the queue that may enter. Called with
 * the mutex held. */
static void coroutine_fn admit(CoRwlock *lock)
{
    CoRwTicket *first;

    while ((first = QSIMPLEQ_FIRST(&lock->tickets)) &&
           may_enter(lock, first->read)) {
        Coroutine *co = first->co;

        QSIMPLEQ_REMOVE_HEAD(&lock->tickets, next);
        lock->owners = first->read ? lock->owners + 1 : -1;
        /* The ticket may be gone from here on. */
        aio_co_wake(co);
    }
}

/* Called with the mutex held, which it releases; returns when the coroutine has
 * been admitted. */
static void coroutine_fn queue_and_wait(CoRwlock *lock, bool read)
{
    CoRwTicket ticket = { qemu_coroutine_self(), read, { NULL } };

    QSIMPLEQ_INSERT_TAIL(&lock->tickets, &ticket, next);
    admit(lock);
    qemu_co_mutex_unlock(&lock->mutex);
    qemu_coroutine_yield();
}

static void coroutine_fn take(CoRwlock *lock, bool read)
{
    qemu_co_mutex_lock(&lock->mutex);
    if (QSIMPLEQ_EMPTY(&lock->tickets) && may_enter(lock, read)) {
        lock->owners = read ? lock->owners + 1 : -1;
        qemu_co_mutex_unlock(&lock->mutex);
    } else {
        queue_and_wait(lock, read);
    }
    qemu_coroutine_self()->locks_held++;
}

void coroutine_fn qemu_co_rwlock_rdlock(CoRwlock *lock)
{
    take(lock, true);
}

void coroutine_fn qemu_co_rwlock_wrlock(CoRwlock *lock)
{
    take(lock, false);
}

static QEMU_NORETURN void not_held(CoRwlock *lock, const char *call,
                                   const char *how)
{
    port_panic("%s: lock %p is not held for %s", call, (void *)lock, how);
}

void coroutine_fn qemu_co_rwlock_upgrade(CoRwlock *lock)
{
    qemu_co_mutex_lock(&lock->mutex);
    if (unlikely(lock->owners <= 0)) {
        not_held(lock, "qemu_co_rwlock_upgrade", "reading");
    }
    if (lock->owners == 1 && QSIMPLEQ_EMPTY(&lock->tickets)) {
        lock->owners = -1;
        qemu_co_mutex_unlock(&lock->mutex);
    } else {
        lock->owners--;
        queue_and_wait(lock, false);
    }
}

void coroutine_fn qemu_co_rwlock_downgrade(CoRwlock *lock)
{
    qemu_co_mutex_lock(&lock->mutex);
    if (unlikely(lock->owners != -1)) {
        not_held(lock, "qemu_co_rwlock_downgrade", "writing");
    }
    lock->owners = 1;
    admit(lock);
    qemu_co_mutex_unlock(&lock->mutex);
}

void coroutine_fn qemu_co_rwlock_unlock(CoRwlock *lock)
{
    Coroutine *self = qemu_coroutine_self();

    if (unlikely(!self->locks_held)) {
        not_held(lock, "qemu_co_rwlock_unlock", "anything by this coroutine");
    }
    qemu_co_mutex_lock(&lock->mutex);
    if (unlikely(lock->owners == 0)) {
        not_held(lock, "qemu_co_rwlock_unlock", "anything");
    }
    lock->owners = lock->owners > 0 ? lock->owners - 1 : 0;
    self->locks_held--;
    admit(lock);
    qemu_co_mutex_unlock(&lock->mutex);
}
