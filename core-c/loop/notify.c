/* SPDX-License-Identifier: MIT */
/*
 * The wake-up protocol. Three words: notified says that something was published
 * for the loop, notify_me that the loop sleeps or is about to, and the notifier
 * is what it sleeps on.
 *
 *   notifier                       loop
 *     publish                        notify_me += 2
 *     notified := 1                  notified? do not sleep
 *     notify_me? set the notifier    sleep on the notifier
 *                                    notify_me -= 2
 *                                    notified := 0, then look at what is published
 *
 * All four accesses in the upper half are sequentially consistent: of the two
 * sides at least one sees the other's store (Dekker), so no wake-up is lost.
 * Setting the notifier is not skipped when notified was set already: the loop
 * may be between taking notified and sleeping again.
 */
#include "loop/aio-context.h"

static void watcher_notify(PortWatcher *watcher)
{
    qatomic_mb_set(&watcher->notified, 1);     /* pairs with aio_poll */
    if (qatomic_mb_read(&watcher->notify_me)) {
        aio_stat_add(&watcher->sent, 1);
        port_event_set(watcher->fd);
    } else {
        aio_stat_add(&watcher->saved, 1);
    }
}

void aio_notify(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    watcher_notify(ctx->watcher);
}

/* The watcher outlives its context, which this may therefore not touch. */
void port_watcher_ready(PortWatcher *watcher, int fd)
{
    (void)fd;
    watcher_notify(watcher);
}

/*
 * An exchange, not a store: it reads the value that a notifier stored, and with
 * it all that was published before. When nothing was notified a load is enough,
 * and it saves the exchange in every idle iteration.
 */
void aio_notify_accept(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    if (qatomic_mb_read(&ctx->watcher->notified)) {
        qatomic_xchg(&ctx->watcher->notified, 0);
    }
}
