/* SPDX-License-Identifier: MIT */
/* Bottom halves: util/async.c. */
#include "loop/aio-context.h"
#include "loop/bh-pool.h"
#include "port/calls.h"

enum {
    BH_PENDING = 1,      /* on bh_list or a slice */
    BH_SCHEDULED = 2,    /* run it */
    BH_DELETED = 4,      /* free it */
    BH_ONESHOT = 8,      /* free it after the run */
    BH_IDLE = 16,        /* the run is no progress */
    BH_GUARDED = 32,     /* the run is told by guard; never changes */
};

#define BH_IDLE_INTERVAL_NS (10 * SCALE_MS)

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
 * Pairs with bh_dequeue: either it clears PENDING after our fetch-or, and its
 * run sees all that we wrote before, or PENDING was clear and we queue it anew.
 */
static uint32_t bh_queue(QEMUBH *bh, AioContext *ctx, uint32_t new_flags)
{
    uint32_t old;

    /* A thread that is lost in between leaves a bottom half that nobody could
     * queue any more. What follows, aio_notify, is made good when it is lost. */
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
    AioContext *ctx = bh->ctx;      /* bh may be freed as soon as it is queued */
    uint32_t old = bh_queue(bh, ctx, new_flags);

    /* If it was scheduled already, whoever did that notifies after it, and as
     * its run is still to come, it will see what we wrote. */
    if ((old & (BH_PENDING | BH_SCHEDULED | BH_IDLE)) !=
        (BH_PENDING | BH_SCHEDULED)) {
        aio_notify(ctx);
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
    QEMUBH *bh = bh_alloc();

    if (unlikely(!bh)) {
        no_memory(name);
    }
    /* Nobody else knows it, so its flags need no atomic operation. */
    fill_in(bh, ctx, cb, opaque, name,
            BH_PENDING | BH_SCHEDULED | BH_ONESHOT);
    QSLIST_INSERT_HEAD_ATOMIC(&ctx->bh_list, bh, next);
    aio_notify(ctx);
}

void qemu_bh_schedule(QEMUBH *bh)
{
    bh_enqueue(bh, BH_SCHEDULED);
}

/*
 * In the loop's own thread there is nobody to wake, and saying "notified" would
 * make the next wait none: an idle bottom half that schedules itself would spin.
 * A foreign loop that sleeps for a GSource does have to hear of it.
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

/* The call-back may delete its bottom half, and a poll in it may free that. */
static void call_guarded(QEMUBH *bh)
{
    MemReentrancyGuard *guard = bh->guard;
    bool engaged = guard->engaged_in_io;

    guard->engaged_in_io = true;
    CALL_USER(bh->cb, bh->opaque);
    guard->engaged_in_io = engaged;
}

void aio_bh_call(QEMUBH *bh)
{
    if (qatomic_read(&bh->flags) & BH_GUARDED) {
        call_guarded(bh);
    } else {
        CALL_USER(bh->cb, bh->opaque);
    }
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
static inline __attribute__((always_inline)) int
run_slices(AioContext *ctx, AioBudget *budget)
{
    BHListSlice *front;
    uint32_t ran = 0;
    int progress = 0;

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
            if (unlikely(flags & BH_GUARDED)) {
                call_guarded(bh);
            } else {
                CALL_USER(bh->cb, bh->opaque);
            }
        }
        if (flags & (BH_DELETED | BH_ONESHOT)) {
            if (flags & BH_DELETED) {
                qatomic_dec(&ctx->bhs);
            }
            bh_free(bh);
        }
        if (aio_budget_is_spent(budget)) {
            break;
        }
    }
    port_count_add(&ctx->stats.bhs, ran);
    return progress;
}

int aio_bh_poll(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    BHListSlice slice;

    if (!qatomic_load_acquire(&ctx->bh_list.slh_first) &&
        QSIMPLEQ_EMPTY(&ctx->bh_slice_list)) {
        return 0;
    }
    QSLIST_MOVE_ATOMIC(&slice.bh_list, &ctx->bh_list);
    QSIMPLEQ_INSERT_TAIL(&ctx->bh_slice_list, &slice, next);
    return run_slices(ctx, NULL);
}

/*
 * What there is no time for stays on the chain, as the slice bh_rest, and comes first
 * in the next call of either function; only then is bh_list taken again. A nested
 * aio_bh_poll works it off like any other slice.
 */
