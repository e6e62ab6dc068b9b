/* SPDX-License-Identifier: MIT */
#ifndef SYNC_WAIT_H
#define SYNC_WAIT_H
/* Shared by the locks: spinning, refusing, deadlines. */
#include "port/port.h"

/* How long a lock spins before it sleeps: about as long as another CPU takes for a
 * short critical section. A number of turns would be a different time on each machine,
 * and almost none in WebAssembly, which has no pause instruction. */
#define SPIN_NS 2000
/* Turns before the first look at the clock, which may take longer than all of them, and
 * between two looks. */
#define SPIN_LOOK 32

/* Starts as zero. */
typedef struct Spin {
    unsigned turns;
    int64_t end;
} Spin;

/* Spins for one turn. Returns false if it has been long enough. */
static inline bool spin_again(Spin *spin)
{
    int64_t now;

    port_pause();
    if (++spin->turns % SPIN_LOOK) {
        return true;
    }
    now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    if (!spin->end) {
        spin->end = now + SPIN_NS;
    }
    return now < spin->end;
}

/* Panics if the calling thread may not wait. Called where `call` is about to sleep for
 * long, before it changes anything. */
static inline void refuse_to_block(const char *call)
{
    if (!port_may_wait()) {
        port_would_block(call);
    }
}

/* Returns the time ms milliseconds from now on the monotonic clock; a negative ms
 * counts as 0. */
static inline int64_t deadline_after_ms(int ms)
{
    return port_clock_ns(PORT_CLOCK_MONOTONIC) + MAX(ms, 0) * INT64_C(1000000);
}

/* "For ever". All other deadlines, on the monotonic clock, are at least 0. */
#define NO_DEADLINE INT64_MAX

/* Returns the nanoseconds until the deadline, at least 0; -1 means for ever. */
static inline int64_t time_until(int64_t deadline)
{
    return deadline == NO_DEADLINE
               ? -1 : MAX(deadline - port_clock_ns(PORT_CLOCK_MONOTONIC), 0);
}

#endif
