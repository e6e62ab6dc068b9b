/* SPDX-License-Identifier: MIT */
/* The memory of contexts that were abandoned (abandon.c), for contexts that are made later. */
#include "gmain/gmain.h"
#include "loop/loop.h"
#include <string.h>

static QemuMutex retired_lock;
static AioContext *retired;                    /* under retired_lock */

void aio_context_retire(AioContext *ctx)
{
    aio_bh_drop(ctx);
    /* This is the reference of the next context made here: the GSource is not freed. */
    ctx->source.ref_count = 1;
    qemu_mutex_lock(&retired_lock);
    ctx->abandoned.next = retired;
    retired = ctx;
    qemu_mutex_unlock(&retired_lock);
}

/* Returns true if bottom halves are left that somebody made in this context. */
static bool is_known(AioContext *ctx)
{
    aio_bh_drop(ctx);
    return qatomic_read(&ctx->bhs);
}

/* Makes it as new, except for the members that last. */
static void clear(AioContext *ctx)
{
    const size_t from = offsetof(AioContext, bh_slice_list);

    memset((char *)ctx + from, 0, offsetof(AioContext, abandoned) - from);
    ctx->source = (GSource){ .source_funcs = ctx->source.source_funcs,
                             .ref_count = 1, .flags = SOURCE_STAYS };
    ctx->abandoned.is_lost = false;
}

AioContext *aio_context_take_retired(void)
{
    AioContext **link = &retired, *ctx;

    qemu_mutex_lock(&retired_lock);
    while ((ctx = *link) && is_known(ctx)) {
        link = &ctx->abandoned.next;
    }
    if (ctx) {
        *link = ctx->abandoned.next;
    }
    qemu_mutex_unlock(&retired_lock);
    if (ctx) {
        clear(ctx);
    }
    return ctx;
}
