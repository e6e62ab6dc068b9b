/* SPDX-License-Identifier: MIT */
/*
 * Lock and count in one word, so that "the count is 0 and I hold the lock" is
 * one step. A thread that has to wait for the lock marks it and sleeps on the
 * whole word. Unlocking a marked lock wakes all, and each looks again: it may
 * need the lock, or only that nobody holds it.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/wait.h"

#define STATE_MASK 3u
enum { FREE, LOCKED, LOCKED_WAITERS };
#define COUNT_ONE 4u
#define COUNT_OF(word) ((word) / COUNT_ONE)

void qemu_lockcnt_init(QemuLockCnt *lockcnt)
{
    qatomic_set(&lockcnt->count, 0);
}

void qemu_lockcnt_destroy(QemuLockCnt *lockcnt)
{
    if (qatomic_load_acquire(&lockcnt->count) & STATE_MASK) {
        port_panic("qemu_lockcnt_destroy: LockCnt %p is locked",
                   (void *)lockcnt);
    }
}

/* Sets the word to new if it is *old; otherwise sets *old to the word. */
static inline bool replace(QemuLockCnt *lockcnt, uint32_t *old, uint32_t new)
{
    uint32_t seen = qatomic_cmpxchg(&lockcnt->count, *old, new);
    bool done = seen == *old;

    *old = seen;
    return done;
}

/* The same, where new includes the lock. It is counted as held before it is
 * taken. */
static inline bool take(QemuLockCnt *lockcnt, uint32_t *old, uint32_t new)
{
    port_thread_holds(1);
    if (replace(lockcnt, old, new)) {
        return true;
    }
    port_thread_holds(-1);
    return false;
}

/* Called when the word was locked: waits for a while and returns the word. *spin
 * is the spinning of one operation. */
static uint32_t wait_for_change(QemuLockCnt *lockcnt, uint32_t word,
                                Spin *spin)
{
    if (!port_may_wait()) {
        port_spin(spin->turns++);
        return qatomic_load_acquire(&lockcnt->count);
    }
    if (spin_again(spin)) {
        return qatomic_load_acquire(&lockcnt->count);
    }
    if ((word & STATE_MASK) == LOCKED) {
        uint32_t marked = (word & ~STATE_MASK) | LOCKED_WAITERS;
        if (!replace(lockcnt, &word, marked)) {
            return word;
        }
        word = marked;
    }
    port_futex_wait(&lockcnt->count, word, -1);
    return qatomic_load_acquire(&lockcnt->count);
}

void qemu_lockcnt_inc(QemuLockCnt *lockcnt)
{
    uint32_t word = qatomic_load_acquire(&lockcnt->count);
    Spin spin = { 0 };

    for (;;) {
        if (COUNT_OF(word) == 0 && (word & STATE_MASK) != FREE) {
            word = wait_for_change(lockcnt, word, &spin);
        } else if (replace(lockcnt, &word, word + COUNT_ONE)) {
            return;
        }
    }
}

void qemu_lockcnt_dec(QemuLockCnt *lockcnt)
{
    if (COUNT_OF(qatomic_fetch_sub(&lockcnt->count, COUNT_ONE)) == 0) {
        port_panic("qemu_lockcnt_dec: the count of LockCnt %p is 0",
                   (void *)lockcnt);
    }
}

/* Sets the count from 1 to 0 and takes the lock; returns false if the count, in
 * *word, is not 1 (any more). */
static bool last_dec_and_lock(QemuLockCnt *lockcnt, uint32_t *word)
{
    Spin spin = { 0 };

    while (COUNT_OF(*word) == 1) {
        if ((*word & STATE_MASK) != FREE) {
            *word = wait_for_change(lockcnt, *word, &spin);
        } else if (take(lockcnt, word, LOCKED)) {
            return true;
        }
    }
    return false;
}

bool qemu_lockcnt_dec_and_lock(QemuLockCnt *lockcnt)
{
    uint32_t word = qatomic_load_acquire(&lockcnt->count);

    for (;;) {
        if (COUNT_OF(word) == 0) {
            port_panic("qemu_lockcnt_dec_and_lock: the count of LockCnt %p is "
                       "0", (void *)lockcnt);
        }
        if (last_dec_and_lock(lockcnt, &word)) {
            return true;
        }
        if (COUNT_OF(word) > 1 && replace(lockcnt, &word, word - COUNT_ONE)) {
            return false;
        }
    }
}

bool qemu_lockcnt_dec_if_lock(QemuLockCnt *lockcnt)
{
    uint32_t word = qatomic_load_acquire(&lockcnt->count);

    return last_dec_and_lock(lockcnt, &word);
}

void qemu_lockcnt_lock(QemuLockCnt *lockcnt)
{
    uint32_t word = qatomic_load_acquire(&lockcnt->count);
    Spin spin = { 0 };

    for (;;) {
        if ((word & STATE_MASK) != FREE) {
            word = wait_for_change(lockcnt, word, &spin);
        } else if (take(lockcnt, &word, word | LOCKED)) {
            return;
        }
    }
}

/* Releases the lock and adds to the count in one step. */
static void unlock_and_add(QemuLockCnt *lockcnt, uint32_t add)
{
    uint32_t word = qatomic_load_acquire(&lockcnt->count);

    do {
        if ((word & STATE_MASK) == FREE) {
            port_panic("qemu_lockcnt_unlock: LockCnt %p is not locked",
                       (void *)lockcnt);
        }
        /* On failure, word is the value that it found. */
    } while (!replace(lockcnt, &word, (word & ~STATE_MASK) + add));
    /* On success, word is the value that was replaced. */
    if ((word & STATE_MASK) == LOCKED_WAITERS) {
        port_futex_wake(&lockcnt->count, UINT32_MAX);
    }
    port_thread_holds(-1);
}

void qemu_lockcnt_unlock(QemuLockCnt *lockcnt)
{
    unlock_and_add(lockcnt, 0);
}

void qemu_lockcnt_inc_and_unlock(QemuLockCnt *lockcnt)
{
    unlock_and_add(lockcnt, COUNT_ONE);
}

unsigned qemu_lockcnt_count(QemuLockCnt *lockcnt)
{
    return COUNT_OF(qatomic_load_acquire(&lockcnt->count));
}
