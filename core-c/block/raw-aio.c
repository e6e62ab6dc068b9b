/* SPDX-License-Identifier: MIT */
/* Requests on files, whichever engine serves them; in QEMU
 * block/file-posix.c. */
#include "block/aio-queue.h"
#include "block/block.h"
#include "block/pool.h"
#include "port/calls.h"
#include "qemu/atomic.h"
#include "sync/trace.h"
#include <string.h>

static void complete_bh(void *opaque)
{
    raw_aio_complete(opaque);
}

/* ---- The thread pool as an engine ---- */

static int pool_work(void *opaque)
{
    RawAio *request = opaque;

    do {
        request->io.result = port_io_run(&request->io);
    } while (!raw_aio_step(request));
    return request->ret;
}

static void pool_done(void *opaque, int ret)
{
    RawAio *request = opaque;

    request->job = NULL;
    request->ret = ret;        /* it may have been cancelled */
    raw_aio_tell(request);
}

/* ---- Requests ---- */

/* The part of a context: its requests that have not ended. Home thread only. */
typedef struct RequestsPart {
    QLIST_HEAD(, RawAio) all;
} RequestsPart;

static void free_requests(AioContext *ctx);

static AioPart requests_part = {
    .size = sizeof(RequestsPart),
    .idle = free_requests,
};
AIO_PART_REGISTER(requests_part);

static RequestsPart *requests_of(AioContext *ctx)
{
    return aio_part(ctx, &requests_part);
}

/* Called when nobody serves an abandoned context any more. */
static void free_requests(AioContext *ctx)
{
    RawAio *request;

    while ((request = QLIST_FIRST(&requests_of(ctx)->all))) {
        QLIST_REMOVE(request, all);
        free(request->rest);
        free(request);
    }
}

static void raw_aio_cancel(BlockAIOCB *acb)
{
    RawAio *request = container_of(acb, RawAio, common);

    if (request->queue) {
        aio_queue_cancel(request->queue, request);
    } else if (request->job) {
        qatomic_set(&request->canceled, true);
        bdrv_aio_cancel_async(request->job);
    }
}

static AioContext *raw_aio_get_context(BlockAIOCB *acb)
{
    return container_of(acb, RawAio, common)->ctx;
}

static const AIOCBInfo raw_aio_info = {
    .aiocb_size = sizeof(RawAio),
    .cancel_async = raw_aio_cancel,
    .get_aio_context = raw_aio_get_context,
};

/* Returns the number of bytes of the iovecs, or -EINVAL. */
static int count_bytes(const RawAioOp *op)
{
    size_t bytes = 0;

    if (op->niov > PORT_IO_MAX_IOV || op->offset < 0) {
        return -EINVAL;
    }
    for (unsigned i = 0; i < op->niov; i++) {
        if (op->iov[i].iov_len > INT_MAX - bytes) {
            return -EINVAL;
        }
        bytes += op->iov[i].iov_len;
    }
    return (int)bytes;
}

/* Returns the length of the request in bytes, or -EINVAL. */
static int64_t length_of(const RawAioOp *op, int type)
{
    if (type == QEMU_AIO_FLUSH) {
        return 0;
    }
    if (type == QEMU_AIO_READ || type == QEMU_AIO_WRITE) {
        return count_bytes(op);
    }
    if (op->bytes < 0 || op->offset < 0 || op->bytes > INT64_MAX - op->offset ||
        (type == RAW_AIO_BLOCK_STATUS && (op->niov != 1 || op->iov->iov_len < sizeof(RawAioExtent) ||
                                          (uintptr_t)op->iov->iov_base % sizeof(int64_t)))) {
        return -EINVAL;
    }
    return op->bytes;
}

/* Returns whether no engine has to carry the request out; its result is in ->ret then. */
static bool ends_at_once(RawAio *request, AioEngine engine, int type)
{
    request->ret = 0;
    if (request->bytes < 0) {
        request->ret = (int)request->bytes;
        return true;
    }
    if (engine == AIO_ENGINE_NBD || type == QEMU_AIO_READ || type == QEMU_AIO_WRITE || type == QEMU_AIO_FLUSH) {
        return false;
    }
    if (type == RAW_AIO_BLOCK_STATUS && request->bytes > 0) {
        *(RawAioExtent *)request->iov->iov_base = (RawAioExtent){ .bytes = request->bytes, .flags = BDRV_BLOCK_DATA };
        request->ret = 1;
    }
    /* Files of this machine cannot discard a part. */
    return type != QEMU_AIO_WRITE_ZEROES || request->bytes == 0;
}

