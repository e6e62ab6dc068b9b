/* SPDX-License-Identifier: MIT */
/* Bottom halves: util/async.c. */
#include "loop/aio-context.h"
#include "sync/thread.h"

enum {
    BH_PENDING = 1,      /* on bh_list or a slice */
    BH_SCHEDULED = 2,    /* run it */
    BH_DELETED = 4,      /* free it */
    BH_ONESHOT = 8,      /* free it after the run */
    BH_IDLE = 16,        /* the run is no progress */
};

#define BH_IDLE_INTERVAL_NS (10 * SCALE_MS)

struct QEMUBH {
    AioContext *ctx;
    const char *name;
    QEMUBHFunc *cb;
    void *opaque;
    QSLIST_ENTRY(QEMUBH) next;
    uint32_t flags;
};

/* ---- Objects ----
 *
 * A one-shot is made in one thread and freed in another, millions of times.
 * Each thread keeps some objects and hands them on in batches, so that a
 * contended access is paid once a batch and malloc's lock not at all.
 */
enum { BH_BATCH = 64, BH_KEEP = 2 * BH_BATCH, BH_SPARE_BATCHES = 64 };

typedef struct BHPool {
    BHList objects;
    unsigned count;
    bool hooked;
    ThreadExitHook at_exit;
} BHPool;

static _Thread_local BHPool bh_pool_tls;
static QEMUBH *spare_batches;         /* first objects, linked by opaque */
static uint32_t spare_batch_count;

static __attribute__((noinline)) BHPool *bh_pool(void)
{
    __asm__ volatile("");             /* a coroutine may have changed threads */
    return &bh_pool_tls;
}

static void bh_free_list(QEMUBH *bh)
{
    while (bh) {
        QEMUBH *next = QSLIST_NEXT(bh, next);
        free(bh);
        bh = next;
    }
}

static void bh_pool_exit(ThreadExitHook *hook)
{
    BHPool *pool = container_of(hook, BHPool, at_exit);

    bh_free_list(QSLIST_FIRST(&pool->objects));
    QSLIST_INIT(&pool->objects);
    pool->count = 0;
    pool->hooked = false;
}

/* What the thread keeps is freed when it ends. */
static void bh_pool_hook(BHPool *pool)
{
    if (unlikely(!pool->hooked)) {
        pool->hooked = true;
        pool->at_exit.fn = bh_pool_exit;
        thread_at_exit(&pool->at_exit);
    }
}

