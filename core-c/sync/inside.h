/* SPDX-License-Identifier: MIT */
#ifndef SYNC_INSIDE_H
#define SYNC_INSIDE_H
/*
 * Counts the threads inside an object's waiting call. A thread that was woken has to
 * look at the object again before it returns, and the thread that woke it may be
 * destroying the object by then. So destroying waits until the last thread has left,
 * and leaving is a thread's last access to the object.
 */
#include "port/port.h"

/* Set while the object is being destroyed: the thread that leaves last wakes the
 * destroyer. */
#define INSIDE_AWAITED 0x80000000u

static inline void inside_enter(uint32_t *inside)
{
    port_thread_holds(1);
    qatomic_inc(inside);
    port_thread_counts_in(inside);
    port_thread_holds(-1);
}

static inline void inside_leave(uint32_t *inside)
{
    port_thread_holds(1);
    port_thread_counts_in(NULL);
    /* From here on the object may be gone: only the word's address is used. */
    if (qatomic_fetch_dec(inside) == (INSIDE_AWAITED | 1)) {
        port_futex_wake(inside, UINT32_MAX);
    }
    port_thread_holds(-1);
}

/* Called before destroying the object wakes its sleepers. Returns true if there are
 * some, or were a moment ago. */
static inline bool inside_close(uint32_t *inside)
{
    return qatomic_mb_read(inside) && qatomic_fetch_or(inside, INSIDE_AWAITED);
}

static inline bool inside_is_closed(const uint32_t *inside)
{
    return qatomic_mb_read(inside) & INSIDE_AWAITED;
}

/* Called after inside_close(). Pairs with inside_leave: everything that the threads
 * did in the object comes before the return. They need no lock to leave, so this is
 * short. */
static inline void inside_wait_until_empty(uint32_t *inside)
{
    uint32_t seen;

    for (unsigned turn = 0;
         (seen = qatomic_mb_read(inside)) & ~INSIDE_AWAITED; turn++) {
        if (port_may_wait()) {
            port_futex_wait(inside, seen, -1);
        } else {
            port_spin(turn);
        }
    }
}

#endif
