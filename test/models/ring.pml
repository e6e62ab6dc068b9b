/* SPDX-License-Identifier: MIT */
/*
 * wasm/port/poll-ring.c: whoever makes an fd ready completes its poll, if that is armed,
 * and tells the loop; the loop arms what was reported, takes the completions and sleeps
 * if there are none. No ready fd is missed, and the loop does not spin. There are two
 * fds. In which order the loop takes completions is left out.
 *
 * good:
 * good:    -DTOGETHER   (both producers make the same fd ready)
 * good:    -DGSOURCE    (a foreign loop sleeps on the notifier)
 * broken:  -DBROKEN_NOTIFY_FIRST
 * broken:  -DBROKEN_LOOK_FIRST
 * broken:  -DBROKEN_NO_LOOK
 * broken:  -DBROKEN_NO_REARM
 * broken:  -DBROKEN_STORE_TAKE
 * broken:  -DTOGETHER -DBROKEN_PLAIN_DONE
 * broken:  -DBROKEN_NO_ARM
 * broken:  -DGSOURCE -DBROKEN_BLIND_GATHER
 */

/* ---- The words ---- */

bit set[2];                /* fd-table.c, word of an event: EVENT_SET */
mtype = { IDLE, ARMED, DONE };
mtype state[2] = IDLE;     /* of its poll */
byte done[2];              /* how often it is in the list of completions: one word */

bit notified;              /* watcher->notified */
bit notify_me;             /* watcher->notify_me: only the home thread writes it */
mtype = { CLEAR, SET, SLEEPING };
mtype notifier = CLEAR;    /* fd-table.c, word of the loop's own notifier */
bit sleeping;              /* the kernel's: a wait on that word */

byte running = 2;          /* told: how many may still change something */
bit lazy;                  /* told: a handler may leave its fd ready, once */
byte rounds;               /* told: iterations since nobody does any more */

/*
 * If nobody will change anything any more and no fd is ready, the loop may sleep
 * for good: the model ends. To sleep for good while one is is the deadlock that
 * spin finds.
 */
#define SERVED (running == 0 && !set[0] && !set[1])

/* ---- Producers ---- */

inline push_done(fd)
{
    d_step {                                /* qatomic_cmpxchg(done), until it succeeds */
        assert(done[fd] == 0);              /* it is never in the list twice */
        done[fd]++
    }
}

/* It goes from armed to done but once. Uses the caller's won. */
inline complete(fd)
{
    if                                      /* qatomic_mb_read(state) */
    :: state[fd] == ARMED ->
#ifdef BROKEN_PLAIN_DONE
        atomic { state[fd] = DONE; won = 1 };
#else
        d_step {                            /* qatomic_cmpxchg(state) */
            won = (state[fd] == ARMED);
            if
            :: won -> state[fd] = DONE
            :: else
            fi
        };
#endif
        if
        :: won -> push_done(fd); won = 0
        :: else
        fi
    :: else
    fi
}

/* sync/wakeup.h: wakeup_notify */
inline wakeup_notify()
{
    notified = 1;                           /* qatomic_mb_set(notified, 1) */
    if                                      /* qatomic_mb_read(notify_me) */
    :: notify_me ->
        d_step {                            /* port_event_set: qatomic_xchg */
            won = (notifier == SLEEPING);
            notifier = SET
        };
        if
        :: won -> sleeping = 0; won = 0 /* port_notify32 */
        :: else
        fi
    :: else
    fi
}

/* Makes fd a or b ready, as often as it likes, or never again. */
proctype producer(bit a; bit b)
{
    bit fd, first, won;

    do
    :: true ->
        if
        :: fd = a
        :: fd = b
        fi;
        d_step {                            /* port_event_set: qatomic_xchg */
            first = !set[fd];
            set[fd] = 1
        };
        if
        :: first ->                         /* wake_watchers */
#ifdef BROKEN_NOTIFY_FIRST
            wakeup_notify();
            complete(fd)
#else
            complete(fd);
            wakeup_notify()
#endif
        :: else
        fi;
        d_step { fd = 0; first = 0 }
    :: true -> break
    od;
    running--
}

#ifdef GSOURCE
/* Another thread clears fd 0 in the loop's place. */
proctype thief()
{
    set[0] = 0;                             /* port_event_clear */
    running--
}
#endif

/* ---- The loop ---- */

/* port_poll_ring_arm */
inline arm(fd)
{
#ifdef BROKEN_LOOK_FIRST
    if
    :: set[fd] -> complete(fd)
    :: else
    fi;
#endif
    d_step {                                /* qatomic_cmpxchg(state) */
        if
        :: state[fd] == IDLE -> state[fd] = ARMED
        :: else
        fi
    };
#if !defined(BROKEN_LOOK_FIRST) && !defined(BROKEN_NO_LOOK)
    if                                      /* wasm_fd_revents */
    :: set[fd] -> complete(fd)
    :: else
    fi
#endif
}

