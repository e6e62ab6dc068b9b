/* SPDX-License-Identifier: MIT */
#ifndef SYNC_WAKEUP_H
#define SYNC_WAKEUP_H
/*
 * How a loop is woken; wakeup.c describes the protocol. The words lie in the PortWatcher of the
 * loop. They have a cache line of their own, because any thread writes them; and a thread that
 * found the watcher on an fd may use them although the loop is gone by now. At worst, another
 * loop wakes up spuriously.
 */
#include "port/port.h"
#include "sync/trace.h"

typedef struct Wakeup {
    uint32_t notified;       /* there is a notification not accepted yet */
    uint32_t notify_me;      /* bit 0: the GSource; above: blocking polls */
    int32_t fd;              /* the loop's own notifier; -1: the loop is gone. Atomic */
    uint32_t sequence;       /* counts notifications while they are traced */
    PortWatcher *watcher;    /* contains this; fds know the loop by it */
    uint64_t sent;           /* notifications that set the notifier */
    uint64_t saved;          /* those that did not need to; approximate */
} Wakeup;
_Static_assert(sizeof(Wakeup) <= PORT_WATCHER_PLACE, "it fits into a watcher");

/* Makes the words of a loop that sleeps on the notifier fd. Returns NULL and sets *error to
 * -errno if the machine has no more watchers. */
Wakeup *wakeup_new(int fd, int *error);
/* Called before the notifier is closed. */
void wakeup_free(Wakeup *wakeup);

/* traced is a constant: there are two copies of this, so that tracing adds nothing to the usual
 * one. */
static inline __attribute__((always_inline)) void
wakeup_notify_as(Wakeup *wakeup, bool traced)
{
    /* Taken before the notification, so that the loop that accepts it sees a larger number. */
    uint32_t sequence = traced ? qatomic_fetch_inc(&wakeup->sequence) : 0;

    /* Pairs with aio_poll. It is an exchange, so that the loop, when it takes the notification of
     * one thread, also sees what others have published that notified it before (a release
     * sequence). A store is the same instruction on x86, and in WebAssembly there. */
    qatomic_xchg(&wakeup->notified, 1);
    if (qatomic_mb_read(&wakeup->notify_me)) {
        port_count_add(&wakeup->sent, 1);
        if (traced) {
            trace_write(AIO_TRACE_aio_notify_sent, trace_address(wakeup), sequence, NULL);
        }
        port_event_set(qatomic_read(&wakeup->fd));
    } else {
        port_count_add(&wakeup->saved, 1);
        if (traced) {
            trace_write(AIO_TRACE_aio_notify_saved, trace_address(wakeup), sequence, NULL);
        }
    }
}

void wakeup_notify_traced(Wakeup *wakeup);

/* Says that something was published for the loop, and wakes it if it sleeps. Any thread and
 * signal handlers; lock-free. */
static inline void wakeup_notify(Wakeup *wakeup)
{
    if (trace_is_on()) {
        wakeup_notify_traced(wakeup);
    } else {
        wakeup_notify_as(wakeup, false);
    }
}

/*
 * Takes the notification. Called by the loop. An exchange instead of a store reads the value that
 * the notifying thread stored, and with it everything that was published before. If nothing was
 * notified, a load is enough; that saves the exchange in every idle iteration.
 */
static inline void wakeup_accept(Wakeup *wakeup)
{
    if (qatomic_mb_read(&wakeup->notified)) {
        qatomic_xchg(&wakeup->notified, 0);
        trace(AIO_TRACE_aio_notify_accept, trace_address(wakeup),
              qatomic_read(&wakeup->sequence), NULL);
    }
}

#endif
