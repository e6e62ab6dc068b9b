/* SPDX-License-Identifier: MIT */
/* Running the bottom halves that were scheduled, in the home thread; in QEMU
 * util/async.c. */
#include "loop/loop.h"
#include "loop/bh-pool.h"
#include "port/calls.h"
#include "sync/trace.h"

#define BH_IDLE_INTERVAL_NS (10 * SCALE_MS)

/* ---- Running ---- */

/* The call-back may delete its bottom half, and a nested poll may then free it. */
static void call_guarded(QEMUBH *bh)
{
    MemReentrancyGuard *guard = bh->guard;
    bool engaged = guard->engaged_in_io;

    if (engaged) {
        trace(AIO_TRACE_reentrant_aio, trace_function(bh->cb), 0, bh->name);
    }
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

/* For those that have a guard, or are traced. */
static __attribute__((noinline)) void call_special(QEMUBH *bh)
{
    uint64_t cb = trace_function(bh->cb);

    trace(AIO_TRACE_aio_bh_begin, cb, trace_address(bh->opaque), bh->name);
    aio_bh_call(bh);
    trace(AIO_TRACE_aio_bh_end, cb, 0, NULL);
}

static QEMUBH *bh_dequeue(BHList *list, uint32_t *flags)
{
    QEMUBH *bh = QSLIST_FIRST(list);

    if (!bh) {
        return NULL;
    }
    /* Unlinks it first: as soon as PENDING is clear, another thread may queue it
     * again. */
    list->slh_first = QSLIST_NEXT(bh, next);
    *flags = qatomic_read(&bh->flags);
    if (!(*flags & BH_ONESHOT)) {
        *flags = qatomic_fetch_and(&bh->flags,
                                   ~(uint32_t)(BH_PENDING | BH_SCHEDULED | BH_IDLE));
    }
    return bh;
}

/*
 * A bottom half that is scheduled from a call-back runs in the next call, not in this
 * one: it goes to bh_list, which this call has emptied. A nested call appends its own
 * slice to the chain and works off the chain from the front, so that it first runs what
 * the outer call has not run yet. The outer call then finds the chain empty. special: a
 * flag of those bottom halves that call_special() runs.
 */
static inline __attribute__((always_inline)) int
run_slices_of(AioContext *ctx, AioBudget *budget, const uint32_t special)
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
            if (unlikely(flags & special)) {
                call_special(bh);
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

static __attribute__((noinline, cold)) int
run_slices_traced(AioContext *ctx, AioBudget *budget)
{
    return run_slices_of(ctx, budget, BH_SCHEDULED);
}

static inline __attribute__((always_inline)) int
run_slices(AioContext *ctx, AioBudget *budget)
{
    return trace_is_on() ? run_slices_traced(ctx, budget)
                         : run_slices_of(ctx, budget, BH_GUARDED);
}

int aio_bh_poll(AioContext *ctx)
{
    AIO_CHECK_CONTEXT(ctx);
    BHListSlice slice;

    if (!aio_has_bottom_halves(ctx)) {
        return 0;
    }
    QSLIST_MOVE_ATOMIC(&slice.bh_list, &ctx->bh_list);
    QSIMPLEQ_INSERT_TAIL(&ctx->bh_slice_list, &slice, next);
    return run_slices(ctx, NULL);
}

/*
 * Bottom halves for which there was no time stay on the chain as the slice bh_rest, and
 * run first in the next call of either function; only then is bh_list taken again. A
 * nested aio_bh_poll() works off bh_rest like any other slice.
 */
void aio_bh_poll_for(AioContext *ctx, AioBudget *budget)
{
    BHListSlice *rest = &ctx->bh_rest;
    bool outer = ctx->bh_rest_runs;

    if (!QSIMPLEQ_EMPTY(&ctx->bh_slice_list) &&
        QSIMPLEQ_FIRST(&ctx->bh_slice_list) != rest) {
        aio_bh_poll(ctx);              /* nested: called from a call-back of bh_rest */
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

/* ---- Looking at what is queued ---- */

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

/* ---- The end of a context ---- */

static void drain_list(AioContext *ctx, BHList *list)
{
    QEMUBH *bh;
    uint32_t flags;

    while ((bh = bh_dequeue(list, &flags))) {
        if (aio_parts_have(ctx, bh)) {
            continue;             /* its part has ended: it would find nothing to do */
        }
        if (!(flags & BH_DELETED)) {
            port_panic("aio_context_unref: BH '%s' leaked: delete it, or poll "
                       "the context until it has run", bh->name);
        }
        qatomic_dec(&ctx->bhs);
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

/* Freed instead of pooled: the calling thread is not the one that would reuse them. */
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
