/* SPDX-License-Identifier: MIT */
#ifndef LOOP_BH_POOL_H
#define LOOP_BH_POOL_H
/*
 * Where bottom halves come from. A one-shot is made in one thread and freed in
 * another, millions of times: each thread fills and uses a list of its own, and
 * hands on full ones, so that a contended access is paid once a batch and
 * malloc's lock not at all.
 *
 * A pool hides the use of what was freed. Therefore its objects are poisoned under
 * AddressSanitizer, and with -DAIO_NO_POOLS each is malloc's.
 */
#include "loop/bh.h"
#include "port/sanitize.h"
#include "sync/thread.h"

enum { BH_BATCH = 64 };

typedef struct BHPool {
    QEMUBH *objects;              /* being filled, or used */
    unsigned count;               /* of these; below BH_BATCH */
    QEMUBH *batches;              /* first objects of full ones, linked by opaque */
    bool hooked;
    ThreadExitHook at_exit;
} BHPool;

/* A coroutine may change threads between two uses of a thread-local. */
BHPool *bh_pool(void);
/* objects is empty: one from elsewhere. NULL: out of memory. */
QEMUBH *bh_pool_refill(BHPool *pool);
/* objects is a batch: it goes to the others. */
void bh_pool_give(BHPool *pool);
/* What the thread keeps is freed when it ends. Idempotent. */
void bh_pool_hook(BHPool *pool);

#if defined(AIO_NO_POOLS)
static inline QEMUBH *bh_alloc(void)
{
    return malloc(sizeof(QEMUBH));
}

static inline void bh_free(QEMUBH *bh)
{
    free(bh);
}
#else
/* All but its links. */
static inline void bh_poison(QEMUBH *bh)
{
    sanitize_poison(bh, offsetof(QEMUBH, opaque));
    sanitize_poison(&bh->flags, sizeof(QEMUBH) - offsetof(QEMUBH, flags));
}

/* NULL: out of memory. Its fields are undefined. */
static inline QEMUBH *bh_alloc(void)
{
    BHPool *pool = bh_pool();
    QEMUBH *bh = pool->objects;

    if (unlikely(!bh)) {
        return bh_pool_refill(pool);
    }
    pool->objects = QSLIST_NEXT(bh, next);
    pool->count--;
    sanitize_unpoison(bh, sizeof(*bh));
    return bh;
}

static inline void bh_free(QEMUBH *bh)
{
    BHPool *pool = bh_pool();

    if (unlikely(!pool->hooked)) {
        bh_pool_hook(pool);           /* a thread that only frees */
    }
    bh->next.sle_next = pool->objects;
    bh_poison(bh);
    pool->objects = bh;
    if (++pool->count == BH_BATCH) {
        bh_pool_give(pool);
    }
}
#endif

#endif
