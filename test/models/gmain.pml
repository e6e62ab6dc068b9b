/* SPDX-License-Identifier: MIT */
/*
 * core-c/loop/gmain.c, poll_fds, on wasm/port/fd-table.c, where an fd wakes no
 * sleeper by itself: the GMainContext watches it for the time of its poll. No
 * ready fd and no g_main_context_wakeup is missed.
 *
 * good:
 * broken:  -DBROKEN_SCAN_FIRST
 * broken:  -DBROKEN_CLEAR_LATE
 * broken:  -DBROKEN_NO_ARM
 * broken:  -DBROKEN_SET_WAKES_NOBODY
 */
mtype = { CLEAR, SET, SLEEPING };
mtype wakeup = CLEAR;      /* the word of context->wakeup */
bit sleeping;              /* the kernel's: a wait on that word */

bit ready;                 /* the word of an fd that a source polls */
bit watched;               /* the bit of context->watcher in its watchers */
bit notify_me;             /* context->watcher->notify_me */

bit attached;              /* what a wake-up is for: g_source_attach */

byte running = 3;          /* told: how many may still change something */
byte rounds;               /* told: iterations since nobody does any more */

/* port_event_set(wakeup) */
inline set_wakeup()
{
    atomic { slept = (wakeup == SLEEPING); wakeup = SET };      /* qatomic_xchg */
    if
    :: slept -> sleeping = 0; slept = 0     /* port_notify32 */
    :: else
    fi
}

/* Makes the fd ready, as often as it likes, or never again. */
proctype producer()
{
    bit slept;

    do
    :: atomic { !ready -> ready = 1 };      /* port_event_set: qatomic_xchg */
#ifndef BROKEN_SET_WAKES_NOBODY
        if                                  /* wake_watchers: qatomic_mb_read */
        :: watched ->
            if                              /* wakeup_notify: notify_me */
            :: notify_me -> set_wakeup()
            :: else
            fi
        :: else
        fi
#endif
    :: true -> break
    od;
    running--
}

proctype attacher()
{
    bit slept;

    do
    :: true -> attached = 1; set_wakeup()   /* g_main_context_wakeup */
    :: true -> break
    od;
    running--
}

inline test_and_clear_wakeup()
{
    d_step {                                /* port_event_clear: qatomic_cmpxchg */
        if
        :: wakeup == SET -> wakeup = CLEAR
        :: else
        fi
    }
}

/* port_fd_poll: scan, arm, sleep, scan again, which decides nothing more. */
inline fd_poll()
{
    if
    :: wakeup == SET
    :: else ->
        if
        :: ready
        :: else ->
#ifdef BROKEN_SCAN_FIRST
            notify_me = 1;
            watched = 1;
#endif
            d_step {                        /* wasm_event_arm: qatomic_cmpxchg */
                wait = (wakeup != SET);
                if
                :: wakeup == CLEAR -> wakeup = SLEEPING
                :: else
                fi
            };
            if
            :: wait ->                      /* wasm_event_sleep */
#ifdef BROKEN_NO_ARM
                sleeping = 1;
#else
                d_step {                    /* port_futex_wait */
                    if
                    :: wakeup == SLEEPING -> sleeping = 1
                    :: else
                    fi
                };
#endif
                if
                :: !sleeping
                :: sleeping && running == 0 && !ready && !attached -> goto served
                fi;
                d_step {                    /* qatomic_cmpxchg */
                    if
                    :: wakeup == SLEEPING -> wakeup = CLEAR
                    :: else
                    fi
                };
                wait = 0
            :: else
            fi
        fi
    fi
}

active proctype home()
{
    bit wait;

    do
    :: true ->
        if
        :: running == 0 -> d_step { rounds++; assert(rounds <= 4) }
        :: else
        fi;
        attached = 0;                       /* prepare_all, gather_fds */
#ifdef BROKEN_CLEAR_LATE
        test_and_clear_wakeup();
#endif
#ifndef BROKEN_SCAN_FIRST
        notify_me = 1;                      /* poll_fds: qatomic_mb_set */
        watched = 1;                        /* port_fd_watch: qatomic_or */
#endif
        fd_poll();
        watched = 0;                        /* port_fd_watch: qatomic_and */
        notify_me = 0;                      /* qatomic_mb_set */
#ifndef BROKEN_CLEAR_LATE
        test_and_clear_wakeup();
#endif
        ready = 0                           /* check, dispatch */
    od;
served:
    skip
}

init
{
    atomic {
        run producer();
        run producer();
        run attacher()
    }
}
