/* SPDX-License-Identifier: MIT */
#ifndef LOOP_PART_H
#define LOOP_PART_H
/*
 * Parts of a context: what the subsystems above the loop keep for each context, such as
 * its thread pool, its block engines, and the coroutines that wait to be entered.
 *
 * Each kind of part registers itself before main(), with functions that the loop calls
 * during a context's life. The loop knows nothing else of it. The memory of all parts
 * follows the context in the same allocation, so finding a part costs one addition, and
 * making a context cannot fail because of a part.
 */
#include "block/aio.h"

typedef void AioDumpLine(void *opaque, const char *text);

typedef struct AioPart AioPart;
struct AioPart {
    size_t size;               /* bytes for each context; all zero at first */

    /* Each of the following functions may be NULL. */

    /* Called when the context has been made, or (again) is reused after it was abandoned.
     * In the second case other threads may still schedule the part's bottom halves, so
     * these may be initialised only in the first case. */
    void (*begin)(AioContext *ctx, bool again);
    /* Called when the last reference was dropped. Panics if something is left that should
     * have ended. */
    void (*end)(AioContext *ctx);
    /* Called when the home thread was lost (aio_context_abandon). The part ends the
     * threads that work for it; aio_context_serving() says which to wait for. */
    void (*abandon)(AioContext *ctx);
    /* Called when nobody works for an abandoned context any more: requests are freed. */
    void (*idle)(AioContext *ctx);
    /* Calls line for each line that aio_context_dump() is to show. Any thread. */
    void (*dump)(AioContext *ctx, AioDumpLine *line, void *opaque);

    /* part.c */
    size_t offset;
    AioPart *next;
};

/* Registers a kind of part; called before main(). Each context that is made afterwards
 * has the part. */
void aio_part_register(AioPart *part);
#define AIO_PART_REGISTER(part)                                              \
    static __attribute__((constructor(101))) void register_##part(void)      \
    {                                                                        \
        aio_part_register(&part);                                            \
    }                                                                        \
    _Static_assert(1, "a semicolon follows")

/* Returns what ctx keeps for this kind of part: part->size bytes. */
static inline void *aio_part(AioContext *ctx, const AioPart *part)
{
    return (char *)ctx + part->offset;
}

/* Returns the size of a context with all its parts, in bytes. */
size_t aio_parts_size(void);
/* Returns true if a bottom half is a member of one of ctx's parts (bh_init). */
bool aio_parts_have(const AioContext *ctx, const QEMUBH *bh);

/* These call the function of that name in each part of ctx. */
void aio_parts_begin(AioContext *ctx, bool again);
void aio_parts_end(AioContext *ctx);
void aio_parts_abandon(AioContext *ctx);
void aio_parts_idle(AioContext *ctx);
void aio_parts_dump(AioContext *ctx, AioDumpLine *line, void *opaque);

#endif
