/* SPDX-License-Identifier: MIT */
#ifndef QEMU_BLOCK_H
#define QEMU_BLOCK_H
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Cancels a request and polls its context until the request's call-back has
 * run. The caller needs no reference: the call holds its own. Home thread
 * only. */
void bdrv_aio_cancel(BlockAIOCB *acb);
/* Asks a request to end early. Its call-back runs later, once, with -ECANCELED
 * or the request's own result. acb must not have completed yet. Home thread
 * only. */
void bdrv_aio_cancel_async(BlockAIOCB *acb);
#if AIO_API_VERSION >= 801
/* bdrv_aio_cancel() since QEMU 8.1, which polls the calling thread's
 * context. */
static inline void bdrv_aio_cancel_801(BlockAIOCB *acb)
{
    qemu_aio_ref(acb);
    bdrv_aio_cancel_async(acb);
    while (acb->refcnt > 1) {
        aio_poll(qemu_get_current_aio_context(), true);
    }
    qemu_aio_unref(acb);
}
#define bdrv_aio_cancel bdrv_aio_cancel_801
#endif
/* Returns the main context: a BlockDriverState is opaque here and has no
 * context of its own. Takes no reference. Any thread. */
AioContext *bdrv_get_aio_context(BlockDriverState *bs);

#ifdef __cplusplus
}
#endif

#endif
