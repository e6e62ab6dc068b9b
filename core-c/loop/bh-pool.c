/* SPDX-License-Identifier: MIT */
#include "loop/bh-pool.h"

enum { SPARE_BATCHES = 64 };

static _Thread_local BHPool bh_pool_tls;
static QEMUBH *spare_batches;         /* the first object of each batch, linked
                                       * by opaque */
static uint32_t spare_batch_count;

__attribute__((noinline)) BHPool *bh_pool(void)
{
    __asm__ volatile("");
    return &bh_pool_tls;
}

static void free_objects(QEMUBH *bh)
{
    while (bh) {
        QEMUBH *next = QSLIST_NEXT(bh, next);
        sanitize_unpoison(bh, sizeof(*bh));
        free(bh);
        bh = next;
    }
}

static void give_back_all(ThreadExitHook *hook)
{
    BHPool *pool = container_of(hook, BHPool, at_exit);

    free_objects(pool->objects);
    while (pool->batches) {
        QEMUBH *first = pool->batches;
        pool->batches = first->opaque;
        free_objects(first);
    }
    pool->objects = NULL;
    pool->count = 0;
    pool->hooked = false;
}

void bh_pool_hook(BHPool *pool)
{
    if (!pool->hooked) {
        pool->hooked = true;
        pool->at_exit.fn = give_back_all;
        thread_at_exit(&pool->at_exit);
    }
}

/* Keeps one full batch: a thread that alternates between freeing and allocating
 * would otherwise exchange a batch each time. */
void bh_pool_give(BHPool *pool)
{
    QEMUBH *first = pool->objects;

    pool->objects = NULL;
    pool->count = 0;
    if (!pool->batches) {
        first->opaque = NULL;
        pool->batches = first;
        return;
    }
    if (qatomic_fetch_inc(&spare_batch_count) >= SPARE_BATCHES) {
        qatomic_dec(&spare_batch_count);
        free_objects(first);
        return;
    }
    for (QEMUBH *head = qatomic_read(&spare_batches), *seen;; head = seen) {
        first->opaque = head;
        seen = qatomic_cmpxchg(&spare_batches, head, first);
        if (seen == head) {
            return;
        }
    }
}

/* Takes all batches at once: taking a single one would be open to ABA. */
static QEMUBH *take_batches(void)
{
    QEMUBH *first = qatomic_xchg(&spare_batches, NULL);
    uint32_t count = 0;

    for (QEMUBH *batch = first; batch; batch = batch->opaque) {
        count++;
    }
    qatomic_sub(&spare_batch_count, count);
    return first;
}

QEMUBH *bh_pool_refill(BHPool *pool)
{
    QEMUBH *bh;

    bh_pool_hook(pool);
    if (!pool->batches && qatomic_read(&spare_batches)) {
        pool->batches = take_batches();
    }
    bh = pool->batches;
    if (!bh) {
        return malloc(sizeof(*bh));
    }
    pool->batches = bh->opaque;
    pool->objects = QSLIST_NEXT(bh, next);
    pool->count = BH_BATCH - 1;
    sanitize_unpoison(bh, sizeof(*bh));
    return bh;
}