void aio_bh_poll_for(AioContext *ctx, AioBudget *budget)
{
    BHListSlice *rest = &ctx->bh_rest;
    bool outer = ctx->bh_rest_runs;

    if (!QSIMPLEQ_EMPTY(&ctx->bh_slice_list) &&
        QSIMPLEQ_FIRST(&ctx->bh_slice_list) != rest) {
        aio_bh_poll(ctx);              /* it is in a call-back of such a one */
        return;
    }
    ctx->bh_rest_runs = true;
    run_slices(ctx, budget);
    if (QSIMPLEQ_EMPTY(&ctx->bh_slice_list) &&
        qatomic_load_acquire(&ctx->bh_list.slh_first)) {
        QSLIST_MOVE_ATOMIC(&rest->bh_list, &ctx->bh_list);
        QSIMPLEQ_INSERT_TAIL(&ctx->bh_slice_list, rest, next);
        run_slices(ctx, budget);
    }
    ctx->bh_rest_runs = outer;
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

static void bh_list_dump(QEMUBH *bh, AioDumpLine *line, void *opaque)
{
    char text[128];

    for (; bh; bh = QSLIST_NEXT(bh, next)) {
        uint32_t flags = qatomic_read(&bh->flags);
        snprintf(text, sizeof(text), "  bottom half '%s'%s%s%s", bh->name,
                 flags & BH_SCHEDULED ? ", scheduled" : "",
                 flags & BH_IDLE ? ", idle" : "",
                 flags & BH_DELETED ? ", deleted" : "");
        CALL_USER(line, opaque, text);
    }
}

void aio_bh_dump(AioContext *ctx, AioDumpLine *line, void *opaque)
{
    BHListSlice *slice;

    QSIMPLEQ_FOREACH(slice, &ctx->bh_slice_list, next) {
        bh_list_dump(QSLIST_FIRST(&slice->bh_list), line, opaque);
    }
    bh_list_dump(qatomic_load_acquire(&ctx->bh_list.slh_first), line, opaque);
}

static void drain_list(AioContext *ctx, BHList *list)
{
    QEMUBH *bh;
    uint32_t flags;

    while ((bh = bh_dequeue(list, &flags))) {
        if (aio_parts_have(ctx, bh)) {
            continue;             /* the part has ended: it would find nothing to do */
        }
        if (!(flags & BH_DELETED)) {
            port_panic("aio_context_unref: BH '%s' leaked: delete it, or poll "
                       "the context until it has run", bh->name);
        }
        bh_free(bh);
    }
}

void aio_bh_drain(AioContext *ctx)
{
    BHListSlice *front = QSIMPLEQ_FIRST(&ctx->bh_slice_list);
    BHList list;

    if (front == &ctx->bh_rest && !QSIMPLEQ_NEXT(front, next) &&
        !ctx->bh_rest_runs) {
        QSIMPLEQ_REMOVE_HEAD(&ctx->bh_slice_list, next);
        drain_list(ctx, &front->bh_list);
    }
    if (!QSIMPLEQ_EMPTY(&ctx->bh_slice_list)) {
        port_panic("aio_context_unref: the last reference was dropped inside "
                   "aio_bh_poll of the same context");
    }
    QSLIST_MOVE_ATOMIC(&list, &ctx->bh_list);
    drain_list(ctx, &list);
}

void aio_bh_delete_abandoned(QEMUBH *bh)
{
    bh_queue(bh, bh->ctx, BH_DELETED);
}

/* Freed, not kept: whoever does this is not the one that would use them again. */
static void drop_list(AioContext *ctx, BHList *list)
{
    QEMUBH *bh;
    uint32_t flags;

    while ((bh = bh_dequeue(list, &flags))) {
        if (flags & BH_DELETED) {
            qatomic_dec(&ctx->bhs);
        }
        if (flags & (BH_DELETED | BH_ONESHOT)) {
            free(bh);
        }
    }
}

void aio_bh_drop(AioContext *ctx)
{
    BHListSlice *slice;
    BHList list;

    while ((slice = QSIMPLEQ_FIRST(&ctx->bh_slice_list))) {
        QSIMPLEQ_REMOVE_HEAD(&ctx->bh_slice_list, next);
        drop_list(ctx, &slice->bh_list);
    }
    QSLIST_MOVE_ATOMIC(&list, &ctx->bh_list);
    drop_list(ctx, &list);
}
