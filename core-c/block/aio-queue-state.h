/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_AIO_QUEUE_STATE_H
#define BLOCK_AIO_QUEUE_STATE_H
/* What the two sides of an engine's queue share: aio-queue-submit.c, which hands over, and
 * aio-queue.c, which completes. All of it is the home thread's. */
#include "block/aio-queue.h"

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

static inline void aio_queue_add_ended(AioQueue *queue, RawAio *request)
{
    request->state = RAW_AIO_ENDED;
    QSIMPLEQ_INSERT_TAIL(&queue->ended, request, next);
    queue->ended_count++;
}

/* A request that nobody has in hand ends with ret: its call-back runs in a later round. */
void aio_queue_end(AioQueue *queue, RawAio *request, int ret);
/* It waits to be handed over. */
void aio_queue_enqueue(AioQueue *queue, RawAio *request);
/* Hands over what waits, if nothing is plugged. */
void aio_queue_submit_ready(AioQueue *queue);
/* Schedules the bottom half if there is something for it to do, else cancels it. */
void aio_queue_settle(AioQueue *queue);

#endif
