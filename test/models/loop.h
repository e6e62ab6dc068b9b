/* SPDX-License-Identifier: MIT */
/*
 * What the models of the loop share: the watcher's words, aio_notify and
 * aio_notify_accept (core-c/sync/wakeup.h), aio_poll (core-c/loop/aio-poll.c).
 *
 * Each statement between two semicolons is one access to one shared word, as in
 * C, where all of these are sequentially consistent. Guards are loads. Variables
 * of a process stand for C's locals, those marked "told" for nothing in C.
 */
bit notified;              /* wakeup->notified */
byte notify_me;            /* wakeup->notify_me: only the home thread writes it */
bit event;                 /* the notifier, wakeup->fd */

bit work;                  /* what is published: "there is something on bh_list" */

byte running;              /* told: how many processes may still publish */
bit interrupt;             /* told: one wait may end for nothing */
byte rounds;               /* told: iterations since nobody publishes any more */

/* Step by step, in C: publish, notified := 1, notify_me? set the notifier. */
inline publish_and_notify()
{
#ifdef BROKEN_NOTIFY_FIRST
    notified = 1;
    if
    :: notify_me -> event = 1
    :: else
    fi;
    work = 1
#elif defined(BROKEN_READ_FIRST)
    old = notify_me;
    work = 1;
    notified = 1;
    if
    :: old -> event = 1
    :: else
    fi
#elif defined(BROKEN_SKIP_EVENT)
    /* "It was notified already, so somebody sees to the notifier." */
    work = 1;
    old = notified;
    notified = 1;
    if
    :: !old && notify_me -> event = 1
    :: else
    fi
#else
    work = 1;                               /* bh.c: QSLIST_INSERT_HEAD_ATOMIC */
    notified = 1;                           /* qatomic_mb_set(notified, 1) */
    if                                      /* qatomic_mb_read(notify_me) */
    :: notify_me -> event = 1               /* port_event_set */
    :: else
    fi
#endif
}

inline aio_notify_accept()
{
    if                                      /* qatomic_mb_read(notified) */
    :: notified -> notified = 0             /* qatomic_xchg(notified, 0) */
    :: else
    fi
}

/* Publishes, wholly at random and as often as it likes, or never again. */
proctype notifier()
{
    byte old;

    do
    :: true -> publish_and_notify()
    :: true -> break
    od;
    running--
}

/*
 * ppoll, epoll_wait: until the notifier is set, or for nothing. If nobody will
 * publish any more and nothing is left undone, it may sleep for good: the model
 * ends. To sleep for good while something is left is the deadlock that spin finds.
 */
inline sleep_on_notifier()
{
    if
    :: event
    :: interrupt -> interrupt = 0
    :: running == 0 && !work && !event && OUTERMOST -> goto served
    fi
}

/* Once an iteration: a loop that nobody wakes comes to rest. */
inline count_round()
{
    if
    :: running == 0 -> d_step { rounds++; assert(rounds <= 4) }
    :: else
    fi
}

/* Uses the caller's wait, may_sleep, ready. */
inline aio_poll(blocking)
{
    atomic { wait = blocking; may_sleep = 0; ready = 0 };
#ifndef UNSEEN
    if                                      /* aio_compute_timeout: bh_list */
    :: wait && work -> wait = 0
    :: else
    fi;
#endif
    if
    :: wait ->
        may_sleep = 1;
        notify_me = notify_me + 2;          /* qatomic_mb_set(notify_me) */
#ifndef BROKEN_NO_RECHECK
        if                                  /* qatomic_mb_read(notified) */
        :: notified -> wait = 0
        :: else
        fi
#endif
    :: else
    fi;
#ifdef BROKEN_AWAKE_TOO_EARLY
    if
    :: may_sleep -> notify_me = notify_me - 2
    :: else
    fi;
#endif
    if
    :: wait ->                              /* fdmon_ops->wait(timeout) */
        sleep_on_notifier();
        ready = event
    :: else ->                              /* need_wait: wait(0), or nothing */
        if
        :: ready = event
        :: true
        fi
    fi;
#ifndef BROKEN_AWAKE_TOO_EARLY
    if
    :: may_sleep -> notify_me = notify_me - 2   /* qatomic_mb_set(notify_me) */
    :: else
    fi;
#endif
#ifdef BROKEN_ACCEPT_LATE
    work = 0;
    aio_notify_accept();
#else
    aio_notify_accept();
    work = 0;                               /* aio_bh_poll: QSLIST_MOVE_ATOMIC */
#endif
    if                                      /* the notifier's handler */
    :: ready -> event = 0                   /* event_notifier_test_and_clear */
    :: else
    fi
}
