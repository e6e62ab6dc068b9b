/* SPDX-License-Identifier: MIT */
/* Asynchronous requests; in QEMU util/aiocb.c and block/io.c. */
#include "block/block.h"
#include "block/pool.h"
#include "port/calls.h"
#include "qemu/main-loop.h"

void *aio_try_get(const AIOCBInfo *aiocb_info, BlockCompletionFunc *cb,
                  void *opaque)
{
    BlockAIOCB *acb = malloc(aiocb_info->aiocb_size);

    if (acb) {
        *acb = (BlockAIOCB){ .aiocb_info = aiocb_info, .cb = cb,
                             .opaque = opaque, .refcnt = 1 };
    }
    return acb;
}

void *qemu_aio_get(const AIOCBInfo *aiocb_info, BlockDriverState *bs,
                   BlockCompletionFunc *cb, void *opaque)
{
    BlockAIOCB *acb = aio_try_get(aiocb_info, cb, opaque);

    if (!acb) {
        port_panic("qemu_aio_get: request of %zu bytes: out of memory",
                   aiocb_info->aiocb_size);
    }
    acb->bs = bs;
    return acb;
}

void qemu_aio_ref(void *p)
{
    BlockAIOCB *acb = p;

    acb->refcnt++;
}

void qemu_aio_unref(void *p)
{
    BlockAIOCB *acb = p;

    if (acb->refcnt <= 0) {
        port_panic("qemu_aio_unref: the request was freed already");
    }
    if (--acb->refcnt == 0) {
        free(acb);
    }
}

AioContext *bdrv_get_aio_context(BlockDriverState *bs)
{
    (void)bs;
    return qemu_get_aio_context();
}

void bdrv_aio_cancel_async(BlockAIOCB *acb)
{
    if (acb->aiocb_info->cancel_async) {
        CALL_USER(acb->aiocb_info->cancel_async, acb);
    }
}

void bdrv_aio_cancel(BlockAIOCB *acb)
{
    if (!acb->aiocb_info->get_aio_context) {
        port_panic("bdrv_aio_cancel: the request's AIOCBInfo has no "
                   "get_aio_context");
    }
    qemu_aio_ref(acb);
    bdrv_aio_cancel_async(acb);
    while (acb->refcnt > 1) {
        aio_poll(CALL_USER(acb->aiocb_info->get_aio_context, acb), true);
    }
    qemu_aio_unref(acb);
}
