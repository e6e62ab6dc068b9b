/* SPDX-License-Identifier: MIT */
/*
 * core-c/coroutine/co-mutex.c: one coroutine at a time has the mutex, one at a
 * time pops from the list, and nobody waits for ever. Each coroutine has a thread
 * of its own; a wake-up is a bit, which a yield waits for.
 *
 * good:    -DLOCKERS=3 -DROUNDS=2
 * good:    -DLOCKERS=2 -DROUNDS=4
 * good:    -DLOCKERS=3 -DROUNDS=2 -DSAME_TICKET   (a debt is a debt, whoever's)
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_NO_LOOK_AGAIN
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_NO_TAKE_BACK
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_LOOK_FIRST
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_TAKE_BLINDLY
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_PUSH_FIRST
 * broken:  -DLOCKERS=3 -DROUNDS=2 -DBROKEN_POP_ONLY
 */
#define NOBODY LOCKERS

byte locked;                            /* mutex->locked */
/* The list is turned round when it is taken: as a whole it is a FIFO. */
chan from_push = [LOCKERS] of { byte }; /* mutex->from_push */
chan to_pop = [LOCKERS] of { byte };    /* mutex->to_pop */
byte handoff;                           /* mutex->handoff; 0: none */
byte sequence;                          /* mutex->sequence */
bit woken[LOCKERS];                     /* scheduled: it runs when it has yielded */

byte holders;                           /* told: who have the mutex */
byte poppers;                           /* told: who are in pop_oldest */

inline wake(whom)
{
    d_step { assert(!woken[whom]); woken[whom] = 1 }
}

/* oldest is what it returns. */
inline pop_oldest()
{
    d_step { assert(poppers == 0); poppers++ };
    if
    :: empty(to_pop) ->                 /* QSLIST_MOVE_ATOMIC, and the turning */
        d_step {
            do
            :: nempty(from_push) -> from_push ? oldest; to_pop ! oldest
            :: empty(from_push) -> break
            od;
            oldest = NOBODY
        }
    :: nempty(to_pop)
    fi;
    d_step {
        oldest = NOBODY;
        if
        :: nempty(to_pop) -> to_pop ? oldest
        :: empty(to_pop)
        fi;
        poppers--
    }
}

/* taken is what it returns: qatomic_cmpxchg(handoff, ticket, 0) == ticket. */
inline take_debt()
{
    d_step {
#ifdef BROKEN_TAKE_BLINDLY
        taken = 1;
#else
        taken = (handoff == ticket);
#endif
        if
        :: taken -> handoff = 0
        :: else
        fi
    }
}

/* mine is what it returns. */
inline push()
{
    mine = 0;
#ifdef BROKEN_LOOK_FIRST
    ticket = handoff;
    from_push ! id;
#else
#ifndef BROKEN_PUSH_FIRST
    from_push ! id;                     /* QSLIST_INSERT_HEAD_ATOMIC */
#endif
    ticket = handoff;                   /* qatomic_mb_read */
#endif
    if
    :: ticket ->
        take_debt();
        if
        :: taken ->
            pop_oldest();
            assert(oldest != NOBODY);
            if
            :: oldest == id -> mine = 1
            :: else -> wake(oldest)
            fi
        :: else
        fi
    :: else
    fi
}

inline lock()
{
    d_step {                            /* qatomic_cmpxchg(locked, 0, 1) */
        old = locked;
        if
        :: !old -> locked = 1
        :: else
        fi
    };
    if
    :: old ->                           /* spin: the same again, perhaps */
        if
        :: atomic { locked == 0 -> old = 0; locked = 1 }
        :: true
        fi
    :: else
    fi;
    if
    :: old ->
#ifdef BROKEN_PUSH_FIRST
        from_push ! id;
#endif
        d_step { old = locked; locked++ };  /* qatomic_fetch_inc */
        if
        :: old ->
            push();
            if
            :: !mine -> woken[id]; woken[id] = 0    /* qemu_coroutine_yield */
            :: else
            fi
        :: else
        fi
    :: else
    fi
}

inline unlock()
{
    d_step { old = locked; locked-- };  /* qatomic_fetch_dec */
    if
    :: old > 1 ->
        do
        :: true -> pop_oldest();
            if
            :: oldest != NOBODY -> wake(oldest); break
            :: else
            fi;
#ifdef BROKEN_POP_ONLY
            break;
#endif
#ifdef SAME_TICKET
            ticket = 1;
#else
            d_step { sequence++; ticket = sequence };
#endif
            handoff = ticket;           /* qatomic_mb_set */
#ifdef BROKEN_NO_LOOK_AGAIN
            break;
#endif
            if                          /* qatomic_mb_read(from_push) */
            :: empty(from_push) -> break
            :: nempty(from_push) ->
#ifndef BROKEN_NO_TAKE_BACK
                take_debt();
                if
                :: !taken -> break
                :: else
                fi
#endif
            fi
        od
    :: else
    fi
}

proctype locker(byte id)
{
    byte round, old, ticket, oldest;
    bit taken, mine;

    do
    :: round < ROUNDS ->
        lock();
        d_step { holders++; assert(holders == 1) };
        holders--;
        unlock();
        atomic { round++; old = 0; ticket = 0; oldest = 0; taken = 0; mine = 0 }
    :: round == ROUNDS -> break
    od
}

init
{
    byte i;

    atomic {
        for (i : 0 .. LOCKERS - 1) {
            run locker(i)
        }
    }
}
