/* SPDX-License-Identifier: MIT */
/* Making and scheduling bottom halves, in any thread; in QEMU util/async.c. */
#include "loop/loop.h"
#include "loop/bh-pool.h"

static inline void fill_in(QEMUBH *bh, AioContext *ctx, QEMUBHFunc *cb,
                           void *opaque, const char *name, uint32_t flags)
{
    bh->ctx = ctx;
    bh->name = name;
    bh->cb = cb;
    bh->opaque = opaque;
    bh->flags = flags;
}

void bh_init(QEMUBH *bh, AioContext *ctx, QEMUBHFunc *cb, void *opaque,
             const char *name)
{
    fill_in(bh, ctx, cb, opaque, name, 0);
}

static __attribute__((noinline, cold)) QEMU_NORETURN
void no_memory(const char *name)
{
    port_panic("bottom half '%s': out of memory", name);
}

/* ---- Scheduling ---- */

/*
 * Pairs with bh_dequeue. Either it clears PENDING after our fetch-or, and its
 * run sees everything that we wrote before; or PENDING was clear, and we queue
 * the bottom half again.
 */
static uint32_t bh_queue(QEMUBH *bh, AioContext *ctx, uint32_t new_flags)
{
    uint32_t old;

    /* If the thread were lost between these steps, nobody could queue the bottom
     * half again. The aio_notify() that follows need not be counted: it is made
     * up for when the thread is lost. */
    port_thread_holds(1);
    old = qatomic_fetch_or(&bh->flags, BH_PENDING | new_flags);
    if (!(old & BH_PENDING)) {
        QSLIST_INSERT_HEAD_ATOMIC(&ctx->bh_list, bh, next);
    }
    port_thread_holds(-1);
    return old;
}

static void bh_enqueue(QEMUBH *bh, uint32_t new_flags)
{
    /* Read first: once it is queued, bh may be freed, and the context, too, if this was what
     * its thread was waiting for. The words of a wakeup outlive the context. */
    AioContext *ctx = bh->ctx;
    Wakeup *wakeup = ctx->wakeup;
    uint32_t old = bh_queue(bh, ctx, new_flags);

    /* If it was scheduled already, the thread that did so notifies after it, and
     * the run, which is still to come, will see what we wrote. */
    if ((old & (BH_PENDING | BH_SCHEDULED | BH_IDLE)) !=
        (BH_PENDING | BH_SCHEDULED)) {
        wakeup_notify(wakeup);
    }
}

QEMUBH *aio_bh_try_new(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                       const char *name)
{
    QEMUBH *bh = bh_alloc();

    if (bh) {
        fill_in(bh, ctx, cb, opaque, name, 0);
        qatomic_inc(&ctx->bhs);
    }
    return bh;
}

void aio_bh_discard(QEMUBH *bh)
{
    if (bh) {
        qatomic_dec(&bh->ctx->bhs);
        bh_free(bh);
    }
}

QEMUBH *aio_bh_new_full(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                        const char *name)
{
    AIO_CHECK_CONTEXT(ctx);
    QEMUBH *bh = aio_bh_try_new(ctx, cb, opaque, name);

    if (unlikely(!bh)) {
        no_memory(name);
    }
    return bh;
}

QEMUBH *aio_bh_new_full_guarded(AioContext *ctx, QEMUBHFunc *cb, void *opaque,
                                const char *name, MemReentrancyGuard *guard)
{
    QEMUBH *bh = aio_bh_new_full(ctx, cb, opaque, name);

    if (guard) {
        bh->guard = guard;
        bh->flags = BH_GUARDED;
    }
    return bh;
}

void aio_bh_schedule_oneshot_full(AioContext *ctx, QEMUBHFunc *cb,
                                  void *opaque, const char *name)
{
    AIO_CHECK_CONTEXT(ctx);
    Wakeup *wakeup = ctx->wakeup;   /* read first, as in bh_enqueue */
    QEMUBH *bh = bh_alloc();

    if (unlikely(!bh)) {
        no_memory(name);
    }
    /* No other thread knows it yet, so its flags need no atomic operation. */
    fill_in(bh, ctx, cb, opaque, name,
            BH_PENDING | BH_SCHEDULED | BH_ONESHOT);
    QSLIST_INSERT_HEAD_ATOMIC(&ctx->bh_list, bh, next);
    wakeup_notify(wakeup);
}

void qemu_bh_schedule(QEMUBH *bh)
{
    bh_enqueue(bh, BH_SCHEDULED);
}

/*
 * The loop's own thread need not be woken, and setting `notified` would keep its
 * next poll from waiting: an idle bottom half that schedules itself would make
 * the loop spin. A foreign loop that sleeps for a GSource has to be notified.
 */
void qemu_bh_schedule_idle(QEMUBH *bh)
{
    AioContext *ctx = bh->ctx;

    bh_queue(bh, ctx, BH_SCHEDULED | BH_IDLE);
    if (!aio_is_home_thread(ctx) || qatomic_read(&ctx->wakeup->notify_me)) {
        aio_notify(ctx);
    }
}

void qemu_bh_cancel(QEMUBH *bh)
{
    qatomic_and(&bh->flags, ~(uint32_t)BH_SCHEDULED);
}

void qemu_bh_delete(QEMUBH *bh)
{
    bh_enqueue(bh, BH_DELETED);
}

void aio_bh_delete_abandoned(QEMUBH *bh)
{
    bh_queue(bh, bh->ctx, BH_DELETED);
}
