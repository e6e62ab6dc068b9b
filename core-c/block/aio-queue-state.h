/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_AIO_QUEUE_STATE_H
#define BLOCK_AIO_QUEUE_STATE_H
/* Shared by the two halves of an engine's queue: aio-queue-submit.c, which submits, and
 * aio-queue.c, which completes. Only the home thread uses it. */
#include "block/aio-queue.h"
#include "block/nbd.h"

typedef QSIMPLEQ_HEAD(, RawAio) RawAioList;

struct AioQueue {
    AioContext *ctx;
    AioEngine engine;
    PortQueue *port;           /* NULL: sync, nbd */
    NbdQueue *nbd;             /* NULL: all others */
    EventNotifier notifier;    /* set when operations have ended */
    QEMUBH *bh;                /* scheduled when there is something to complete */
    unsigned slots;
    RawAioList pending;
    RawAioList ended;
    unsigned in_queue;         /* length of pending */
    unsigned ended_count;      /* length of ended */
    unsigned in_flight;
    unsigned plugged;
    unsigned processing;       /* depth of nested rounds of call-backs */
    bool blocked;              /* the machine accepts no more for now */
    bool deferred;             /* hand_over_deferred() is deferred */
    AioEngineStats stats;
    PortIo *batch[];           /* slots entries; one submission */
};

/* ---- What carries requests out: the machine, or an NBD client. Not called for the engine sync. ---- */

static inline int aio_queue_hand_over(AioQueue *queue, unsigned n)
{
    return queue->nbd ? nbd_queue_submit(queue->nbd, queue->batch, n)
                      : port_queue_submit(queue->port, queue->batch, n);
}

static inline unsigned aio_queue_reap(AioQueue *queue, PortIo **ios, unsigned n)
{
    return queue->nbd ? nbd_queue_reap(queue->nbd, ios, n)
                      : port_queue_reap(queue->port, ios, n);
}

static inline bool aio_queue_has_ended(AioQueue *queue)
{
    return queue->nbd ? !QTAILQ_EMPTY(&queue->nbd->ended) : port_queue_ready(queue->port);
}

static inline void aio_queue_take_back(AioQueue *queue, PortIo *io)
{
    if (queue->nbd) {
        nbd_queue_cancel(queue->nbd, io);
    } else {
        port_queue_cancel(queue->port, io);
    }
}

static inline uint64_t aio_queue_kicks(AioQueue *queue)
{
    return queue->nbd ? queue->nbd->kicks : port_queue_kicks(queue->port);
}

/* ---- Requests ---- */

static inline void aio_queue_add_ended(AioQueue *queue, RawAio *request)
{
    request->state = RAW_AIO_ENDED;
    QSIMPLEQ_INSERT_TAIL(&queue->ended, request, next);
    queue->ended_count++;
}

/* Ends a request, which no engine is working on, with ret; its call-back runs in a later
 * round. */
void aio_queue_end(AioQueue *queue, RawAio *request, int ret);
/* Appends a request to those that wait to be submitted. */
void aio_queue_enqueue(AioQueue *queue, RawAio *request);
/* Submits what waits, unless the queue is plugged. */
void aio_queue_submit_ready(AioQueue *queue);
/* Schedules the bottom half if it has something to do, else cancels it. */
void aio_queue_settle(AioQueue *queue);

#endif
