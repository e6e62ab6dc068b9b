/* SPDX-License-Identifier: MIT */
/* Coroutines and contexts: in which context a coroutine is entered; in QEMU
 * util/async.c. */
#include "coroutine/coroutine.h"
#include "loop/loop.h"
#include "loop/bh.h"
#include "sync/trace.h"

void coroutine_set_scheduled(Coroutine *co, const char *by)
{
    const char *scheduled = qatomic_cmpxchg(&co->scheduled, NULL, by);

    if (unlikely(scheduled)) {
        coroutine_refuse_scheduled(co, by, scheduled);
    }
}

/* ---- Scheduling ---- */

/* The part of a context: the coroutines that wait to be entered, and the bottom half
 * that enters them. */
typedef struct CoSchedule {
    QSLIST_HEAD(, Coroutine) scheduled;   /* pushed by any thread */
    QEMUBH bh;                            /* enters them */
} CoSchedule;

static void co_schedule_begin(AioContext *ctx, bool again);
static void co_schedule_end(AioContext *ctx);

static AioPart co_schedule_part = {
    .size = sizeof(CoSchedule),
    .begin = co_schedule_begin,
    .end = co_schedule_end,
};
AIO_PART_REGISTER(co_schedule_part);

static CoSchedule *co_schedule(AioContext *ctx)
{
    return aio_part(ctx, &co_schedule_part);
}

/* Enters the coroutines in the order of scheduling. Those that are scheduled meanwhile
 * are entered by the next call. */
static void run_scheduled(void *opaque)
{
    AioContext *ctx = opaque;
    QSLIST_HEAD(, Coroutine) taken, ordered;
    Coroutine *co;

    QSLIST_MOVE_ATOMIC(&taken, &co_schedule(ctx)->scheduled);
    QSLIST_INIT(&ordered);
    while ((co = QSLIST_FIRST(&taken))) {
        QSLIST_REMOVE_HEAD(&taken, co_scheduled_next);
        QSLIST_INSERT_HEAD(&ordered, co, co_scheduled_next);
    }
    while ((co = QSLIST_FIRST(&ordered))) {
        QSLIST_REMOVE_HEAD(&ordered, co_scheduled_next);
        aio_context_acquire(ctx);
        trace(AIO_TRACE_aio_co_schedule_bh_cb, trace_address(co), trace_address(ctx), NULL);
        /* From now on other threads may schedule it. */
        qatomic_store_release(&co->scheduled, NULL);
        qemu_aio_coroutine_enter_at(ctx, co, "aio_co_schedule");
        aio_context_release(ctx);
    }
}

static void co_schedule_begin(AioContext *ctx, bool again)
{
    CoSchedule *part = co_schedule(ctx);

    if (!again) {
        bh_init(&part->bh, ctx, run_scheduled, ctx, "aio_co_run_scheduled");
    }
    /* A coroutine of a lost thread is never resumed. */
    (void)qatomic_xchg(&part->scheduled.slh_first, NULL);
}

static void co_schedule_end(AioContext *ctx)
{
    Coroutine *co = QSLIST_FIRST(&co_schedule(ctx)->scheduled);

    if (co) {
        port_panic("aio_context_unref: coroutine %p '%s' is scheduled: poll "
                   "the context until it has run", (void *)co, co->name);
    }
}

bool aio_co_is_scheduled(AioContext *ctx)
{
    return qatomic_mb_read(&co_schedule(ctx)->scheduled.slh_first);
}

void aio_co_schedule(AioContext *ctx, Coroutine *co)
{
    AIO_CHECK_CONTEXT(ctx);
    CoSchedule *part = co_schedule(ctx);
    bool foreign = !aio_is_home_thread(ctx);

    trace(AIO_TRACE_aio_co_schedule, trace_address(co), trace_address(ctx), co->name);
    /* One step: until co is in the list, nobody else could schedule it. */
    port_thread_holds(1);
    coroutine_set_scheduled(co, "aio_co_schedule");
    /* As soon as co is in the list, another thread may run it, and then drop the
     * reference that kept ctx alive. Not if that thread is our own. */
    if (foreign) {
        aio_context_ref(ctx);
    }
    QSLIST_INSERT_HEAD_ATOMIC(&part->scheduled, co, co_scheduled_next);
    qemu_bh_schedule(&part->bh);
    port_thread_holds(-1);
    if (foreign) {
        aio_context_unref(ctx);
    }
}

/* ctx may be NULL, for a coroutine that runs in a thread without a context. */
static void enter_or_schedule(AioContext *ctx, Coroutine *co)
{
    Coroutine *self;

    if (!aio_is_home_thread(ctx)) {
        if (unlikely(!ctx)) {
            port_panic("aio_co_wake: coroutine %p '%s' has not run in any "
                       "context yet: use aio_co_schedule or aio_co_enter",
                       (void *)co, co->name);
        }
        aio_co_schedule(ctx, co);
        return;
    }
    self = coroutine_running();
    if (self) {
        if (unlikely(self == co)) {
            port_panic("aio_co_wake: coroutine %p '%s' wakes itself",
                       (void *)co, co->name);
        }
        /* If it were in the queue twice, those in between would be lost. */
        coroutine_set_scheduled(co, "aio_co_wake");
        QSIMPLEQ_INSERT_TAIL(&self->co_queue_wakeup, co, co_queue_next);
        return;
    }
    if (ctx) {
        aio_context_acquire(ctx);
    }
    qemu_aio_coroutine_enter_at(ctx, co, "aio_co_wake");
    if (ctx) {
        aio_context_release(ctx);
    }
}

void aio_co_enter(AioContext *ctx, Coroutine *co)
{
    AIO_CHECK_CONTEXT(ctx);
    enter_or_schedule(ctx, co);
}

void aio_co_wake(Coroutine *co)
{
    /* Pairs with the store in qemu_aio_coroutine_enter. */
    enter_or_schedule(qatomic_load_acquire(&co->ctx), co);
}

/* ---- Moving ---- */

typedef struct Move {
    Coroutine *co;
    AioContext *to;
    QEMUBH bh;
} Move;

static void move_bh(void *opaque)
{
    Move *move = opaque;

    aio_co_schedule(move->to, move->co);
}

/* The coroutine cannot schedule itself: it might be entered there before it has
 * yielded here. The bottom half runs after it has yielded. */
void coroutine_fn aio_co_reschedule_self(AioContext *new_ctx)
{
    AIO_CHECK_CONTEXT(new_ctx);
    AioContext *old_ctx = qemu_get_current_aio_context();
    Move move = { .co = qemu_coroutine_self(), .to = new_ctx };

    if (old_ctx == new_ctx) {
        return;
    }
    if (!old_ctx) {
        port_panic("aio_co_reschedule_self: this thread is not the home of a context");
    }
    bh_init(&move.bh, old_ctx, move_bh, &move, "aio_co_reschedule_self");
    qemu_bh_schedule(&move.bh);
    qemu_coroutine_yield();
}
