/* SPDX-License-Identifier: MIT */
/*
 * The mutex of coroutines; in QEMU util/qemu-coroutine-lock.c.
 *
 * `locked` counts the holder and all coroutines that wait. An unlock that finds
 * others counted has to hand the mutex over: it pops the oldest record and wakes
 * that record's coroutine. If the waiters have counted themselves but not pushed
 * their records yet, the unlock writes a ticket into `handoff` and returns. The
 * next waiter that pushes its record takes the ticket and hands the mutex over
 * instead. A ticket is never reused, so only one of several threads that see it can
 * take it. The protocol is checked by test/models/comutex.pml.
 */
#include "block/aio.h"
#include "coroutine/coroutine.h"
#include "port/counter.h"
#include "port/port.h"
#include "sync/trace.h"
#include "sync/wait.h"

/* On the stack of the coroutine that waits. */
typedef struct CoWaitRecord {
    Coroutine *co;
    QSLIST_ENTRY(CoWaitRecord) next;
} CoWaitRecord;

void qemu_co_mutex_init(CoMutex *mutex)
{
    memset(mutex, 0, sizeof(*mutex));
    mutex->sequence = AIO_COUNTER_START;
}

/* ---- Coroutines that wait ---- */

/* Takes the oldest record, or returns NULL if no record has been pushed yet. Called
 * only by the thread that is handing the mutex over. */
static CoWaitRecord *pop_oldest(CoMutex *mutex)
{
    CoWaitRecord *record = QSLIST_FIRST(&mutex->to_pop);

    if (!record) {
        QSLIST_HEAD(, CoWaitRecord) newest_first;

        QSLIST_MOVE_ATOMIC(&newest_first, &mutex->from_push);
        while ((record = QSLIST_FIRST(&newest_first))) {
            QSLIST_REMOVE_HEAD(&newest_first, next);
            QSLIST_INSERT_HEAD(&mutex->to_pop, record, next);
        }
        record = QSLIST_FIRST(&mutex->to_pop);
    }
    if (record) {
        QSLIST_REMOVE_HEAD(&mutex->to_pop, next);
    }
    return record;
}

/* Pushes a record. Returns true if the caller now holds the mutex, because its own
 * record was the oldest. */
static bool push(CoMutex *mutex, CoWaitRecord *record)
{
    CoWaitRecord *oldest;
    unsigned ticket;

    QSLIST_INSERT_HEAD_ATOMIC(&mutex->from_push, record, next);
    /* Pairs with qemu_co_mutex_unlock: either it sees the record, or we see its
     * ticket. */
    ticket = qatomic_mb_read(&mutex->handoff);
    if (!ticket || qatomic_cmpxchg(&mutex->handoff, ticket, 0) != ticket) {
        return false;
    }
    oldest = pop_oldest(mutex);
    if (oldest != record) {
        aio_co_wake(oldest->co);
    }
    return oldest == record;
}

/* ---- Locking ---- */

/* Spins for a while, since a holder in another thread may be about to unlock.
 * Returns true if the caller now holds the mutex. */
static bool spin(CoMutex *mutex, AioContext *ctx)
{
    for (Spin spin = { 0 }; spin_again(&spin); ) {
        unsigned locked = qatomic_read(&mutex->locked);

        if (locked > 1 || (locked && qatomic_read(&mutex->ctx) == ctx)) {
            return false;
        }
        if (!locked && qatomic_cmpxchg(&mutex->locked, 0, 1) == 0) {
            return true;
        }
    }
    return false;
}

/* Counts the caller among those that wait, and pushes its record. Returns true if
 * the caller holds the mutex instead, because it was free or the caller is the
 * oldest waiter. */
static bool join_queue(CoMutex *mutex, CoWaitRecord *record)
{
    bool taken;

    /* One step: others wait for a coroutine that has counted itself to push its
     * record. */
    port_thread_holds(1);
    taken = qatomic_fetch_inc(&mutex->locked) == 0 || push(mutex, record);
    port_thread_holds(-1);
    return taken;
}

/* Panics if the calling coroutine holds the mutex: it would wait for itself. */
static void refuse_holder(CoMutex *mutex, Coroutine *self)
{
    if (unlikely(qatomic_read(&mutex->holder) == self)) {
        port_panic("qemu_co_mutex_lock: mutex %p is held by this coroutine, %p "
                   "'%s', already", (void *)mutex, (void *)self, self->name);
    }
}

void coroutine_fn qemu_co_mutex_lock(CoMutex *mutex)
{
    Coroutine *self = qemu_coroutine_self();
    CoWaitRecord record = { .co = self };

    if (unlikely(!qemu_in_coroutine())) {
        port_panic("qemu_co_mutex_lock: mutex %p: not in a coroutine",
                   (void *)mutex);
    }
    if (qatomic_cmpxchg(&mutex->locked, 0, 1) != 0) {
        refuse_holder(mutex, self);
        trace(AIO_TRACE_qemu_co_mutex_lock_entry, trace_address(mutex), trace_address(self),
              self->name);
        if (!spin(mutex, self->ctx) && !join_queue(mutex, &record)) {
            qemu_coroutine_yield();
        }
        trace(AIO_TRACE_qemu_co_mutex_lock_return, trace_address(mutex), trace_address(self),
              self->name);
    }
    qatomic_set(&mutex->ctx, self->ctx);
    qatomic_set(&mutex->holder, self);
    self->locks_held++;
}

void coroutine_fn qemu_co_mutex_assert_locked(CoMutex *mutex)
{
    if (unlikely(!qatomic_read(&mutex->locked) ||
                 qatomic_read(&mutex->holder) != qemu_coroutine_self())) {
        port_panic("qemu_co_mutex_assert_locked: mutex %p is not held by this "
                   "coroutine", (void *)mutex);
    }
}

/* Called when coroutines wait: hands the mutex over to the oldest, or leaves a
 * ticket to those that have not pushed their records yet. */
static void hand_over(CoMutex *mutex)
{
    CoWaitRecord *oldest;

    while (!(oldest = pop_oldest(mutex))) {
        /* A ticket is never 0. */
        unsigned ticket = ++mutex->sequence ? mutex->sequence
                                            : ++mutex->sequence;

        /* Pairs with push. */
        qatomic_mb_set(&mutex->handoff, ticket);
        if (!qatomic_mb_read(&mutex->from_push.slh_first) ||
            qatomic_cmpxchg(&mutex->handoff, ticket, 0) != ticket) {
            return;
        }
    }
    aio_co_wake(oldest->co);
}

void coroutine_fn qemu_co_mutex_unlock(CoMutex *mutex)
{
    Coroutine *self = qemu_coroutine_self();

    if (unlikely(qatomic_read(&mutex->holder) != self)) {
        port_panic("qemu_co_mutex_unlock: mutex %p is not held by this "
                   "coroutine", (void *)mutex);
    }
    qatomic_set(&mutex->ctx, NULL);
    qatomic_set(&mutex->holder, NULL);
    self->locks_held--;
    port_thread_holds(1);
    if (qatomic_fetch_dec(&mutex->locked) != 1) {
        hand_over(mutex);
    }
    port_thread_holds(-1);
}
