/* SPDX-License-Identifier: MIT */
#ifndef LIBC_WAIT_H
#define LIBC_WAIT_H
/* What libc's locks sleep on. */
#include <errno.h>
#include <time.h>

#include "port/port.h"
#include "qemu/atomic.h"
#include "sync/wait.h"

/* When `at`, a time of that clock (NULL: never), comes: ns of the monotonic clock. What
 * is too far away for a number of ns never comes. */
static inline int64_t deadline_of(clockid_t clock, const struct timespec *at)
{
    int64_t ns;

    if (!at || at->tv_sec >= INT64_MAX / 1000000000) {
        return NO_DEADLINE;
    }
    ns = MAX(at->tv_sec, 0) * INT64_C(1000000000) + at->tv_nsec;
    if (clock != CLOCK_MONOTONIC) {
        /* Both clocks are positive, and the real one is ahead. */
        ns += port_clock_ns(PORT_CLOCK_MONOTONIC) -
              port_clock_ns(PORT_CLOCK_REALTIME);
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
