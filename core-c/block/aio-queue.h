/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_AIO_QUEUE_H
#define BLOCK_AIO_QUEUE_H
/* What the engines share: requests, and the queue that hands them over. */
#include "block/raw-aio.h"
#include "loop/loop.h"
#include "loop/bh.h"
#include "port/port-io.h"

typedef struct AioQueue AioQueue;

typedef enum {
    RAW_AIO_PENDING,           /* in the queue, not handed over */
    RAW_AIO_IN_FLIGHT,
    RAW_AIO_ENDED,             /* its call-back is to be run */
} RawAioState;

typedef struct RawAio {
    BlockAIOCB common;
    AioContext *ctx;
    AioQueue *queue;           /* NULL: the thread pool's */
    BlockAIOCB *job;           /* the pool's */
    int type;
    const struct iovec *iov;   /* the caller's */
    unsigned niov;
    int64_t offset;
    int bytes;
    int done;
    PortIo io;                 /* what is left to be done */
    struct iovec *rest;        /* after a short read: the iovecs of that */
    RawAioState state;
    bool canceled;
    int ret;
    QLIST_ENTRY(RawAio) all;   /* the context's requests */
    union {
        QSIMPLEQ_ENTRY(RawAio) next;
        QEMUBH end_bh;         /* of one that no engine takes */
    };
} RawAio;

/* Takes io.result in. True: the request has ended with ->ret; false: io is what
 * is left of it, to be done. */
bool raw_aio_step(RawAio *request);
/* Home: runs the call-back and frees the request. */
void raw_aio_complete(RawAio *request);
/* The same for one that something else has counted. */
void raw_aio_tell(RawAio *request);

/* slots: in flight at most. NULL and *errp = "why: errno's text". */
AioQueue *aio_queue_new(AioContext *ctx, AioEngine engine, unsigned slots,
                        const char *why, Error **errp);
/* NULL is fine. Panics if requests are outstanding. */
void aio_queue_free(AioQueue *queue);
/* aio_context_abandon: it is freed when nobody serves it any more. NULL is fine. */
void aio_queue_abandon(AioQueue *queue);
void aio_queue_submit(AioQueue *queue, RawAio *request, int64_t max_batch);
void aio_queue_cancel(AioQueue *queue, RawAio *request);
void aio_queue_plug(AioQueue *queue);
void aio_queue_unplug(AioQueue *queue, int64_t max_batch);
void aio_queue_get_stats(AioQueue *queue, AioEngineStats *stats);

/* The context's, or NULL: not set up, or the engine is the thread pool. engines.c */
AioQueue *aio_engine_queue(AioContext *ctx, AioEngine engine);

#endif
