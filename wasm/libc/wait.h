/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WAIT_H
#define LIBC_WAIT_H
/* What libc's locks sleep on. */
#include <errno.h>
#include <time.h>

#include "port/port.h"
#include "qemu/atomic.h"

/* For ever. */
#define NO_DEADLINE INT64_MAX

/* When `at`, a time of that clock (NULL: never), comes: ns of the monotonic clock. */
static inline int64_t deadline_of(clockid_t clock, const struct timespec *at)
{
    int64_t ns, now;

    if (!at) {
        return NO_DEADLINE;
    }
    ns = at->tv_sec * INT64_C(1000000000) + at->tv_nsec;
    now = port_clock_ns(PORT_CLOCK_MONOTONIC);
    return clock == CLOCK_MONOTONIC
               ? ns : now + (ns - port_clock_ns(PORT_CLOCK_REALTIME));
}

static inline bool bad_time(const struct timespec *at)
{
    return at && (at->tv_nsec < 0 || at->tv_nsec >= 1000000000);
}

/* Sleeps while *word == expected; false: the deadline is over. A thread that may
 * not wait takes one turn. */
static inline bool wait_on(uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left = -1;

    if (deadline != NO_DEADLINE) {
        left = deadline - port_clock_ns(PORT_CLOCK_MONOTONIC);
        if (left <= 0) {
            return false;
        }
    }
    if (port_may_wait()) {
        port_futex_wait(word, expected, left);
    } else {
        port_pause();
    }
    return true;
}

#endif
