/* SPDX-License-Identifier: MIT */
/*
 * aio_notify against the GSource, core-c/loop/gsource.c as core-c/loop/gmain.c
 * drives it: prepare, poll, check unless prepare was ready, dispatch.
 *
 * Prepare looks at what is published, not at notified: so nobody needs to accept
 * when check is skipped. A bottom half that calls aio_poll does need it (NESTED:
 * the first one waits in there for a condition, as AIO_WAIT_WHILE does).
 *
 * good:
 * good:    -DNESTED
 * broken:  -DBROKEN_PREPARE_LATE
 * broken:  -DBROKEN_PREPARE_TRUSTS_NOTIFIED
 * broken:  -DBROKEN_AWAKE_IN_POLL
 * broken:  -DBROKEN_SKIP_EVENT
 * broken:  -DBROKEN_READ_FIRST
 * broken:  -DNESTED -DBROKEN_NO_RECHECK
 */
#define OUTERMOST !nested
#include "loop.h"

#define NOTIFIERS 2

#ifdef NESTED
bit cond = 1;              /* AIO_WAIT_WHILE(ctx, cond) */

proctype kicker()
{
    byte old;

    cond = 0;
    publish_and_notify();  /* aio_wait_kick: a one-shot that does nothing */
    running--
}
#endif

proctype home()
{
    bit due, wait, may_sleep, ready, nested;

    do
    :: true ->
        count_round();
        ready = 0;
        /* aio_ctx_prepare */
#ifdef BROKEN_PREPARE_LATE
        due = work;
        notify_me = notify_me | 1;
#elif defined(BROKEN_PREPARE_TRUSTS_NOTIFIED)
        notify_me = notify_me | 1;
        due = notified;
#else
        notify_me = notify_me | 1;          /* qatomic_mb_set(notify_me) */
        due = work;                         /* aio_compute_timeout: bh_list */
#endif
#ifdef BROKEN_AWAKE_IN_POLL
        notify_me = notify_me & ~1;
#endif
        if
        :: due                              /* SOURCE_READY: poll_fds(0) */
        :: else ->
            sleep_on_notifier();            /* poll_fds(-1) */
            /* aio_ctx_check */
            notify_me = notify_me & ~1;     /* qatomic_store_release */
            aio_notify_accept();
            ready = event;                  /* find_ready */
            if                              /* aio_bh_timeout */
            :: work -> due = 1
            :: else -> due = ready          /* aio_pending */
            fi
        fi;
        if
        :: due ->
            /* aio_ctx_dispatch */
            if                              /* qatomic_read(notify_me) & 1 */
            :: notify_me & 1 -> ready = event   /* find_ready */
            :: else
            fi;
            work = 0;                       /* aio_bh_poll */
#ifdef NESTED
            do                              /* a call-back */
            :: cond -> nested = 1; aio_poll(1)
            :: else -> break
            od;
            nested = 0;
#endif
            if
            :: ready -> event = 0           /* event_notifier_test_and_clear */
            :: else
            fi
        :: else
        fi
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
#ifdef NESTED
        running++;
        run kicker()
#endif
    }
}