/* Takes a batch off the pool, of which it is the front part. */
static void bh_pool_give(BHPool *pool)
{
    QEMUBH *first = QSLIST_FIRST(&pool->objects), *last = first;

    for (int i = 1; i < BH_BATCH; i++) {
        last = QSLIST_NEXT(last, next);
    }
    pool->objects.slh_first = QSLIST_NEXT(last, next);
    pool->count -= BH_BATCH;
    last->next.sle_next = NULL;
    if (qatomic_fetch_inc(&spare_batch_count) >= BH_SPARE_BATCHES) {
        qatomic_dec(&spare_batch_count);
        bh_free_list(first);
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

/* Takes all batches there are: taking one of them would be open to ABA. */
static void bh_pool_take(BHPool *pool)
{
    QEMUBH *first = qatomic_xchg(&spare_batches, NULL);

    bh_pool_hook(pool);
    while (first) {
        QEMUBH *next_batch = first->opaque, *last = first;
        for (int i = 1; i < BH_BATCH; i++) {
            last = QSLIST_NEXT(last, next);
        }
        last->next.sle_next = QSLIST_FIRST(&pool->objects);
        pool->objects.slh_first = first;
        pool->count += BH_BATCH;
        qatomic_dec(&spare_batch_count);
        first = next_batch;
    }
}

static QEMUBH *bh_alloc(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                        const char *name, uint32_t flags)
{
    BHPool *pool = bh_pool();
    QEMUBH *bh = QSLIST_FIRST(&pool->objects);

    if (unlikely(!bh) && qatomic_read(&spare_batches)) {
        bh_pool_take(pool);
        bh = QSLIST_FIRST(&pool->objects);
    }
    if (likely(bh)) {
        pool->objects.slh_first = QSLIST_NEXT(bh, next);
        pool->count--;
    } else {
        bh = malloc(sizeof(*bh));
        if (!bh) {
            port_panic("bottom half '%s': out of memory", name);
        }
    }
    *bh = (QEMUBH){ .ctx = ctx, .name = name, .cb = cb, .opaque = opaque,
                    .flags = flags };
    return bh;
}

static void bh_free(QEMUBH *bh)
{
    BHPool *pool = bh_pool();

    bh_pool_hook(pool);
    QSLIST_INSERT_HEAD(&pool->objects, bh, next);
    if (++pool->count > BH_KEEP) {
        bh_pool_give(pool);
    }
}

/* ---- Scheduling ---- */

/*
 * Pairs with bh_dequeue: either it clears PENDING after our fetch-or, and its
 * run sees all that we wrote before, or PENDING was clear and we queue it anew.
 */
static void bh_enqueue(QEMUBH *bh, uint32_t new_flags)
{
    AioContext *ctx = bh->ctx;      /* bh may be freed as soon as it is queued */
    uint32_t old = qatomic_fetch_or(&bh->flags, BH_PENDING | new_flags);

    if (!(old & BH_PENDING)) {
        QSLIST_INSERT_HEAD_ATOMIC(&ctx->bh_list, bh, next);
    } else if ((old & (BH_SCHEDULED | BH_IDLE)) == BH_SCHEDULED) {
        /* Whoever set these bits notifies after it; and as they were set, its
         * run is still to come, and sees what we wrote. */
        return;
    }
    aio_notify(ctx);
}

QEMUBH *aio_bh_new_full(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                        const char *name)
{
    return bh_alloc(ctx, cb, opaque, name, 0);
}

void aio_bh_schedule_oneshot_full(AioContext *ctx, QEMUBHFunc *cb,
                                  void *opaque, const char *name)
{
    /* Nobody else knows it, so its flags need no atomic operation. */
    QEMUBH *bh = bh_alloc(ctx, cb, opaque, name,
                          BH_PENDING | BH_SCHEDULED | BH_ONESHOT);

    QSLIST_INSERT_HEAD_ATOMIC(&ctx->bh_list, bh, next);
    aio_notify(ctx);
}

void qemu_bh_schedule(QEMUBH *bh)
{
    bh_enqueue(bh, BH_SCHEDULED);
}

void qemu_bh_schedule_idle(QEMUBH *bh)
{
    bh_enqueue(bh, BH_SCHEDULED | BH_IDLE);
}

void qemu_bh_cancel(QEMUBH *bh)
{
    qatomic_and(&bh->flags, ~(uint32_t)BH_SCHEDULED);
}

void qemu_bh_delete(QEMUBH *bh)
{
    bh_enqueue(bh, BH_DELETED);
}

void aio_bh_call(QEMUBH *bh)
{
    bh->cb(bh->opaque);
}

/* ---- Running ---- */

static QEMUBH *bh_dequeue(BHList *list, uint32_t *flags)
{
    QEMUBH *bh = QSLIST_FIRST(list);

    if (!bh) {
        return NULL;
    }
    /* Unlink first: as soon as PENDING is clear another thread may queue it. */
    list->slh_first = QSLIST_NEXT(bh, next);
    *flags = qatomic_read(&bh->flags);
    if (!(*flags & BH_ONESHOT)) {
        *flags = qatomic_fetch_and(&bh->flags,
                                   ~(uint32_t)(BH_PENDING | BH_SCHEDULED | BH_IDLE));
    }
    return bh;
}

/*
 * What is scheduled from a call-back runs in the next call, not in this one: it
 * goes to bh_list, of which this call took all. A nested call appends its own
 * slice and then works off the chain from its front, so that it first runs what
 * the outer one had not run yet; the outer one then finds the chain empty.
 */
int aio_bh_poll(AioContext *ctx)
{
    BHListSlice slice, *front;
    uint32_t ran = 0;
    int progress = 0;

    if (!qatomic_load_acquire(&ctx->bh_list.slh_first) &&
        QSIMPLEQ_EMPTY(&ctx->bh_slice_list)) {
        return 0;
    }
    QSLIST_MOVE_ATOMIC(&slice.bh_list, &ctx->bh_list);
    QSIMPLEQ_INSERT_TAIL(&ctx->bh_slice_list, &slice, next);
    while ((front = QSIMPLEQ_FIRST(&ctx->bh_slice_list))) {
        uint32_t flags;
        QEMUBH *bh = bh_dequeue(&front->bh_list, &flags);

        if (!bh) {
            QSIMPLEQ_REMOVE_HEAD(&ctx->bh_slice_list, next);
            continue;
        }
        if ((flags & (BH_SCHEDULED | BH_DELETED)) == BH_SCHEDULED) {
            progress |= !(flags & BH_IDLE);
            ran++;
            bh->cb(bh->opaque);
        }
        if (flags & (BH_DELETED | BH_ONESHOT)) {
            bh_free(bh);
        }
    }
    aio_stat_add(&ctx->stats.bhs, ran);
    return progress;
}

static int64_t bh_list_timeout(QEMUBH *bh)
{
    int64_t timeout = -1;

    for (; bh; bh = QSLIST_NEXT(bh, next)) {
        uint32_t flags = qatomic_load_acquire(&bh->flags);
        if ((flags & (BH_SCHEDULED | BH_DELETED)) == BH_SCHEDULED) {
            if (!(flags & BH_IDLE)) {
                return 0;
            }
            timeout = BH_IDLE_INTERVAL_NS;
        }
    }
    return timeout;
}

int64_t aio_bh_timeout(AioContext *ctx)
{
    int64_t timeout =
        bh_list_timeout(qatomic_load_acquire(&ctx->bh_list.slh_first));
    BHListSlice *slice;

    QSIMPLEQ_FOREACH(slice, &ctx->bh_slice_list, next) {
        timeout = qemu_soonest_timeout(
            timeout, bh_list_timeout(QSLIST_FIRST(&slice->bh_list)));
    }
    return timeout;
}

void aio_bh_drain(AioContext *ctx)
{
    BHList rest;
    QEMUBH *bh;
    uint32_t flags;

    if (!QSIMPLEQ_EMPTY(&ctx->bh_slice_list)) {
        port_panic("aio_context_unref: the last reference was dropped inside "
                   "aio_bh_poll of the same context");
    }
    QSLIST_MOVE_ATOMIC(&rest, &ctx->bh_list);
    while ((bh = bh_dequeue(&rest, &flags))) {
        if (!(flags & BH_DELETED)) {
            port_panic("aio_context_unref: BH '%s' leaked: delete it, or poll "
                       "the context until it has run", bh->name);
        }
        bh_free(bh);
    }
}
