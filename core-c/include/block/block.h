/* SPDX-License-Identifier: MIT */
#ifndef QEMU_BLOCK_H
#define QEMU_BLOCK_H
#include "block/aio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Home. Ends with the request's call-back having run. */
void bdrv_aio_cancel(BlockAIOCB *acb);
/* Home. The call-back comes later, once, with -ECANCELED or the real result. */
void bdrv_aio_cancel_async(BlockAIOCB *acb);
#if AIO_API_VERSION >= 801
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
/* Any. The main context: a BlockDriverState is opaque here and has no other. */
AioContext *bdrv_get_aio_context(BlockDriverState *bs);

#ifdef __cplusplus
}
#endif

#endif
