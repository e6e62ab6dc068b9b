/* SPDX-License-Identifier: MIT */
/*
 * File requests that JavaScript of an IOThread makes itself: `wasm-aio nbd-serve`, whose sockets live there
 * (ts/src/nbd-server/thread-file.ts). If they are carried out by the thread's own loop, no other thread is woken.
 */
#include "block/block.h"
#include "handle.h"
#include "loop/loop.h"

typedef struct LocalRequest {
    AioContext *home;          /* whose thread makes the requests */
    AioContext *ctx;           /* whose engine carries them out */
    uint32_t callback;
    int result;                /* of the last one: bytes or -errno */
    BlockAIOCB *acb;           /* the thread of ctx only */
    RawAioOp op;
    struct iovec iov;
    QEMUBH bh;
} LocalRequest;

/* Makes the place of one request at a time, at whose end the JavaScript function `callback` is called; it stays as long as the
 * runtime. Returns NULL if there is no memory. The thread of home only, as all functions here. */
WASM_EXPORT("rt_local_new")
LocalRequest *rt_local_new(AioContext *home, uint32_t callback)
{
    LocalRequest *request = malloc(sizeof(*request));

    if (request) {
        *request = (LocalRequest){ .home = home, .callback = callback };
    }
    return request;
}

WASM_EXPORT("rt_local_result")
int rt_local_result(LocalRequest *request)
{
    return request->result;
}

static void call_back(void *opaque)
{
    LocalRequest *request = opaque;

    rt_run_callback((void *)(uintptr_t)request->callback);
}

static void tell_home(LocalRequest *request)
{
    bh_init(&request->bh, request->home, call_back, request, "rt_local_ended");
    qemu_bh_schedule(&request->bh);
}

static void ended(void *opaque, int ret)
{
    LocalRequest *request = opaque;

    (*rt_requests_in_flight(request->ctx))--;
    request->result = ret;
    request->acb = NULL;
    if (request->ctx == request->home) {
        call_back(request);
    } else {
        tell_home(request);
    }
}

static void submit(void *opaque)
{
    LocalRequest *request = opaque;

    request->acb = raw_aio_submit(request->ctx, &request->op, ended, request);
    if (request->acb) {
        (*rt_requests_in_flight(request->ctx))++;
    } else {
        request->result = -ENOMEM;
        tell_home(request);
    }
}

/* Submits a request to the engine of ctx. The loop of home calls back later. */
WASM_EXPORT("rt_local_submit")
void rt_local_submit(LocalRequest *request, AioContext *ctx, int handle, AioEngine engine, int type, double offset,
                     void *base, uint32_t length, double max_batch)
{
    request->ctx = ctx;
    request->iov = (struct iovec){ base, length };
    request->op = (RawAioOp){
        .type = type | RAW_AIO_COUNT, .fd = handle, .iov = &request->iov, .niov = 1,
        .offset = (int64_t)offset, .max_batch = (int64_t)max_batch,
    };
    request->op.engine = rt_engine(engine, &request->op.max_batch);
    if (ctx == request->home) {
        submit(request);
        return;
    }
    bh_init(&request->bh, ctx, submit, request, "rt_local_submit");
    qemu_bh_schedule(&request->bh);
}

/* Nobody wants the request any more. If its engine is this thread's and has not begun it, it ends with -ECANCELED. */
WASM_EXPORT("rt_local_cancel")
void rt_local_cancel(LocalRequest *request)
{
    if (request->ctx == request->home && request->acb) {
        bdrv_aio_cancel_async(request->acb);
    }
}

/*
 * Requests follow that are submitted together, and after rt_local_unplug() a turn of the loop. So the loop, which sleeps in
 * JavaScript's event loop, need not be woken for what they schedule: the turn takes it, as after rt_hosted_look().
 */
WASM_EXPORT("rt_local_plug")
void rt_local_plug(AioContext *home, AioEngine engine)
{
    int64_t max_batch;

    qatomic_store_release(&home->wakeup->notify_me, home->wakeup->notify_me & ~1u);
    raw_aio_plug(home, rt_engine(engine, &max_batch));
}

WASM_EXPORT("rt_local_unplug")
void rt_local_unplug(AioContext *home, AioEngine engine, double max_batch)
{
    int64_t limit = (int64_t)max_batch;
    AioEngine here = rt_engine(engine, &limit);

    raw_aio_unplug(home, here, limit);
}
