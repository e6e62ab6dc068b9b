/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WAIT_H
#define LIBC_WAIT_H
/* What libc's locks sleep on. */
#include <errno.h>
#include <time.h>

#include "port/port.h"
#include "qemu/atomic.h"
#include "sync/wait.h"

/* At least 0; what is too long for a number of ns is as long as that can be. */
static inline int64_t ns_of(int64_t sec, int64_t nsec)
{
    int64_t ns;

    return __builtin_mul_overflow(sec, INT64_C(1000000000), &ns) ||
                   __builtin_add_overflow(ns, nsec, &ns)
               ? (sec < 0 ? 0 : INT64_MAX) : MAX(ns, 0);
}

/* When `at`, a time of that clock (NULL: never), comes: ns of the monotonic clock. What
 * is too far away for a number of ns never comes. */
static inline int64_t deadline_of(clockid_t clock, const struct timespec *at)
{
    int64_t ns = at ? ns_of(at->tv_sec, at->tv_nsec) : NO_DEADLINE;

    if (ns == NO_DEADLINE || clock == CLOCK_MONOTONIC) {
        return ns;
    }
    /* First what makes it smaller. */
    ns -= port_clock_ns(PORT_CLOCK_REALTIME);
    if (__builtin_add_overflow(ns, port_clock_ns(PORT_CLOCK_MONOTONIC), &ns)) {
        return NO_DEADLINE;
    }
    return MAX(ns, 0);
}

static inline bool bad_time(const struct timespec *at)
{
    return at && (at->tv_nsec < 0 || at->tv_nsec >= 1000000000);
}

/* Sleeps while *word == expected; false: the deadline is over. A thread that may
 * not wait takes one turn. */
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
