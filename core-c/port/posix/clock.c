/* SPDX-License-Identifier: MIT */
#include "port/port.h"
#include "port/posix/timespec.h"

#include <sys/prctl.h>

int64_t port_clock_ns(PortClock clock)
{
    struct timespec ts;

    clock_gettime(clock == PORT_CLOCK_MONOTONIC ? CLOCK_MONOTONIC
                                                : CLOCK_REALTIME, &ts);
    return ts.tv_sec * NANOSECONDS_PER_SECOND + ts.tv_nsec;
}

struct timespec *posix_timeout(struct timespec *ts, int64_t timeout_ns)
{
    static __thread bool precise;

    if (timeout_ns < 0) {
        return NULL;
    }
    if (!precise && timeout_ns) {
        /* Otherwise the kernel may wake the thread up to 50 us late, to wake
         * several at once. */
        prctl(PR_SET_TIMERSLACK, 1UL);
        precise = true;
    }
    ts->tv_sec = timeout_ns / NANOSECONDS_PER_SECOND;
    ts->tv_nsec = timeout_ns % NANOSECONDS_PER_SECOND;
    return ts;
}
