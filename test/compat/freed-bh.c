/* SPDX-License-Identifier: MIT */
/* A wrong program: it schedules a bottom half that was freed. */
#include "block/aio.h"
#include <stdio.h>

static void cb(void *opaque)
{
    (void)opaque;
}

int main(void)
{
    AioContext *ctx = aio_context_new(NULL);
    QEMUBH *bh = aio_bh_new(ctx, cb, NULL);

    qemu_set_current_aio_context(ctx);
    qemu_bh_delete(bh);
    aio_poll(ctx, false);
    qemu_bh_schedule(bh);
    printf("nobody has seen it\n");
    return 0;
}
