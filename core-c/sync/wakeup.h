/* SPDX-License-Identifier: MIT */
#ifndef SYNC_WAKEUP_H
#define SYNC_WAKEUP_H
/*
 * How a loop is woken: wakeup.c describes the protocol. The words lie in the loop's
 * PortWatcher, in a cache line of their own, because any thread writes them; and so that a thread
 * which found the watcher on an fd may use them although the loop is gone by now. The worst
 * that happens is that another loop wakes up for nothing.
 */
#include "port/port.h"

typedef struct Wakeup {
    uint32_t notified;       /* a notification that was not accepted yet */
    uint32_t notify_me;      /* bit 0 the GSource, above it blocking polls */
    int32_t fd;              /* the loop's own notifier; -1: the loop is gone */
    PortWatcher *watcher;    /* in which this lies: what fds know the loop by */
    uint64_t sent;           /* notifications that set the notifier */
    uint64_t saved;          /* and those that had no need to; approximate */
} Wakeup;
_Static_assert(sizeof(Wakeup) <= PORT_WATCHER_PLACE, "it fits into a watcher");

/* For a loop that sleeps on the notifier fd. NULL and *error = -errno if the machine has
 * no more watchers. */
Wakeup *wakeup_new(int fd, int *error);
void wakeup_free(Wakeup *wakeup);

/* Any thread, lock-free, signal-safe: something was published for the loop. */
static inline void wakeup_notify(Wakeup *wakeup)
{
    qatomic_mb_set(&wakeup->notified, 1);      /* pairs with aio_poll */
    if (qatomic_mb_read(&wakeup->notify_me)) {
        port_count_add(&wakeup->sent, 1);
        port_event_set(wakeup->fd);
    } else {
        port_count_add(&wakeup->saved, 1);
    }
}

/*
 * The loop's: takes the notification. An exchange, not a store: it reads the value that
 * the notifying thread stored, and with it all that was published before. When nothing was
 * notified a load is enough, and it saves the exchange in every idle iteration.
 */
static inline void wakeup_accept(Wakeup *wakeup)
{
    if (qatomic_mb_read(&wakeup->notified)) {
        qatomic_xchg(&wakeup->notified, 0);
    }
}

#endif
