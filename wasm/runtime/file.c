/* SPDX-License-Identifier: MIT */
/* Files: requests from the owner to an engine of an IOThread's context and back. */
#include "block/block.h"
#include "qapi/error.h"
#include "qemu/atomic.h"
#include "runtime.h"

/* Where a file belongs to one worker, that worker is the pool: each request is
 * handed over to it by itself. */
AioEngine rt_engine(AioEngine engine, int64_t *max_batch)
{
    if (engine == AIO_ENGINE_THREADS && rt_host_has_owned_files()) {
        *max_batch = 1;
        return AIO_ENGINE_NATIVE;
    }
    return engine;
}

/* ---- Setting an engine up ---- */

typedef struct SetupRequest {
    AioContext *ctx;
    AioEngine engine;
    char *text;
    uint32_t size;
    uint32_t id;
} SetupRequest;

static void setup_bh(void *opaque)
{
    SetupRequest *request = opaque;
    Error *err = NULL;
    bool done = raw_aio_setup(request->ctx, request->engine, &err);

    if (!done) {
        snprintf(request->text, request->size, "%s", error_get_pretty(err));
        error_free(err);
    }
    rt_complete(request->id, done ? 0 : -EAGAIN);
    free(request);
}

/* Owner: complete(id, 0 or -errno, and then why is in text) follows. False: out
 * of memory. */
WASM_EXPORT("rt_engine_setup")
bool rt_engine_setup(AioContext *ctx, AioEngine engine, char *text,
                     uint32_t size, uint32_t id)
{
    SetupRequest *request = malloc(sizeof(*request));
    int64_t max_batch;

    if (!request) {
        return false;
    }
    *request = (SetupRequest){ ctx, rt_engine(engine, &max_batch), text, size,
                               id };
    aio_bh_schedule_oneshot(ctx, setup_bh, request);
    return true;
}

/* Owner: what the engine did, as JSON. */
WASM_EXPORT("rt_engine_stats")
const char *rt_engine_stats(AioContext *ctx, AioEngine engine)
{
    static char text[200];
    AioEngineStats s;
    int64_t max_batch;

    raw_aio_get_stats(ctx, rt_engine(engine, &max_batch), &s);
    snprintf(text, sizeof(text),
             "{\"requests\":%" PRIu64 ",\"submissions\":%" PRIu64
             ",\"kicks\":%" PRIu64 ",\"largestBatch\":%" PRIu64 "}",
             s.requests, s.submissions, s.kicks, s.largest_batch);
    return text;
}

/* ---- Requests of the owner ---- */

typedef struct FileRequest {
    AioContext *ctx;
    RawAioOp op;
    BlockAIOCB *acb;           /* home; NULL: not submitted yet, or ended */
    uint32_t id;
    uint32_t refs;             /* the owner's; the loop's; those of cancels */
    bool canceled;             /* home */
    struct iovec iov[];
} FileRequest;

static void unref(FileRequest *request)
{
    if (qatomic_fetch_dec(&request->refs) == 1) {
        free(request);
    }
}

/* Owner. The caller fills in the iovecs: base and length, 32 bits each. NULL: out
 * of memory. */
WASM_EXPORT("rt_file_request")
FileRequest *rt_file_request(AioContext *ctx, int handle, AioEngine engine,
                             int type, double offset, uint32_t niov,
                             double max_batch)
{
    FileRequest *request = malloc(sizeof(*request) +
                                  niov * sizeof(struct iovec));

    if (request) {
        *request = (FileRequest){ .ctx = ctx, .refs = 1 };
        request->op = (RawAioOp){
            .type = type | RAW_AIO_COUNT,
            .fd = handle, .iov = request->iov, .niov = niov,
            .offset = (int64_t)offset, .max_batch = (int64_t)max_batch,
        };
        request->op.engine = rt_engine(engine, &request->op.max_batch);
    }
    return request;
}

WASM_EXPORT("rt_file_request_iov")
struct iovec *rt_file_request_iov(FileRequest *request)
{
    return request->iov;
}

/* Owner: it has been completed, or never submitted. */
WASM_EXPORT("rt_file_request_free")
void rt_file_request_free(FileRequest *request)
{
    unref(request);
}

static void request_done(void *opaque, int ret)
{
    FileRequest *request = opaque;

    request->acb = NULL;
    request->ctx->requests--;
    rt_complete(request->id, ret);
    unref(request);
}

static void submit_bh(void *opaque)
{
    FileRequest *request = opaque;

    request->ctx->requests++;
    if (request->canceled) {
        request_done(request, -ECANCELED);
        return;
    }
    request->acb = raw_aio_submit(request->ctx, &request->op, request_done,
                                  request);
}

/* Owner: complete(id, bytes or -errno) follows, once. */
WASM_EXPORT("rt_file_submit")
void rt_file_submit(FileRequest *request, uint32_t id)
{
    request->id = id;
    qatomic_inc(&request->refs);
    aio_bh_schedule_oneshot(request->ctx, submit_bh, request);
}

static void cancel_bh(void *opaque)
{
    FileRequest *request = opaque;

    /* Bottom halves run last in, first out: it may not have been submitted. */
    request->canceled = true;
    if (request->acb) {
        bdrv_aio_cancel_async(request->acb);
    }
    unref(request);
}

/* Owner: its completion is still to come, with -ECANCELED if nobody has begun it. */
WASM_EXPORT("rt_file_cancel")
void rt_file_cancel(FileRequest *request)
{
    qatomic_inc(&request->refs);
    aio_bh_schedule_oneshot(request->ctx, cancel_bh, request);
}
