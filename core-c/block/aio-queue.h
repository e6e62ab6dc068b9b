/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_AIO_QUEUE_H
#define BLOCK_AIO_QUEUE_H
/* Shared by the engines: requests, and the queue that submits them. */
#include "block/raw-aio.h"
#include "loop/loop.h"
#include "loop/bh.h"
#include "port/port-io.h"

typedef struct AioQueue AioQueue;

typedef enum {
    RAW_AIO_PENDING,           /* in the queue, not submitted */
    RAW_AIO_IN_FLIGHT,
    RAW_AIO_ENDED,             /* its call-back is to be run */
} RawAioState;

typedef struct RawAio {
    BlockAIOCB common;
    AioContext *ctx;
    AioQueue *queue;           /* NULL: the thread pool is the engine */
    BlockAIOCB *job;           /* the pool's request */
    int type;
    const struct iovec *iov;   /* the caller's */
    unsigned niov;
    int64_t offset;
    int64_t bytes;
    int64_t done;
    PortIo io;                 /* the operation on what is left */
    struct iovec *rest;        /* the iovecs of what is left after a short read, or of zeros */
    int piece;                 /* bytes of zeros that are being written */
    RawAioState state;
    bool canceled;             /* any thread */
    bool fua;                  /* BDRV_REQ_FUA */
    int ret;
    QLIST_ENTRY(RawAio) all;   /* in the list of the context's requests */
    union {
        QSIMPLEQ_ENTRY(RawAio) next;
        QEMUBH end_bh;         /* ends a request that is invalid */
    };
} RawAio;

/* Accounts for io.result. Returns true if the request has ended with ->ret; false if
 * io describes what is left to be done. */
bool raw_aio_step(RawAio *request);
enum { RAW_AIO_ZERO_IOVS = 4 };

/* Makes io describe the next piece of zeros that are written as data. There are RAW_AIO_ZERO_IOVS iovecs at ->rest. */
void raw_aio_next_zeros(RawAio *request);
/* Runs the call-back and frees the request. Home thread only. */
void raw_aio_complete(RawAio *request);
/* The same for a request that has been counted elsewhere. */
void raw_aio_tell(RawAio *request);

/* Makes a queue with at most slots requests in flight. Returns NULL and sets *errp
 * to "why: text of errno" if it cannot. */
AioQueue *aio_queue_new(AioContext *ctx, AioEngine engine, unsigned slots,
                        const char *why, Error **errp);
/* Frees a queue, or does nothing for NULL. Panics if requests are outstanding. */
void aio_queue_free(AioQueue *queue);
/* Called by aio_context_abandon(): the queue (or NULL) is freed when nobody serves
 * it any more. */
void aio_queue_abandon(AioQueue *queue);
void aio_queue_submit(AioQueue *queue, RawAio *request, int64_t max_batch);
void aio_queue_cancel(AioQueue *queue, RawAio *request);
void aio_queue_plug(AioQueue *queue);
void aio_queue_unplug(AioQueue *queue, int64_t max_batch);
void aio_queue_get_stats(AioQueue *queue, AioEngineStats *stats);

/* Returns the context's queue, or NULL if the engine has not been set up or is the
 * thread pool. engines.c */
AioQueue *aio_engine_queue(AioContext *ctx, AioEngine engine);

#endif
