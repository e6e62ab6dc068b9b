/* SPDX-License-Identifier: MIT */
/*
 * A ring of ts/src/ring with two producers: no record is lost, taken twice or taken before it was
 * written; no place is given to both; and nobody sleeps for good while it could go on.
 *
 * good:
 * good:    -DNARROW    (one place, for which the producers sleep)
 * broken:  -DBROKEN_PLAIN_CLAIM
 * broken:  -DBROKEN_CLAIM_PUBLISHES
 * broken:  -DNARROW -DBROKEN_NO_SECOND_TRY
 * broken:  -DNARROW -DBROKEN_NO_COMPARE
 * broken:  -DBROKEN_WAKE_FIRST
 * broken:  -DBROKEN_CLEAR_LATE
 */
#ifdef NARROW
#define PLACES 1
#else
#define PLACES 2
#endif
/* All positions differ: no producer stops between two steps of a claim while 64 GiB pass. */
#define WRAP 8
#define MADE 2
#define ENDED assert(taken[0] == 2 && taken[1] == 1)
#include "records.h"

/* RingProducer.#claim(): sets won if it has claimed the place at `mine`. */
inline claim()
{
    won = 0;
    do
    :: true ->
        known = head;
        mine = tail;
        if
        :: IN_USE(mine, known) < PLACES ->
#ifdef BROKEN_PLAIN_CLAIM
            tail = (mine + 1) % WRAP;
            won = 1;
#else
            d_step {                        /* Atomics.compareExchange */
                won = (tail == mine);
                if
                :: won -> tail = (mine + 1) % WRAP
                :: else
                fi
            };
#endif
            if
            :: won -> break
            :: else
            fi
        :: else ->
            seen = head;
            if
            :: seen == known -> break
            :: else -> known = seen
            fi
        fi;
        seen = 0
    od;
    seen = 0
}

proctype producer(byte me)
{
    byte n, mine, known, value, seen;
    bit slept, won;

    do
    :: n < 2 - me ->
        claim();
        if
        :: !won ->
            announce(PRODUCERS_SIDE);
#ifndef BROKEN_NO_SECOND_TRY
            claim();
#endif
            if
            :: !won -> sleep_on(PRODUCERS_SIDE)
            :: else
            fi
        :: else
        fi;
        if
        :: won ->
            publish(me);
            n++
        :: else
        fi;
        d_step { value = 0; mine = 0; won = 0 }
    :: else -> break
    od;
    closed++;                               /* Atomics.add */
    wake(CONSUMER)
}

init
{
    atomic {
        run consumer();
        run producer(0);
        run producer(1)
    }
}
