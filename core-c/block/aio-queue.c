/* SPDX-License-Identifier: MIT */
/* The queue of an engine: completing requests, and making and freeing the queue. In
 * QEMU block/linux-aio.c and block/io_uring.c. */
#include "block/aio-queue-state.h"
#include "qapi/error.h"

/* Completions that are reaped in one call. */
enum { MAX_REAPED = 128 };

/* ---- Completing ---- */

static void reap(AioQueue *queue)
{
    PortIo *ended[MAX_REAPED];
    unsigned n = aio_queue_reap(queue, ended, MAX_REAPED);

    queue->in_flight -= n;
    for (unsigned i = 0; i < n; i++) {
        RawAio *request = container_of(ended[i], RawAio, io);

        if (!raw_aio_step(request)) {
            aio_queue_enqueue(queue, request);
        } else {
            aio_queue_add_ended(queue, request);
        }
    }
}

/*
 * Runs one round: the call-backs of the requests that have ended by now. A call-back
 * may run a nested aio_poll() and wait there for a later request of this round, or
 * for one that it submitted, so the bottom half is scheduled while there are such
 * requests.
 */
static bool process(AioQueue *queue)
{
    bool progress = false;
    unsigned left;

    if (queue->processing) {
        aio_queue_submit_ready(queue);   /* the call-back that polls may wait for
                                          * these */
    }
    if (queue->engine != AIO_ENGINE_SYNC) {
        reap(queue);
    }
    if (queue->ended_count > 1) {
        qemu_bh_schedule(queue->bh);
    }
    queue->processing++;
    /* Requests that end meanwhile run in the next round: with the sync engine this
     * loop might otherwise never end. */
    for (left = queue->ended_count; left && queue->ended_count; left--) {
        RawAio *request = QSIMPLEQ_FIRST(&queue->ended);

        QSIMPLEQ_REMOVE_HEAD(&queue->ended, next);
        queue->ended_count--;
        progress = true;
        raw_aio_complete(request);
    }
    queue->processing--;
    aio_queue_submit_ready(queue);
    aio_queue_settle(queue);
    return progress;
}

static void queue_bh(void *opaque)
{
    process(opaque);
}

static void queue_read(EventNotifier *notifier)
{
    AioQueue *queue = container_of(notifier, AioQueue, notifier);

    event_notifier_test_and_clear(notifier);
    process(queue);
}

static bool queue_poll(void *opaque)
{
    AioQueue *queue = container_of((EventNotifier *)opaque, AioQueue, notifier);

    return port_queue_ready(queue->port) && process(queue);
}

/* ---- Life ---- */

AioQueue *aio_queue_new(AioContext *ctx, AioEngine engine, unsigned slots,
                        const char *why, Error **errp)
{
    AioQueue *queue = calloc(1, sizeof(*queue) + slots * sizeof(PortIo *));
    int error = -ENOMEM;

    if (!queue) {
        error_setg_errno(errp, ENOMEM, "%s", why);
        return NULL;
    }
    queue->ctx = ctx;
    queue->engine = engine;
    queue->slots = slots;
    QSIMPLEQ_INIT(&queue->pending);
    QSIMPLEQ_INIT(&queue->ended);
    queue->bh = aio_bh_try_new(ctx, queue_bh, queue, "queue_bh");
    if (!queue->bh) {
        goto no_bh;
    }
    if (engine == AIO_ENGINE_NBD) {
        queue->nbd = nbd_queue_new(ctx, queue->bh);
        if (!queue->nbd) {
            goto no_notifier;
        }
    } else if (engine != AIO_ENGINE_SYNC) {
        error = event_notifier_init(&queue->notifier, false);
        if (error < 0) {
            why = "failed to initialize event notifier";
            goto no_notifier;
        }
        queue->port = port_queue_new(
            engine == AIO_ENGINE_NATIVE ? PORT_QUEUE_NATIVE : PORT_QUEUE_RING,
            slots, event_notifier_get_fd(&queue->notifier), &error);
        if (!queue->port) {
            goto no_port;
        }
        error = aio_try_set_event_notifier(ctx, &queue->notifier, queue_read,
                                           queue_poll);
        if (error < 0) {
            goto no_handler;
        }
    }
    return queue;

no_handler:
    port_queue_free(queue->port);
no_port:
    event_notifier_cleanup(&queue->notifier);
no_notifier:
    aio_bh_discard(queue->bh);
no_bh:
    free(queue);
    error_setg_errno(errp, -error, "%s", why);
    return NULL;
}

void aio_queue_free(AioQueue *queue)
{
    unsigned outstanding;

    if (!queue) {
        return;
    }
    outstanding = queue->in_queue + queue->in_flight + queue->ended_count;
    if (outstanding) {
        port_panic("aio_context_unref: engine %s: %u requests are "
                   "outstanding", aio_engine_name(queue->engine), outstanding);
    }
    if (queue->nbd) {
        nbd_queue_free(queue->nbd, false);
    }
    qemu_bh_delete(queue->bh);
    if (queue->port) {
        aio_set_event_notifier(queue->ctx, &queue->notifier, false, NULL, NULL);
        port_queue_free(queue->port);
        event_notifier_cleanup(&queue->notifier);
    }
    free(queue);
}

/* Called when nobody serves the queue any more. The context frees the requests. */
static void end_abandoned(void *opaque)
{
    AioQueue *queue = opaque;
    AioContext *ctx = queue->ctx;

    /* One step: the thread that closes the files of the requests waits for all of
     * it. */
    port_thread_holds(1);
    aio_bh_delete_abandoned(queue->bh);
    if (queue->nbd) {
        nbd_queue_free(queue->nbd, true);
    } else if (queue->engine != AIO_ENGINE_SYNC) {
        event_notifier_cleanup(&queue->notifier);
    }
    free(queue);
    aio_context_served(ctx);
    port_thread_holds(-1);
}

void aio_queue_abandon(AioQueue *queue)
{
    if (!queue) {
        return;
    }
    aio_context_serving(queue->ctx);
    if (queue->deferred) {
        aio_context_unref(queue->ctx);     /* the section will never be ended */
    }
    if (queue->port) {
        port_queue_abandon(queue->port, end_abandoned, queue);
    } else {
        end_abandoned(queue);
    }
}

void aio_queue_get_stats(AioQueue *queue, AioEngineStats *stats)
{
    *stats = queue->stats;
    if (queue->engine != AIO_ENGINE_SYNC) {
        stats->kicks = aio_queue_kicks(queue);
    }
}
