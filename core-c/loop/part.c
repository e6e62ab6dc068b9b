/* SPDX-License-Identifier: MIT */
/* The registry of the kinds of parts that contexts have; see part.h. */
#include "loop/part.h"
#include "port/calls.h"

/* Sufficient for all types that a part may contain. */
#define ALIGNMENT _Alignof(max_align_t)

/* Written before main(), and only read afterwards. */
static AioPart *parts;
static size_t size = sizeof(AioContext);

size_t aio_parts_size(void)
{
    return size;
}

void aio_part_register(AioPart *part)
{
    part->offset = ROUND_UP(size, ALIGNMENT);
    size = part->offset + part->size;
    part->next = parts;
    parts = part;
}

bool aio_parts_have(const AioContext *ctx, const QEMUBH *bh)
{
    uintptr_t first = (uintptr_t)ctx, at = (uintptr_t)bh;

    return at > first && at < first + size;
}

#define CALL_EACH(function, args...)                                         \
    for (AioPart *part = parts; part; part = part->next) {                   \
        if (part->function) {                                                \
            CALL_OWN(part->function, args);                                  \
        }                                                                    \
    }

void aio_parts_begin(AioContext *ctx, bool again)
{
    CALL_EACH(begin, ctx, again)
}

void aio_parts_end(AioContext *ctx)
{
    CALL_EACH(end, ctx)
}

void aio_parts_abandon(AioContext *ctx)
{
    CALL_EACH(abandon, ctx)
}

void aio_parts_idle(AioContext *ctx)
{
    CALL_EACH(idle, ctx)
}

void aio_parts_dump(AioContext *ctx, AioDumpLine *line, void *opaque)
{
    CALL_EACH(dump, ctx, line, opaque)
}
