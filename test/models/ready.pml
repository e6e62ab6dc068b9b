/* SPDX-License-Identifier: MIT */
/*
 * wasm/port/ready.c: producers mark what they made ready, bottom-up, the loop
 * takes the marks top-down and sleeps if there are none. No ready fd is missed,
 * and the loop does not spin. There are two fds: marks meet in pairs, either in
 * one leaf or (APART) in the word above. In which order the loop takes them, its
 * turns, is left out.
 *
 * good:
 * good:    -DAPART
 * good:    -DTOGETHER   (both make the same fd ready)
 * good:    -DGSOURCE    (a foreign loop sleeps on the notifier)
 * broken:  -DBROKEN_TOP_FIRST
 * broken:  -DBROKEN_NOTIFY_FIRST
 * broken:  -DBROKEN_LOOK_FIRST
 * broken:  -DTOGETHER -DBROKEN_NO_LOOK_AGAIN
 * broken:  -DBROKEN_LOOK_AGAIN_FIRST
 * broken:  -DBROKEN_NO_ARM
 * broken:  -DBROKEN_STORE_TAKE
 * broken:  -DGSOURCE -DBROKEN_BLIND_GATHER
 * broken:  -DGSOURCE -DBROKEN_ONE_FD
 */

/* ---- The words ---- */

bit set[2];                /* fd-table.c, word of an event: EVENT_SET */
bit leaf[2];               /* its bit of its leaf: one word, or two if APART */
bit middle[2];             /* the bit of its leaf in the one word of the middle */
bit top;                   /* the bit of that word */
#ifdef APART
#define LEAF(fd) (fd)
#define SHARED_LEAF false
#define ROOM 3             /* n of port_ready_wait, which is 128 */
#else
#define LEAF(fd) 0
#define SHARED_LEAF true
#define ROOM 2             /* not enough for both and the notifier */
#endif

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

/* qatomic_fetch_or(leaf) == 0, into first */
inline mark_leaf(fd)
{
    d_step {
        first = !(leaf[fd] || (SHARED_LEAF && leaf[1 - fd]));
        leaf[fd] = 1
    }
}

inline mark(fd)
{
#ifdef BROKEN_TOP_FIRST
    top = 1;
    middle[LEAF(fd)] = 1;
    mark_leaf(fd)
#else
    mark_leaf(fd);
    if
    :: first ->
        middle[LEAF(fd)] = 1;               /* qatomic_or(middle) */
        atomic { top = 1; first = 0 }       /* qatomic_or(top) */
    :: else
    fi
#endif
}

/* notify.c: watcher_notify */
inline watcher_notify()
{
    notified = 1;                           /* qatomic_mb_set(notified, 1) */
    if                                      /* qatomic_mb_read(notify_me) */
    :: notify_me ->
        d_step {                            /* port_event_set: qatomic_xchg */
            first = (notifier == SLEEPING);
            notifier = SET
        };
        if
        :: first -> sleeping = 0; first = 0 /* port_notify32 */
        :: else
        fi
    :: else
    fi
}

