/* SPDX-License-Identifier: MIT */
/*
 * The queue of an engine: block/linux-aio.c, block/io_uring.c. Requests wait in
 * `pending` until they are handed over in one go, which is the dear part (a
 * system call, or waking another thread): when a batch is full, when nothing is
 * plugged, and once after a round of call-backs, which submit the next requests.
 */
#include "block/aio-queue.h"
#include "loop/defer-call.h"
#include "qapi/error.h"

/* Requests handed over at once, unless the context or the device says less. */
enum { DEFAULT_MAX_BATCH = 32 };
/* Reaped at once. */
enum { MAX_REAPED = 128 };

typedef QSIMPLEQ_HEAD(, RawAio) RawAioList;

struct AioQueue {
    AioContext *ctx;
    AioEngine engine;
    PortQueue *port;           /* NULL: sync */
    EventNotifier notifier;    /* operations have ended */
    QEMUBH *bh;                /* there is something to be done at home */
    unsigned slots;
    RawAioList pending;
    RawAioList ended;
    unsigned in_queue;         /* pending's length */
    unsigned ended_count;      /* ended's */
    unsigned in_flight;
    unsigned plugged;
    unsigned processing;       /* call-backs are being run; nesting */
    bool blocked;              /* the machine takes no more for now */
    bool deferred;             /* hand_over_deferred is put off */
    AioEngineStats stats;
    PortIo *batch[];           /* slots long; of one submission */
};

/* ---- Handing over ---- */

/* As many as may wait although nothing keeps them from being handed over. */
static unsigned batch_limit(AioQueue *queue, int64_t max_batch)
{
    int64_t limit = qatomic_read(&queue->ctx->aio_max_batch);
    unsigned room = queue->slots - queue->in_flight;

    if (queue->engine == AIO_ENGINE_IO_URING) {
        return room;           /* the ring's size is all that it minds */
    }
    limit = limit > 0 ? limit : DEFAULT_MAX_BATCH;
    if (max_batch > 0) {
        limit = MIN(limit, max_batch);
    }
    return room ? (unsigned)MIN(limit, (int64_t)room) : (unsigned)limit;
}

static void add_ended(AioQueue *queue, RawAio *request)
{
    request->state = RAW_AIO_ENDED;
    QSIMPLEQ_INSERT_TAIL(&queue->ended, request, next);
    queue->ended_count++;
}

static void end(AioQueue *queue, RawAio *request, int ret)
{
    request->ret = ret;
    add_ended(queue, request);
    qemu_bh_schedule(queue->bh);
}

static void take_pending(AioQueue *queue, RawAio *request)
{
    QSIMPLEQ_REMOVE_HEAD(&queue->pending, next);
    request->state = RAW_AIO_IN_FLIGHT;
    queue->in_queue--;
}

static void submit_pending(AioQueue *queue)
{
    while (queue->in_queue && queue->in_flight < queue->slots) {
        unsigned n = 0, room = queue->slots - queue->in_flight;
        RawAio *request;
        int taken;

        QSIMPLEQ_FOREACH(request, &queue->pending, next) {
            if (n == room) {
                break;
            }
            queue->batch[n++] = &request->io;
        }
        taken = port_queue_submit(queue->port, queue->batch, n);
        if (taken == -EAGAIN) {
            break;
        }
        if (taken < 0) {
            /* The first one's fault, as far as anybody can tell. */
            request = QSIMPLEQ_FIRST(&queue->pending);
            take_pending(queue, request);
            end(queue, request, taken);
            continue;
        }
        for (int i = 0; i < taken; i++) {
            take_pending(queue, QSIMPLEQ_FIRST(&queue->pending));
        }
        queue->in_flight += (unsigned)taken;
        port_count_add(&queue->stats.requests, (uint64_t)taken);
        port_count_add(&queue->stats.submissions, 1);
        if ((uint64_t)taken > queue->stats.largest_batch) {
            queue->stats.largest_batch = (uint64_t)taken;
        }
        if ((unsigned)taken < n) {
            break;
        }
    }
    /* What is left is tried again with the next completion. */
    queue->blocked = queue->in_queue;
    if (queue->blocked && !queue->in_flight) {
        qemu_bh_schedule(queue->bh);       /* which will not come by itself */
    }
}

static void enqueue(AioQueue *queue, RawAio *request)
{
    request->state = RAW_AIO_PENDING;
    request->io.state = 0;
    QSIMPLEQ_INSERT_TAIL(&queue->pending, request, next);
    queue->in_queue++;
}

/* If nothing is plugged. */
static void submit_ready(AioQueue *queue)
{
    if (queue->in_queue &&
        (!queue->plugged || queue->blocked ||
         queue->in_queue >= batch_limit(queue, 0))) {
        submit_pending(queue);
    }
}

/* The bottom half is scheduled while there is something for it to do. */
static void settle_bh(AioQueue *queue)
{
    if (queue->ended_count || (queue->blocked && !queue->in_flight) ||
        (queue->port && port_queue_ready(queue->port))) {
        qemu_bh_schedule(queue->bh);
    } else {
        qemu_bh_cancel(queue->bh);
    }
}

