/* SPDX-License-Identifier: MIT */
/*
 * The coroutines' mutex: util/qemu-coroutine-lock.c
 *
 * `locked` counts the holder and all who wait. Who unlocks and finds others
 * counted owes one of them the mutex; he pops the oldest record and wakes its
 * coroutine. If those have counted themselves but not yet pushed their records,
 * he writes a ticket into `handoff` and leaves the debt there: the next who
 * pushes takes it over. A ticket is never used twice, so that of several who see
 * one a single one can take it. test/models/comutex.pml
 */
#include "block/aio.h"
#include "coroutine/coroutine.h"
#include "port/port.h"
#include "sync/wait.h"

/* On the stack of who waits. */
typedef struct CoWaitRecord {
    Coroutine *co;
    QSLIST_ENTRY(CoWaitRecord) next;
} CoWaitRecord;

void qemu_co_mutex_init(CoMutex *mutex)
{
    memset(mutex, 0, sizeof(*mutex));
}

/* ---- Those who wait ---- */

/* By him alone who is to hand over. NULL: nobody has pushed yet. */
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

/* True: the caller may go on, it was itself the oldest. */
static bool push(CoMutex *mutex, CoWaitRecord *record)
{
    CoWaitRecord *oldest;
    unsigned ticket;

    QSLIST_INSERT_HEAD_ATOMIC(&mutex->from_push, record, next);
    /* Pairs with qemu_co_mutex_unlock: he sees the record, or we his ticket. */
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

/* True: it is ours. A holder in another thread may be about to unlock. */
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

/* Counts the caller among those who wait, unless the mutex is free, or becomes
 * its own as it is the oldest of them: then true. */
static bool join_queue(CoMutex *mutex, CoWaitRecord *record)
{
    bool taken;

    /* One who has counted itself and not pushed its record is waited for. */
    port_thread_holds(1);
    taken = qatomic_fetch_inc(&mutex->locked) == 0 || push(mutex, record);
    port_thread_holds(-1);
    return taken;
}

/* It would wait for itself. */
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
        if (!spin(mutex, self->ctx) && !join_queue(mutex, &record)) {
            qemu_coroutine_yield();
        }
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

/* There are others: hands the mutex over to the oldest, or leaves a ticket to those
 * who have not pushed their records yet. */
static void hand_over(CoMutex *mutex)
{
    CoWaitRecord *oldest;

    while (!(oldest = pop_oldest(mutex))) {
        /* 0 is no ticket. */
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
