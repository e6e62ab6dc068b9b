/* SPDX-License-Identifier: MIT */
/*
 * The wake-up protocol. `notified` says that something was published for the
 * loop; `notify_me` says that the loop sleeps or is about to; and the notifier is
 * what it sleeps on.
 *
 *   notifier                       loop
 *     publish                        notify_me += 2
 *     notified := 1                  notified? do not sleep
 *     notify_me? set the notifier    sleep on the notifier
 *                                    notify_me -= 2
 *                                    notified := 0, then look at what is published
 *
 * All four accesses of `notified` and `notify_me` in the first lines are
 * sequentially consistent. At least one of the two sides sees the other's store
 * (Dekker), so no wake-up is lost. The notifier is set even if `notified` was set
 * already, because the loop may be between clearing it and sleeping again.
 */
#include "sync/wakeup.h"

Wakeup *wakeup_new(int fd, int *error)
{
    PortWatcher *watcher = port_watcher_new(fd, error);
    Wakeup *wakeup;

    if (!watcher) {
        return NULL;
    }
    wakeup = port_watcher_place(watcher);
    wakeup->watcher = watcher;
    wakeup->sent = 0;
    wakeup->saved = 0;
    qatomic_mb_set(&wakeup->notify_me, 0);
    qatomic_mb_set(&wakeup->notified, 0);
    qatomic_mb_set(&wakeup->fd, fd);
    return wakeup;
}

void wakeup_free(Wakeup *wakeup)
{
    /* A thread that notifies later sets no notifier. */
    qatomic_mb_set(&wakeup->fd, -1);
    port_watcher_free(wakeup->watcher);
}

__attribute__((cold)) void wakeup_notify_traced(Wakeup *wakeup)
{
    wakeup_notify_as(wakeup, true);
}

/* The words outlive their loop, so this may not touch the loop. The notifier, whose fd this may have
 * read just before wakeup_free(), is closed after that: port_watcher_free() waits for this call. */
void port_watcher_ready(void *place)
{
    wakeup_notify(place);
}