static void hand_over_deferred(void *opaque)
{
    AioQueue *queue = opaque;
    AioContext *ctx = queue->ctx;

    queue->deferred = false;
    submit_ready(queue);
    settle_bh(queue);
    aio_context_unref(ctx);
}

/*
 * Nothing is plugged: at once, or at the end of this thread's section (defer_call_begin).
 * A poll in the section may wait for it: the bottom half hands it over there. The queue
 * lives as long as its context.
 */
static void hand_over(AioQueue *queue)
{
    if (!defer_call_is_open()) {
        submit_pending(queue);
        return;
    }
    qemu_bh_schedule(queue->bh);
    if (!queue->deferred) {
        queue->deferred = true;
        aio_context_ref(queue->ctx);
        defer_call(hand_over_deferred, queue);
    }
}

static void run_here(AioQueue *queue, RawAio *request)
{
    do {
        request->io.result = port_io_run(&request->io);
    } while (!raw_aio_step(request));
    port_count_add(&queue->stats.requests, 1);
    end(queue, request, request->ret);
}

void aio_queue_submit(AioQueue *queue, RawAio *request, int64_t max_batch)
{
    if (!queue->port) {
        run_here(queue, request);
        return;
    }
    enqueue(queue, request);
    if (queue->blocked) {
        return;
    }
    if (queue->in_queue >= batch_limit(queue, max_batch)) {
        submit_pending(queue);
    } else if (queue->processing) {
        /* process() hands them over in the end; a nested aio_poll must not wait
         * for that. */
        if (queue->in_queue == 1) {
            qemu_bh_schedule(queue->bh);
        }
    } else if (!queue->plugged) {
        hand_over(queue);
    }
}

void aio_queue_plug(AioQueue *queue)
{
    queue->plugged++;
}

void aio_queue_unplug(AioQueue *queue, int64_t max_batch)
{
    if (!queue->plugged) {
        port_panic("raw_aio_unplug: %s: it is not plugged",
                   aio_engine_name(queue->engine));
    }
    queue->plugged--;
    if (!queue->in_queue || queue->blocked) {
        return;
    }
    if (queue->in_queue >= batch_limit(queue, max_batch)) {
        submit_pending(queue);
    } else if (!queue->plugged) {
        hand_over(queue);
    }
}

/* ---- Completing ---- */

static void reap(AioQueue *queue)
{
    PortIo *ended[MAX_REAPED];
    unsigned n = port_queue_reap(queue->port, ended, MAX_REAPED);

    queue->in_flight -= n;
    for (unsigned i = 0; i < n; i++) {
        RawAio *request = container_of(ended[i], RawAio, io);

        if (!raw_aio_step(request)) {
            enqueue(queue, request);
        } else {
            add_ended(queue, request);
        }
    }
}

/*
 * One round: what has ended by now. A call-back may run a nested aio_poll and
 * wait there for a request behind its own, or for one that it submitted: hence
 * the bottom half is scheduled while there are such.
 */
static bool process(AioQueue *queue)
{
    bool progress = false;
    unsigned left;

    if (queue->processing) {
        submit_ready(queue);   /* what the call-back we are in waits for */
    }
    if (queue->port) {
        reap(queue);
    }
    if (queue->ended_count > 1) {
        qemu_bh_schedule(queue->bh);
    }
    queue->processing++;
    /* Those that end meanwhile have their turn in the next round: the sync engine
     * would never come out of here. */
    for (left = queue->ended_count; left && queue->ended_count; left--) {
        RawAio *request = QSIMPLEQ_FIRST(&queue->ended);

        QSIMPLEQ_REMOVE_HEAD(&queue->ended, next);
        queue->ended_count--;
        progress = true;
        raw_aio_complete(request);
    }
    queue->processing--;
    submit_ready(queue);
    settle_bh(queue);
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

void aio_queue_cancel(AioQueue *queue, RawAio *request)
{
    request->canceled = true;
    if (request->state == RAW_AIO_PENDING) {
        QSIMPLEQ_REMOVE(&queue->pending, request, RawAio, next);
        queue->in_queue--;
        queue->blocked = queue->blocked && queue->in_queue;
        end(queue, request, -ECANCELED);
    } else if (request->state == RAW_AIO_IN_FLIGHT) {
        port_queue_cancel(queue->port, &request->io);
    }
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
    if (engine != AIO_ENGINE_SYNC) {
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
    qemu_bh_delete(queue->bh);
    if (queue->port) {
        aio_set_event_notifier(queue->ctx, &queue->notifier, false, NULL, NULL);
        port_queue_free(queue->port);
        event_notifier_cleanup(&queue->notifier);
    }
    free(queue);
}

/* Nobody serves it any more. Its requests are the context's to free. */
static void end_abandoned(void *opaque)
{
    AioQueue *queue = opaque;
    AioContext *ctx = queue->ctx;

    /* One step: whoever closes the files of its requests waits for all of it. */
    port_thread_holds(1);
    aio_bh_delete_abandoned(queue->bh);
    if (queue->engine != AIO_ENGINE_SYNC) {
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
        aio_context_unref(queue->ctx);     /* nobody ends that section */
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
    if (queue->port) {
        stats->kicks = port_queue_kicks(queue->port);
    }
}
