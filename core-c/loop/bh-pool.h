/* SPDX-License-Identifier: MIT */
#ifndef LOOP_BH_POOL_H
#define LOOP_BH_POOL_H
/*
 * The allocator of bottom halves. One-shot bottom halves are made in one thread and
 * freed in another, millions of times. Each thread fills and uses a list of its own
 * and passes on full batches, so there is one contended access per batch, and
 * malloc's lock is not taken.
 *
 * A pool would hide uses after free. Its objects are therefore poisoned under
 * AddressSanitizer, and with -DAIO_NO_POOLS each is allocated by malloc.
 */
#include "loop/bh.h"
#include "port/sanitize.h"
#include "sync/thread.h"

enum { BH_BATCH = 64 };

typedef struct BHPool {
    QEMUBH *objects;              /* the batch that is being filled or used */
    unsigned count;               /* objects in it; below BH_BATCH */
    QEMUBH *batches;              /* first objects of full batches, linked by
                                   * opaque */
    bool hooked;
    ThreadExitHook at_exit;
} BHPool;

/* Returns the pool of the calling thread. Not inlined: a coroutine may change
 * threads between two uses of a thread-local. */
BHPool *bh_pool(void);
/* Called when objects is empty: returns an object from another batch or malloc, or
 * NULL if there is no memory. */
QEMUBH *bh_pool_refill(BHPool *pool);
/* Called when objects is a full batch: passes it on to other threads. */
void bh_pool_give(BHPool *pool);
/* Makes the thread free its objects when it ends; further calls do nothing. */
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
/* Poisons all of it but its links. */
static inline void bh_poison(QEMUBH *bh)
{
    sanitize_poison(bh, offsetof(QEMUBH, opaque));
    sanitize_poison(&bh->flags, sizeof(QEMUBH) - offsetof(QEMUBH, flags));
}

/* Allocates a bottom half, whose fields are undefined. Returns NULL if there is no
 * memory. */
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
        bh_pool_hook(pool);           /* the thread may never have allocated */
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
