/* SPDX-License-Identifier: MIT */
/*
 * aio_notify against aio_poll: no wake-up is lost, and the loop does not spin.
 *
 * good:
 * good:    -DUNSEEN    (what is published is not seen by aio_compute_timeout)
 * broken:  -DUNSEEN -DBROKEN_ACCEPT_LATE
 * broken:  -DBROKEN_SKIP_EVENT
 * broken:  -DBROKEN_NO_RECHECK
 * broken:  -DBROKEN_READ_FIRST
 * broken:  -DBROKEN_NOTIFY_FIRST
 * broken:  -DBROKEN_AWAKE_TOO_EARLY
 */
#define OUTERMOST true
#include "loop.h"

#define NOTIFIERS 3

proctype home()
{
    bit blocking, wait, may_sleep, ready;

    do
    :: true ->
        count_round();
        if
        :: blocking = 1
        :: running > 0 -> blocking = 0
        fi;
        aio_poll(blocking)
    od;
served:
    skip
}

init
{
    byte i;

    atomic {
        running = NOTIFIERS;
        if
        :: interrupt = 1
        :: true
        fi;
        run home();
        for (i : 1 .. NOTIFIERS) {
            run notifier()
        }
    }
}
