/* SPDX-License-Identifier: MIT */
#ifndef LOOP_PART_H
#define LOOP_PART_H
/*
 * Parts of a context: what the rooms above the loop keep for each context, such as its
 * thread pool, its block engines, and the coroutines that wait to be entered.
 *
 * Each kind of part registers itself with the loop before main() and brings along the
 * functions that the loop calls in the course of a context's life. The loop knows nothing
 * else of them. The memory of all parts lies behind the context, in the same allocation,
 * so that finding a part costs one addition and making a context cannot fail for a part.
 */
#include "block/aio.h"

typedef void AioDumpLine(void *opaque, const char *text);

typedef struct AioPart AioPart;
struct AioPart {
    size_t size;               /* of what each context keeps; all zero at first */

    /* All of these may be NULL. */

    /* The context has been made, or (again) is used once more after it was abandoned.
     * Other threads may still schedule the part's bottom halves in the second case, so
     * that these may be initialised in the first case only. */
    void (*begin)(AioContext *ctx, bool again);
    /* The last reference was dropped. Panics if something is left that should have
     * ended. */
    void (*end)(AioContext *ctx);
    /* The home thread was lost (aio_context_abandon). The part ends what works for it;
     * aio_context_serving tells whom to wait for. */
    void (*abandon)(AioContext *ctx);
    /* Nobody works for an abandoned context any longer: requests are freed. */
    void (*idle)(AioContext *ctx);
    /* Calls line for each line that aio_context_dump is to show. Any thread. */
    void (*dump)(AioContext *ctx, AioDumpLine *line, void *opaque);

    /* part.c */
    size_t offset;
    AioPart *next;
};

/* Before main(): each context that is made afterwards has this part. */
void aio_part_register(AioPart *part);
#define AIO_PART_REGISTER(part)                                              \
    static __attribute__((constructor(101))) void register_##part(void)      \
    {                                                                        \
        aio_part_register(&part);                                            \
    }                                                                        \
    _Static_assert(1, "a semicolon follows")

/* What ctx keeps for this kind of part: part->size bytes. */
static inline void *aio_part(AioContext *ctx, const AioPart *part)
{
    return (char *)ctx + part->offset;
}

/* The size of a context with all its parts. */
size_t aio_parts_size(void);
/* Whether a bottom half is a member of one of ctx's parts (bh_init). */
bool aio_parts_have(const AioContext *ctx, const QEMUBH *bh);

/* These call the function of that name in each part of ctx. */
void aio_parts_begin(AioContext *ctx, bool again);
void aio_parts_end(AioContext *ctx);
void aio_parts_abandon(AioContext *ctx);
void aio_parts_idle(AioContext *ctx);
void aio_parts_dump(AioContext *ctx, AioDumpLine *line, void *opaque);

#endif