/* Hands the request to its engine. Returns false if there is no memory. */
static bool start(RawAio *request, const RawAioOp *op)
{
    int type = op->type & QEMU_AIO_TYPE_MASK;
    ThreadPool *pool;

    if (ends_at_once(request, op->engine, type)) {
        request->queue = NULL;
        bh_init(&request->end_bh, request->ctx, complete_bh, request,
                "raw_aio_submit");
        qemu_bh_schedule(&request->end_bh);
        return true;
    }
    if (type == QEMU_AIO_WRITE_ZEROES && op->engine != AIO_ENGINE_NBD) {
        raw_aio_next_zeros(request);
    }
    if (op->engine == AIO_ENGINE_THREADS) {
        /* Cancelling the request cancels the pool's own request. */
        pool = thread_pool_try_get(request->ctx);
        request->job = pool ? thread_pool_try_submit(pool, pool_work, request,
                                                     pool_done, request)
                            : NULL;
        return request->job;
    }
    aio_queue_submit(request->queue, request, op->max_batch);
    return true;
}

BlockAIOCB *raw_aio_submit(AioContext *ctx, const RawAioOp *op,
                           BlockCompletionFunc *cb, void *opaque)
{
    AIO_CHECK_CONTEXT(ctx);
    static const PortIoOp port_ops[] = {
        [QEMU_AIO_READ] = PORT_IO_READ,
        [QEMU_AIO_WRITE] = PORT_IO_WRITE,
        [QEMU_AIO_FLUSH] = PORT_IO_FDATASYNC,
        [QEMU_AIO_DISCARD] = PORT_IO_DISCARD,
        [QEMU_AIO_WRITE_ZEROES] = PORT_IO_WRITE_ZEROES,
        [RAW_AIO_BLOCK_STATUS] = PORT_IO_BLOCK_STATUS,
    };
    int type = op->type & QEMU_AIO_TYPE_MASK;
    AioQueue *queue;
    RawAio *request;

    aio_assert_home_thread(ctx, "raw_aio_submit");
    if (!type || (type & (type - 1))) {
        port_panic("raw_aio_submit: unknown request type %#x",
                   (unsigned)op->type);
    }
    queue = aio_engine_queue(ctx, op->engine);
    if (!queue && op->engine != AIO_ENGINE_THREADS) {
        port_panic("raw_aio_submit: engine %s has not been set up "
                   "(raw_aio_setup)", aio_engine_name(op->engine));
    }
    request = aio_try_get(&raw_aio_info, cb, opaque);
    if (!request) {
        return NULL;
    }
    request->ctx = ctx;
    request->queue = queue;
    request->job = NULL;
    request->type = type | (type == QEMU_AIO_READ || type == QEMU_AIO_WRITE ? op->type & RAW_AIO_COUNT : 0);
    request->iov = op->iov;
    request->niov = op->niov;
    request->offset = op->offset;
    request->done = 0;
    request->rest = NULL;
    request->canceled = false;
    request->bytes = length_of(op, type);
    request->fua = op->flags & BDRV_REQ_FUA && (type == QEMU_AIO_WRITE || type == QEMU_AIO_WRITE_ZEROES);
    request->io = (PortIo){ .op = port_ops[type], .fd = op->fd, .iov = op->iov,
                            .niov = op->niov, .offset = op->offset,
                            .length = request->bytes, .fua = request->fua,
                            .may_unmap = op->flags & BDRV_REQ_MAY_UNMAP };
    if (type == QEMU_AIO_WRITE_ZEROES) {
        request->rest = malloc(RAW_AIO_ZERO_IOVS * sizeof(*request->rest));
        if (!request->rest) {
            qemu_aio_unref(request);
            return NULL;
        }
    }
    QLIST_INSERT_HEAD(&requests_of(ctx)->all, request, all);
    if (trace_is_on()) {
        trace_write(AIO_TRACE_raw_aio_submit, trace_address(request),
                    (uint64_t)(int64_t)request->bytes, aio_engine_name(op->engine));
    }
    if (!start(request, op)) {
        QLIST_REMOVE(request, all);
        free(request->rest);
        qemu_aio_unref(request);
        return NULL;
    }
    return &request->common;
}
