/* SPDX-License-Identifier: MIT */
/*
 * Bounded progress (docs/loop.md) where there is no ring: which iterations of
 * core-c/loop/aio-poll.c look at the fds, and which timers a pass of
 * core-c/time/timer-list.c runs. Whatever else is due, an fd whose handler has io_poll
 * runs within UNWALKED iterations, and a timer that is due in the next pass.
 *
 * good:
 * broken:  -DBROKEN_NEVER_OVERDUE
 * broken:  -DBROKEN_COUNT_STARTS_ANEW
 * broken:  -DBROKEN_ARMED_IN_THE_PAST_IS_FIRST
 * broken:  -DBROKEN_NO_LIMIT
 */
#define UNWALKED 3         /* MAX_UNWALKED, which is 32 */
#define REARMED 2          /* MAX_REARMED, which is 64 */

byte unwalked;             /* ctx->unwalked */
bit ready;                 /* an fd whose handler has io_poll */
byte waited;               /* told: iterations since it became ready */

bit armed;                 /* a timer that became due before the pass began */
byte rearmed;              /* timers of this pass that call-backs have armed in the past */

/* Its call-back arms one or two in the past, or none. */
inline call_back()
{
    if
    :: rearmed = rearmed + 1
    :: rearmed = rearmed + 2
    :: true
    fi;
    if
    :: rearmed > 3 -> rearmed = 3           /* more are no different */
    :: else
    fi
}

/* run_due: the first of the heap, until none is due or enough of those that were armed
 * during the pass have run. */
inline run_timers()
{
    byte count = 0;                         /* pass->rearmed */

    do
#ifdef BROKEN_ARMED_IN_THE_PAST_IS_FIRST
    :: rearmed && count < REARMED -> rearmed--; count++; call_back()
    :: armed && !rearmed -> armed = 0; call_back()
    :: rearmed && count == REARMED -> break
#elif defined(BROKEN_NO_LIMIT)
    :: armed -> armed = 0; call_back()
    :: !armed && rearmed -> rearmed--; count++; assert(count < 10); call_back()
#else
    :: armed -> armed = 0; call_back()
    :: !armed && rearmed && count < REARMED -> rearmed--; count++; call_back()
    :: !armed && rearmed && count == REARMED -> break
#endif
    :: !armed && !rearmed -> break
    od;
    assert(!armed)
}

active proctype home()
{
    bit may_wait, walk;

    do
    :: true ->
        /* Others make it ready at any time. */
        if
        :: ready = 1
        :: true
        fi;
        if
        :: armed = 1
        :: true
        fi;
        /* Whether it may wait: something is due, or it was notified, or not. */
        if
        :: may_wait = 0
        :: may_wait = 1
        fi;
        walk = may_wait;
#ifndef BROKEN_NEVER_OVERDUE
        if
        :: !walk ->
            unwalked++;
            if
            :: unwalked >= UNWALKED -> walk = 1
            :: else
            fi
        :: else
        fi;
#endif
#ifdef BROKEN_COUNT_STARTS_ANEW
        /* Each time that something else was done. */
        if
        :: !walk -> unwalked = 0
        :: true
        fi;
#endif
        if
        :: ready && !walk -> waited++
        :: else
        fi;
        assert(waited < UNWALKED);
        if
        :: walk -> d_step { unwalked = 0; ready = 0; waited = 0 }
        :: else
        fi;
        run_timers()
    :: true -> break
    od
}
