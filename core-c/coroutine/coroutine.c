/* SPDX-License-Identifier: MIT */
/* Making, entering and ending coroutines; in QEMU util/qemu-coroutine.c. */
#include "block/aio.h"
#include "coroutine/coroutine.h"
#include "sync/trace.h"

/* Stands for the thread outside coroutines. */
static _Thread_local Coroutine leader;

/* ---- Who runs ---- */

Coroutine *qemu_coroutine_self(void)
{
    return port_coroutine_current ? port_coroutine_current : &leader;
}

bool qemu_in_coroutine(void)
{
    return port_coroutine_current;
}

Coroutine *coroutine_running(void)
{
    return port_coroutine_current;
}

const char *coroutine_name(const Coroutine *co)
{
    return co->name;
}

bool qemu_coroutine_entered(Coroutine *co)
{
    return co->caller;
}

AioContext *qemu_coroutine_get_aio_context(Coroutine *co)
{
    return co->ctx;
}

/* ---- Contract errors ---- */

/* The value of co->scheduled after the coroutine has ended, until it is reused: the
 * check whether co may be entered or scheduled covers this case, too. */
static const char HAS_ENDED[] = "";

__attribute__((noinline, cold))
void coroutine_refuse_scheduled(Coroutine *co, const char *at,
                                const char *scheduled)
{
    bool ended = scheduled == HAS_ENDED;

    coroutine_refuse(co, at, ended ? "has ended"
                                   : "was already scheduled by ",
                     ended ? "" : scheduled);
}

__attribute__((noinline, cold))
void coroutine_refuse(Coroutine *co, const char *at, const char *what,
                      const char *whom)
{
    port_panic("%s: Co-routine %s%s: coroutine %p '%s', last entered at %s in "
               "context %p", at, what, whom, (void *)co, co->name,
               co->entered_at ? co->entered_at : "no place yet",
               (void *)co->ctx);
}

/* ---- Life ---- */

Coroutine *qemu_coroutine_try_create_full(CoroutineEntry *entry, void *opaque,
                                          const char *name)
{
    Coroutine *co = coroutine_pool_take();

    if (!co && !(co = port_coroutine_new(sizeof(*co)))) {
        return NULL;
    }
    co->entry = entry;
    co->entry_arg = opaque;
    co->name = name;
    co->entered_at = NULL;
    co->ctx = NULL;
    co->scheduled = NULL;
    QSIMPLEQ_INIT(&co->co_queue_wakeup);
    return co;
}

Coroutine *qemu_coroutine_create_full(CoroutineEntry *entry, void *opaque,
                                      const char *name)
{
    Coroutine *co = qemu_coroutine_try_create_full(entry, opaque, name);

    if (unlikely(!co)) {
        port_panic("qemu_coroutine_create: out of memory for the stacks of "
                   "coroutine '%s' (or of mappings: vm.max_map_count)", name);
    }
    return co;
}

Coroutine *(qemu_coroutine_create)(CoroutineEntry *entry, void *opaque)
{
    return qemu_coroutine_create_full(entry, opaque, "?");
}

static __attribute__((noinline, cold)) QEMU_NORETURN
void ended_too_early(Coroutine *co)
{
    if (!co->locks_held) {
        port_panic("coroutine %p '%s' ended while %s was still going to enter it: a "
                   "coroutine that schedules itself must yield before it returns", (void *)co, co->name,
                   co->scheduled);
    }
    port_panic("coroutine %p '%s' ended while it held %zu locks", (void *)co,
               co->name, co->locks_held);
}

static void ended(Coroutine *co)
{
    if (unlikely(co->locks_held || qatomic_read(&co->scheduled))) {
        ended_too_early(co);
    }
    qatomic_set(&co->scheduled, HAS_ENDED);
    coroutine_pool_give(co);
}

/* ---- Entering ---- */

/*
 * Also enters the coroutines that co has woken, after co: one after the other
 * instead of nested, so that two which wake each other for ever need no more stack
 * than one. Those that the last one woke come first.
 */
void qemu_aio_coroutine_enter_at(AioContext *ctx, Coroutine *co,
                                 const char *at)
{
    Coroutine *from = port_coroutine_current, *pending = NULL;

    for (;;) {
        const char *scheduled = qatomic_read(&co->scheduled);
        bool yielded;

        if (unlikely(scheduled)) {
            coroutine_refuse_scheduled(co, at, scheduled);
        }
        if (unlikely(co->caller)) {
            coroutine_refuse(co, at, "re-entered recursively", "");
        }
        co->caller = from ? from : &leader;
        co->entered_at = at;
        /* Pairs with aio_co_wake: a thread that saw what co does from now on, and
         * therefore wakes it, sees ctx. */
        if (unlikely(co->ctx != ctx)) {
            qatomic_store_release(&co->ctx, ctx);
        }
        trace(AIO_TRACE_qemu_aio_coroutine_enter, trace_address(co), trace_address(from),
              co->name);
        port_coroutine_current = co;
        yielded = port_coroutine_enter(co, from, co->entry, co->entry_arg);
        port_coroutine_current = from;
        co->caller = NULL;
        trace(yielded ? AIO_TRACE_qemu_coroutine_yield
                      : AIO_TRACE_qemu_coroutine_terminate, trace_address(co), 0, NULL);
        if (unlikely(!QSIMPLEQ_EMPTY(&co->co_queue_wakeup))) {
            *co->co_queue_wakeup.sqh_last = pending;
            pending = QSIMPLEQ_FIRST(&co->co_queue_wakeup);
            QSIMPLEQ_INIT(&co->co_queue_wakeup);
        }
        if (!yielded) {
            ended(co);
        }
        if (likely(!pending)) {
            return;
        }
        co = pending;
        pending = QSIMPLEQ_NEXT(co, co_queue_next);
        /* From now on other threads may wake it. */
        qatomic_store_release(&co->scheduled, NULL);
        at = "aio_co_wake";
        /* Keeps the compiler from treating `at` as a constant and making the first
         * round a second copy of the loop: the port's function then has one caller,
         * into which it is inlined. */
        __asm__("" : "+r"(at));
    }
}

void qemu_coroutine_enter_at(Coroutine *co, const char *at)
{
    qemu_aio_coroutine_enter_at(qemu_get_current_aio_context(), co, at);
}

void (qemu_aio_coroutine_enter)(AioContext *ctx, Coroutine *co)
{
    qemu_aio_coroutine_enter_at(ctx, co, "qemu_aio_coroutine_enter");
}

void (qemu_coroutine_enter)(Coroutine *co)
{
    qemu_coroutine_enter_at(co, "qemu_coroutine_enter");
}

void qemu_coroutine_enter_if_inactive(Coroutine *co)
{
    if (!qemu_coroutine_entered(co)) {
        qemu_coroutine_enter_at(co, "qemu_coroutine_enter_if_inactive");
    }
}