/* port_poll_ring_rearm: those that the last wait reported; at first all of them. */
inline rearm()
{
#ifdef BROKEN_NO_REARM
    skip
#else
    if
    :: reported[0] -> reported[0] = 0; arm(0)
    :: else
    fi;
    if
    :: reported[1] -> reported[1] = 0; arm(1)
    :: else
    fi
#endif
}

/* It was in the list of completions. */
inline report(fd)
{
    state[fd] = IDLE;                       /* qatomic_mb_set */
    if                                      /* wasm_fd_revents */
    :: atomic { set[fd] -> found[fd] = 1; reported[fd] = 1; count++ }
    :: atomic { !set[fd] -> skip };
        arm(fd)
    fi
}

inline collect()
{
    count = 0;
    if                                      /* wasm_fd_revents(notifier_fd) */
    :: atomic { notifier == SET -> found_notifier = 1; count++ }
    :: else
    fi;
    if                                      /* qatomic_mb_read(done) */
    :: done[0] || done[1] ->
#ifdef BROKEN_STORE_TAKE
        d_step { l0 = done[0]; l1 = done[1] };
        d_step { done[0] = 0; done[1] = 0 };
#else
        d_step {                            /* take_done: qatomic_xchg */
            l0 = done[0]; l1 = done[1];
            done[0] = 0; done[1] = 0
        };
#endif
        if
        :: l0 -> report(0)
        :: else
        fi;
        if
        :: l1 -> report(1)
        :: else
        fi;
        d_step { l0 = 0; l1 = 0 }
    :: else
    fi
}

/* After a dispatch the handler of a found fd has cleared it, or not. */
inline dispatch(fd)
{
    if
    :: found[fd] ->
        if
        :: atomic { set[fd] = 0; found[fd] = 0 }    /* port_event_clear */
        :: lazy -> atomic { lazy = 0; found[fd] = 0 }
        fi
    :: else
    fi
}

inline event_sleep()
{
    d_step {                                /* wasm_event_arm: qatomic_cmpxchg */
        wait = (notifier != SET);
        if
        :: notifier == CLEAR -> notifier = SLEEPING
        :: else
        fi
    };
    if
    :: wait ->
#ifdef BROKEN_NO_ARM
        sleeping = 1;
#else
        d_step {                            /* port_futex_wait */
            if
            :: notifier == SLEEPING -> sleeping = 1
            :: else
            fi
        };
#endif
        if
        :: !sleeping
        :: sleeping && SERVED -> goto served
        fi;
        d_step {                            /* qatomic_cmpxchg */
            if
            :: notifier == SLEEPING -> notifier = CLEAR
            :: else
            fi
        }
    :: else
    fi
}

active proctype home()
{
    bit found[2], found_notifier, reported[2];
    bit wait, won, l0, l1;
    byte count;

    d_step { reported[0] = 1; reported[1] = 1 };
#ifdef BROKEN_NO_REARM
    arm(0);
    arm(1);
#endif
    do
    :: true ->
        /* A loop that nobody wakes comes to rest. */
        if
        :: running == 0 -> d_step { rounds++; assert(rounds <= 5) }
        :: else
        fi;
        notify_me = 1;                      /* qatomic_mb_set: += 2, |= 1 */
#ifdef GSOURCE
        rearm();                            /* gsource.c: fd_of_monitor */
#ifndef BROKEN_BLIND_GATHER
        count = (done[0] || done[1]);       /* port_poll_ring_pending */
#endif
        if                                  /* poll_fds */
        :: notifier == SET
        :: count                            /* the notifier polls as ready */
        :: count == 0 && notifier != SET && SERVED -> goto served
        fi;
        notify_me = 0;                      /* aio_ctx_check: a release */
        if                                  /* aio_notify_accept */
        :: notified -> notified = 0
        :: else
        fi;
        rearm();
        collect();                          /* aio_find_ready */
#else
        wait = !notified;                   /* qatomic_mb_read(notified) */
        rearm();                            /* bring_up_to_date */
        collect();                          /* port_poll_ring_wait */
        if
        :: wait && count == 0 ->
            event_sleep();
            collect()
        :: else
        fi;
        notify_me = 0;                      /* qatomic_mb_set */
        if                                  /* aio_notify_accept */
        :: notified -> notified = 0
        :: else
        fi;
#endif
        dispatch(0);
        dispatch(1);
        if
        :: found_notifier -> atomic { notifier = CLEAR; found_notifier = 0 }
        :: else
        fi;
        d_step { count = 0; wait = 0 }
    od;
served:
    skip
}

init
{
    atomic {
#ifdef GSOURCE
        lazy = 1;
        run producer(0, 1);
        run thief()
#elif defined(TOGETHER)
        lazy = 1;
        run producer(0, 0);
        run producer(0, 0)
#else
        run producer(0, 0);
        run producer(1, 1)
#endif
    }
}
