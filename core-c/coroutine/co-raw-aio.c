/* SPDX-License-Identifier: MIT */
/* A coroutine that waits for a request on a file; in QEMU laio_co_submit() of
 * block/linux-aio.c and luring_co_submit() of block/io_uring.c. */
#include "block/raw-aio.h"
#include "coroutine/coroutine.h"

typedef struct CoRequest {
    Coroutine *co;
    int ret;
} CoRequest;

static void request_done(void *opaque, int ret)
{
    CoRequest *request = opaque;

    request->ret = ret;
    aio_co_wake(request->co);
}

int coroutine_fn raw_co_submit(AioContext *ctx, const RawAioOp *op)
{
    AIO_CHECK_CONTEXT(ctx);
    CoRequest request = { qemu_coroutine_self(), -EINPROGRESS };

    /* The call-back runs from the loop, never from here, so the coroutine always
     * yields. */
    if (!raw_aio_submit(ctx, op, request_done, &request)) {
        return -ENOMEM;
    }
    qemu_coroutine_yield();
    return request.ret;
}
