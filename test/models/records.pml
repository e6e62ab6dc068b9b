/* SPDX-License-Identifier: MIT */
/*
 * A ring of ts/src/ring with one producer: no record is lost, taken twice or taken before it was
 * written; nobody sleeps for good while it could go on; and flush() ends, although the consumer may
 * be far beyond the position that it waits for, and positions wrap around.
 *
 * good:
 * good:    -DNARROW    (one place)
 * broken:  -DBROKEN_NO_SECOND_TRY
 * broken:  -DBROKEN_NO_COMPARE
 * broken:  -DNARROW -DBROKEN_ONE_BIT    (the word on which a side sleeps does not count)
 * broken:  -DBROKEN_WAKE_FIRST
 * broken:  -DBROKEN_NO_SECOND_LOOK
 * broken:  -DBROKEN_CLEAR_LATE
 * broken:  -DBROKEN_NOT_CLEARED
 * broken:  -DBROKEN_INDEX    (flush() waits until the head is at a position)
 * broken:  -DBROKEN_DISTANCE   (flush() only compares positions)
 */
#define MADE 1
#define RECORDS 4
#ifdef NARROW
#define PLACES 1
#else
#define PLACES 2
#endif
#define WRAP 4
#define ENDED assert(taken[0] == RECORDS)
#include "records.h"

proctype producer()
{
    byte n, mine, known, value, seen;       /* known: #head */
    bit slept, won;

    do
    :: n < RECORDS ->
        if
        :: IN_USE(mine, known) < PLACES
        :: else ->
            known = head;
            if
            :: IN_USE(mine, known) < PLACES
            :: else ->
                announce(PRODUCERS_SIDE);
#ifndef BROKEN_NO_SECOND_TRY
                known = head;
#endif
                if
                :: IN_USE(mine, known) < PLACES
                :: else -> sleep_on(PRODUCERS_SIDE)
                fi
            fi
        fi;
        if
        :: IN_USE(mine, known) < PLACES ->
            publish(0);
            d_step { mine = (mine + 1) % WRAP; n++ }
        :: else
        fi;
        value = 0
    :: else -> break
    od;
    if
    :: skip
    :: skip -> taken[0] == RECORDS          /* it closes after an answer that it has got otherwise */
    fi;
    closed++;                               /* Atomics.add */
    wake(CONSUMER)
}

/* Whether the consumer has taken the record at position 0: RingProducer.#isFlushed() */
inline look()
{
#ifdef BROKEN_INDEX
    done = (head == 1)
#else
    done = (head == 1 || head == 2);        /* a distance from 1 to half of all positions */
#ifndef BROKEN_DISTANCE
    if
    :: !done -> done = (published[0] == 0)
    :: else
    fi
#endif
#endif
}

/*
 * A flush() after the first record, on the thread of the producer, which writes more meanwhile. It
 * may be given up: its time-out has passed, or its signal was aborted.
 */
proctype flush()
{
    byte value;
    bit slept, done, patient;

    if
    :: patient = 1
    :: patient = 0
    fi;
    content[0] > 0 || taken[0] > 0;         /* it begins when there is a first record */
    published[0] || taken[0] > 0;
    do
    :: true ->
        look();
        if
        :: !done ->
            announce(PRODUCERS_SIDE);
            look();
            if
            :: !done && patient -> sleep_on(PRODUCERS_SIDE)
            :: else -> break
            fi
        :: else -> break
        fi;
        value = 0
    od
}

init
{
    atomic {
        run consumer();
        run producer();
        run flush()
    }
}
