/* SPDX-License-Identifier: MIT */
/* Files: the owner's requests to an engine of an IOThread's context, and their
 * completion. */
#include "block/block.h"
#include "qapi/errno.h"
#include "qemu/atomic.h"
#include "runtime.h"

/* Where files belong to one worker, that worker acts as the pool: each request is
 * submitted to it separately. */
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
    Completion completion;
    QEMUBH bh;
    AioContext *ctx;
    AioEngine engine;
    char *text;
    uint32_t size;
} SetupRequest;

static void setup_told(Completion *completion)
{
    free(container_of(completion, SetupRequest, completion));
}

static void setup_bh(void *opaque)
{
    SetupRequest *request = opaque;
    Error *err = NULL;
    int ret = 0;

    if (!raw_aio_setup(request->ctx, request->engine, &err)) {
        snprintf(request->text, request->size, "%s", error_get_pretty(err));
        ret = error_get_errno(err) ? -error_get_errno(err) : -EAGAIN;
        error_free(err);
    }
    rt_complete(&request->completion, ret);
}

/* Sets up an engine; complete(id, 0 or -errno) follows, and on an error the reason
 * is in text. Returns false if there is no memory. Owner only. */
WASM_EXPORT("rt_engine_setup")
bool rt_engine_setup(AioContext *ctx, AioEngine engine, char *text,
                     uint32_t size, uint32_t id)
{
    SetupRequest *request = malloc(sizeof(*request));
    int64_t max_batch;

    if (!request) {
        return false;
    }
    *request = (SetupRequest){ .completion = { .id = id, .told = setup_told },
                               .ctx = ctx,
                               .engine = rt_engine(engine, &max_batch),
                               .text = text, .size = size };
    rt_request_begin(&request->completion, ctx);
    bh_init(&request->bh, ctx, setup_bh, request, "rt_engine_setup");
    qemu_bh_schedule(&request->bh);
    return true;
}

/* Returns what the engine has done, as JSON. Owner only. */
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

/* Contains everything that the request needs on its way: only its submission to the
 * engine can fail for lack of memory, and it then ends with -ENOMEM. */
typedef struct FileRequest {
    Completion completion;
    AioContext *ctx;
    RawAioOp op;
    BlockAIOCB *acb;           /* home thread; NULL: not submitted yet, or ended */
    uint32_t refs;             /* of the owner, the loop, and a cancel */
    bool canceling;            /* owner only: cancel_bh was scheduled */
    bool canceled;             /* home thread only */
    QEMUBH submit_bh;
    QEMUBH cancel_bh;
    struct iovec iov[];
} FileRequest;

static void unref(FileRequest *request)
{
    if (qatomic_fetch_dec(&request->refs) == 1) {
        free(request);
    }
}

static void request_told(Completion *completion)
{
    FileRequest *request = container_of(completion, FileRequest, completion);

    /* The thread that should have cancelled it was lost. */
    if (!completion->ended && request->canceling && !request->canceled) {
        unref(request);
    }
    unref(request);
}

/* Makes a request; the caller fills in the iovecs: base and length, 32 bits each.
 * Returns NULL if there is no memory. Owner only. */
WASM_EXPORT("rt_file_request")
FileRequest *rt_file_request(AioContext *ctx, int handle, AioEngine engine,
                             int type, double offset, uint32_t niov,
                             double max_batch)
{
    FileRequest *request = malloc(sizeof(*request) +
                                  niov * sizeof(struct iovec));

    if (request) {
        *request = (FileRequest){ .completion.told = request_told, .ctx = ctx,
                                  .refs = 1 };
        request->op = (RawAioOp){
            .type = type | RAW_AIO_COUNT,
            .fd = handle, .iov = request->iov, .niov = niov,
            .offset = (int64_t)offset, .max_batch = (int64_t)max_batch,
        };
        request->op.engine = rt_engine(engine, &request->op.max_batch);
    }
    return request;
}

/* Sets the length of a request that has one without data, and the flags (RawAioFlags) of any. Owner only. */
WASM_EXPORT("rt_file_request_range")
void rt_file_request_range(FileRequest *request, double bytes, int flags)
{
    request->op.bytes = (int64_t)bytes;
    request->op.flags = flags;
}

WASM_EXPORT("rt_file_request_iov")
struct iovec *rt_file_request_iov(FileRequest *request)
{
    return request->iov;
}

/* Frees a request that has been completed or was never submitted, or whose context
 * is idle. Owner only. */
WASM_EXPORT("rt_file_request_free")
void rt_file_request_free(FileRequest *request)
{
    unref(request);
}

static void request_done(void *opaque, int ret)
{
    FileRequest *request = opaque;

    request->acb = NULL;
    (*rt_requests_in_flight(request->ctx))--;
    rt_complete(&request->completion, ret);
}

static void submit_bh(void *opaque)
{
    FileRequest *request = opaque;

    (*rt_requests_in_flight(request->ctx))++;
    if (request->canceled) {
        request_done(request, -ECANCELED);
        return;
    }
    request->acb = raw_aio_submit(request->ctx, &request->op, request_done,
                                  request);
    if (!request->acb) {
        request_done(request, -ENOMEM);
    }
}

/* Submits a request; complete(id, bytes, extents or -errno) follows, once. Owner only. */
WASM_EXPORT("rt_file_submit")
void rt_file_submit(FileRequest *request, uint32_t id)
{
    request->completion.id = id;
    rt_request_begin(&request->completion, request->ctx);
    qatomic_inc(&request->refs);
    bh_init(&request->submit_bh, request->ctx, submit_bh, request,
            "rt_file_submit");
    qemu_bh_schedule(&request->submit_bh);
}

static void cancel_bh(void *opaque)
{
    FileRequest *request = opaque;

    /* Bottom halves run last in, first out, so the request may not have been
     * submitted yet. */
    request->canceled = true;
    if (request->acb) {
        bdrv_aio_cancel_async(request->acb);
    }
    unref(request);
}

/* Cancels a request; its completion still follows, with -ECANCELED if it had not
 * begun. Owner only. */
WASM_EXPORT("rt_file_cancel")
void rt_file_cancel(FileRequest *request)
{
    if (request->canceling) {
        return;
    }
    request->canceling = true;
    qatomic_inc(&request->refs);
    bh_init(&request->cancel_bh, request->ctx, cancel_bh, request,
            "rt_file_cancel");
    qemu_bh_schedule(&request->cancel_bh);
}
