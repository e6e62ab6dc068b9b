/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WAIT_H
#define LIBC_WAIT_H
/* Waiting, for the locks of libc. */
#include <errno.h>
#include <time.h>

#include "port/port.h"
#include "qemu/atomic.h"
#include "sync/wait.h"

/* Converts to nanoseconds, at least 0 and at most INT64_MAX. */
static inline int64_t ns_of(int64_t sec, int64_t nsec)
{
    int64_t ns;

    return __builtin_mul_overflow(sec, INT64_C(1000000000), &ns) ||
                   __builtin_add_overflow(ns, nsec, &ns)
               ? (sec < 0 ? 0 : INT64_MAX) : MAX(ns, 0);
}

/* Converts `at`, a time of that clock (NULL: never), to nanoseconds of the monotonic
 * clock: negative if it was before that clock began. A time that is too far away never
 * comes. */
static inline int64_t monotonic_of(clockid_t clock, const struct timespec *at)
{
    int64_t ns = at ? ns_of(at->tv_sec, at->tv_nsec) : NO_DEADLINE;

    if (ns == NO_DEADLINE || clock == CLOCK_MONOTONIC) {
        return ns;
    }
    /* Subtracts first, so that the sum does not overflow. */
    ns -= port_clock_ns(PORT_CLOCK_REALTIME);
    if (__builtin_add_overflow(ns, port_clock_ns(PORT_CLOCK_MONOTONIC), &ns)) {
        return NO_DEADLINE;
    }
    return ns;
}

/* The same as a deadline, of which 0 has passed. */
static inline int64_t deadline_of(clockid_t clock, const struct timespec *at)
{
    return MAX(monotonic_of(clock, at), 0);
}

static inline bool bad_time(const struct timespec *at)
{
    return at && (at->tv_nsec < 0 || at->tv_nsec >= 1000000000);
}

/* Sleeps while *word == expected. Returns false if the deadline has passed. A thread
 * that may not wait spins for one turn. */
static inline bool wait_on(uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left = time_until(deadline);

    if (left == 0) {
        return false;
    }
    if (port_may_wait()) {
        port_futex_wait(word, expected, left);
    } else {
        port_pause();
    }
    return true;
}

#endif