/* Makes fd a or b ready, as often as it likes, or never again. */
proctype producer(bit a; bit b)
{
    bit fd, first;

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
            watcher_notify();
            mark(fd)
#else
            mark(fd);
            watcher_notify()
#endif
        :: else
        fi;
        fd = 0
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

/* Its bit was taken. */
inline report(fd)
{
    if
    :: count == room -> mark(fd)
    :: count < room && reported[fd]         /* it has its own turn */
    :: count < room && !reported[fd] ->
        if
#ifdef BROKEN_LOOK_FIRST
        :: seen[fd] -> found[fd] = 1; count++
#else                                       /* look: wasm_fd_revents */
        :: atomic { set[fd] -> found[fd] = 1; count++ }
#endif
        :: else
        fi
    fi
}

/* It was ready at the last wait. */
inline look_again(fd)
{
#ifdef BROKEN_NO_LOOK_AGAIN
    skip
#else
    if
    :: reported[fd] && count == room -> mark(fd)
    :: reported[fd] && count < room ->
        if                                  /* look: wasm_fd_revents */
        :: atomic { set[fd] -> found[fd] = 1; count++ }
        :: else
        fi
    :: else
    fi
#endif
}

inline look_at_notifier()
{
    if                                      /* look: wasm_fd_revents */
    :: atomic { notifier == SET -> found_notifier = 1; count++ }
    :: else
    fi
}

/* take(leaf[l]): a load, then an exchange. Bits in l0, l1. */
inline take_leaf(l)
{
#ifdef APART
    if
    :: leaf[l] -> leaf[l] = 0; report(l)
    :: else
    fi
#else
    if
    :: leaf[0] || leaf[1] ->
#ifdef BROKEN_STORE_TAKE
        d_step { l0 = leaf[0]; l1 = leaf[1] };
        d_step { leaf[0] = 0; leaf[1] = 0 };
#else
        d_step { l0 = leaf[0]; l1 = leaf[1]; leaf[0] = 0; leaf[1] = 0 };
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
#endif
}

inline collect(n)
{
    d_step { room = n; count = 0 };
    if                                      /* report(notifier_fd) */
    :: !reported_notifier -> look_at_notifier()
    :: else
    fi;
#ifdef BROKEN_LOOK_AGAIN_FIRST
    look_again(0);
    look_again(1);
#endif
#ifdef BROKEN_LOOK_FIRST
    seen[0] = set[0];
    seen[1] = set[1];
#endif
    if                                      /* take(top) */
    :: top ->
        top = 0;
        if                                  /* take(middle) */
        :: middle[0] || middle[1] ->
            d_step {
                m0 = middle[0];
                m1 = middle[1];
                middle[0] = 0;
                middle[1] = 0
            };
            if
            :: m0 -> take_leaf(0)
            :: else
            fi;
#ifdef APART
            if
            :: m1 -> take_leaf(1)
            :: else
            fi;
#endif
            d_step { m0 = 0; m1 = 0 }
        :: else
        fi
    :: else
    fi;
    if
    :: reported_notifier && count < room -> look_at_notifier()
    :: else
    fi;
#ifndef BROKEN_LOOK_AGAIN_FIRST
    look_again(0);
    look_again(1);
#endif
    d_step {
        reported[0] = found[0];
        reported[1] = found[1];
        reported_notifier = found_notifier
    }
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
    bit found[2], found_notifier, reported[2], reported_notifier;
    bit wait, first, l0, l1, m0, m1;
    byte count, room;
#ifdef BROKEN_LOOK_FIRST
    bit seen[2];
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
#ifndef BROKEN_BLIND_GATHER
        collect(1);                         /* gsource.c: ready_list_fd */
#endif
#ifdef BROKEN_ONE_FD
        /* It polls what was found, or the notifier if nothing was. */
        if
        :: count == 0 && notifier == SET
        :: count == 0 && notifier != SET && SERVED -> goto served
        :: found_notifier
        :: found[0] && set[0]
        :: found[1] && set[1]
        fi;
#else
        if                                  /* poll_fds */
        :: notifier == SET
        :: count                            /* the notifier polls as ready */
        :: count == 0 && notifier != SET && SERVED -> goto served
        fi;
#endif
        d_step { found[0] = 0; found[1] = 0; found_notifier = 0 };
        notify_me = 0;                      /* aio_ctx_check: a release */
        if                                  /* aio_notify_accept */
        :: notified -> notified = 0
        :: else
        fi;
        collect(ROOM);                      /* find_ready */
#else
        wait = !notified;                   /* qatomic_mb_read(notified) */
        collect(ROOM);                      /* port_ready_wait */
        if
        :: wait && count == 0 ->
            event_sleep();
            collect(ROOM)
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
        d_step { count = 0; room = 0; wait = 0 }
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
