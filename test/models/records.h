/* SPDX-License-Identifier: MIT */
/*
 * What the models of ts/src/ring share: the words of a ring's header, sleeping and waking
 * (sleeper.ts), and the consumer (consumer.ts). Each record takes one place, so that no place is
 * skipped. Positions are counted modulo WRAP, so that they wrap around, as those of 32 bits do.
 *
 * Each statement between two semicolons is one access to one shared word; guards are loads.
 * content[] stands for a record's bytes, which are no atomic accesses.
 */
#define IN_USE(tail, head) ((tail + WRAP - head) % WRAP)

bit published[PLACES];     /* a record's length + 1, or 0 */
byte content[PLACES];      /* 1 + who has written it; 0: nothing that is valid */
byte tail;
byte head;
byte closed;               /* how many producers were closed */

/* The words on which the sides sleep, and the waits of the kernel on each. */
#define CONSUMER 0
#define PRODUCERS_SIDE 1
byte word[2];
byte asleep[2];            /* how many sleep and were not notified */
byte notified[2];          /* how many were notified and have not gone on yet */

/* Sleeper.announce(): Atomics.or(word, 1) | 1 */
inline announce(side)
{
    d_step {
        if
        :: word[side] % 2 == 0 -> word[side]++
        :: else
        fi;
        value = word[side]
    }
}

/* Atomics.wait(word, value) */
inline sleep_on(side)
{
    d_step {
#ifndef BROKEN_NO_COMPARE
        slept = (word[side] == value);
#else
        slept = 1;
#endif
        if
        :: slept -> asleep[side]++
        :: else
        fi
    };
    if
    :: slept -> atomic { notified[side] > 0 -> notified[side]-- }
    :: else
    fi;
    slept = 0
}

/* wake() in sleeper.ts. Uses the caller's seen and won. */
inline wake(side)
{
    seen = word[side];
    if
    :: seen % 2 == 1 ->
        d_step {                            /* Atomics.compareExchange */
            won = (word[side] == seen);
            if
#ifdef BROKEN_ONE_BIT
            :: won -> word[side] = 0
#else
            :: won -> word[side]++
#endif
            :: else
            fi
        };
        if
        :: won -> d_step {                  /* Atomics.notify */
                notified[side] = notified[side] + asleep[side];
                asleep[side] = 0
            }
        :: else
        fi
    :: else
    fi;
    d_step { seen = 0; won = 0 }
}

/* RingConsumer.#next() and #free(). Sets done: it has taken a record; over: it is the end. */
inline try_to_take()
{
    d_step { done = 0; over = 0 };
#ifdef BROKEN_CLAIM_PUBLISHES
    there = (tail != at);
#else
    there = published[at % PLACES];
#endif
    if
    :: !there ->
        if
        :: closed == MADE ->
#ifndef BROKEN_NO_SECOND_LOOK
            there = published[at % PLACES];
#endif
            over = !there
        :: else
        fi
    :: else
    fi;
    if
    :: there ->
        d_step {
            who = content[at % PLACES];
            assert(who > 0);                /* all bytes were written, and once */
            content[at % PLACES] = 0;
            taken[who - 1]++
        };
#ifndef BROKEN_CLEAR_LATE
#ifndef BROKEN_NOT_CLEARED
        published[at % PLACES] = 0;
#endif
#endif
        head = (at + 1) % WRAP;             /* Atomics.store */
#ifdef BROKEN_CLEAR_LATE
        published[at % PLACES] = 0;
#endif
        at = (at + 1) % WRAP;
        wake(PRODUCERS_SIDE);
        done = 1
    :: else
    fi;
    there = 0
}

byte taken[2];             /* told: how many records of each producer were taken */

proctype consumer()
{
    byte at, who, value, seen;
    bit there, done, over, slept, won;

    do
    :: true ->
        try_to_take();
        if
        :: !done && !over ->
            announce(CONSUMER);
#ifndef BROKEN_NO_SECOND_TRY
            try_to_take();
#endif
            if
            :: !done && !over -> sleep_on(CONSUMER)
            :: else
            fi
        :: else
        fi;
        if
        :: over -> break
        :: else
        fi;
        value = 0
    od;
    ENDED
}

/* RingProducer.#push(), after the claim of the place at `mine` */
inline publish(me)
{
#ifdef BROKEN_WAKE_FIRST
    wake(CONSUMER);
#endif
    d_step {
        assert(content[mine % PLACES] == 0);    /* nobody else writes here, and nobody reads */
        content[mine % PLACES] = me + 1
    };
    published[mine % PLACES] = 1;           /* Atomics.store */
#ifndef BROKEN_WAKE_FIRST
    wake(CONSUMER)
#endif
}
