/* SPDX-License-Identifier: MIT */
/*
 * The queue of an engine, submitting; in QEMU block/linux-aio.c and block/io_uring.c.
 * Requests wait in `pending` until they are submitted together, since a submission is
 * expensive (a system call, or waking another thread): when a batch is full, when the
 * queue is not plugged, and once after a round of call-backs, which submit further
 * requests.
 */
#include "block/aio-queue-state.h"
#include "loop/defer-call.h"
#include "sync/trace.h"

/* Requests in a submission, unless the context or the device sets a lower limit. */
enum { DEFAULT_MAX_BATCH = 32 };

/* Returns how many requests may wait before they are submitted in any case. */
static unsigned batch_limit(AioQueue *queue, int64_t max_batch)
{
    int64_t limit = qatomic_read(&queue->ctx->aio_max_batch);
    unsigned room = queue->slots - queue->in_flight;

    if (queue->engine == AIO_ENGINE_IO_URING) {
        return room;           /* limited by the ring's size only */
    }
    limit = limit > 0 ? limit : DEFAULT_MAX_BATCH;
    if (max_batch > 0) {
        limit = MIN(limit, max_batch);
    }
    return room ? (unsigned)MIN(limit, (int64_t)room) : (unsigned)limit;
}

void aio_queue_end(AioQueue *queue, RawAio *request, int ret)
{
    request->ret = ret;
    aio_queue_add_ended(queue, request);
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
        taken = aio_queue_hand_over(queue, n);
        if (taken == -EAGAIN) {
            break;
        }
        if (taken < 0) {
            /* The error is taken to be of the first request. */
            request = QSIMPLEQ_FIRST(&queue->pending);
            take_pending(queue, request);
            aio_queue_end(queue, request, taken);
            continue;
        }
        for (int i = 0; i < taken; i++) {
            take_pending(queue, QSIMPLEQ_FIRST(&queue->pending));
        }
        queue->in_flight += (unsigned)taken;
        port_count_add(&queue->stats.requests, (uint64_t)taken);
        port_count_add(&queue->stats.submissions, 1);
        if (trace_is_on()) {
            trace_write(AIO_TRACE_aio_queue_submit, trace_address(queue), (uint64_t)taken,
                        aio_engine_name(queue->engine));
        }
        if ((uint64_t)taken > queue->stats.largest_batch) {
            queue->stats.largest_batch = (uint64_t)taken;
        }
        if ((unsigned)taken < n) {
            break;
        }
    }
    /* The rest is submitted again at the next completion. */
    queue->blocked = queue->in_queue;
    if (queue->blocked && !queue->in_flight) {
        qemu_bh_schedule(queue->bh);       /* nothing is in flight, so none will come */
    }
}

void aio_queue_enqueue(AioQueue *queue, RawAio *request)
{
    request->state = RAW_AIO_PENDING;
    request->io.state = 0;
    QSIMPLEQ_INSERT_TAIL(&queue->pending, request, next);
    queue->in_queue++;
}

void aio_queue_submit_ready(AioQueue *queue)
{
    if (queue->in_queue &&
        (!queue->plugged || queue->blocked ||
         queue->in_queue >= batch_limit(queue, 0))) {
        submit_pending(queue);
    }
}

void aio_queue_settle(AioQueue *queue)
{
    if (queue->ended_count || (queue->blocked && !queue->in_flight) ||
        (queue->engine != AIO_ENGINE_SYNC && aio_queue_has_ended(queue))) {
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
    aio_queue_submit_ready(queue);
    aio_queue_settle(queue);
    aio_context_unref(ctx);
}

/*
 * Submits at once, or at the end of this thread's section (defer_call_begin). A poll
 * inside the section may wait for the request: the bottom half submits it there. The queue
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
    aio_queue_end(queue, request, request->ret);
}

void aio_queue_submit(AioQueue *queue, RawAio *request, int64_t max_batch)
{
    if (queue->engine == AIO_ENGINE_SYNC) {
        run_here(queue, request);
        return;
    }
    aio_queue_enqueue(queue, request);
    if (queue->blocked) {
        return;
    }
    if (queue->in_queue >= batch_limit(queue, max_batch)) {
        submit_pending(queue);
    } else if (queue->processing) {
        /* process() submits them at its end; a nested aio_poll() must not wait for
         * that. */
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

void aio_queue_cancel(AioQueue *queue, RawAio *request)
{
    request->canceled = true;
    if (request->state == RAW_AIO_PENDING) {
        QSIMPLEQ_REMOVE(&queue->pending, request, RawAio, next);
        queue->in_queue--;
        queue->blocked = queue->blocked && queue->in_queue;
        aio_queue_end(queue, request, -ECANCELED);
    } else if (request->state == RAW_AIO_IN_FLIGHT) {
        aio_queue_take_back(queue, &request->io);
    }
}
