/* SPDX-License-Identifier: MIT */
#ifndef SYNC_WAIT_H
#define SYNC_WAIT_H
/* What the locks share: spinning, refusing, deadlines. */
#include "port/port.h"

/* Turns of spinning before a lock sleeps: about as long as a short critical
 * section of another CPU takes. */
#define SPIN_TURNS 64

/* Called where call is about to sleep for long, before it changes anything. */
static inline void refuse_to_block(const char *call)
{
    if (!port_may_wait()) {
        port_would_block(call);
    }
}

/* On the monotonic clock, ms milliseconds from now; negative counts as 0. */
static inline int64_t deadline_after_ms(int ms)
{
    return port_clock_ns(PORT_CLOCK_MONOTONIC) + MAX(ms, 0) * INT64_C(1000000);
}

/* ns, at least 0. */
static inline int64_t time_until(int64_t deadline)
{
    return MAX(deadline - port_clock_ns(PORT_CLOCK_MONOTONIC), 0);
}

#endif
