/* SPDX-License-Identifier: MIT */
/* A request on a file, waited for by a coroutine: laio_co_submit in
 * block/linux-aio.c, luring_co_submit in block/io_uring.c */
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

    /* Its call-back comes from the loop, never from here: it yields in any case. */
    if (!raw_aio_submit(ctx, op, request_done, &request)) {
        return -ENOMEM;
    }
    qemu_coroutine_yield();
    return request.ret;
}
