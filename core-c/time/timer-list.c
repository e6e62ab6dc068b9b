/* SPDX-License-Identifier: MIT */
/* Timer lists: which timers are due, and running them. The lock of a list is held for
 * one operation on its heap, never during a call-back or an allocation. */
#include "time/clock.h"

#include "port/calls.h"
#include "sync/trace.h"

/* ---- Lists ---- */

QEMUTimerList *timerlist_try_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                                 void *opaque)
{
    QEMUTimerList *list = calloc(1, sizeof(*list));

    if (!list) {
        return NULL;
    }
    list->type = type;
    list->notify_cb = cb;
    list->notify_opaque = opaque;
    list->first = NO_DEADLINE;
    qemu_mutex_init(&list->lock);
    heap_init(&list->heap);
    clock_add_list(list);
    return list;
}

QEMUTimerList *timerlist_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                             void *opaque)
{
    QEMUTimerList *list = timerlist_try_new(type, cb, opaque);

    if (!list) {
        port_panic("timerlist_new: clock %d: out of memory", (int)type);
    }
    return list;
}

void timerlist_free(QEMUTimerList *list)
{
    if (heap_count(&list->heap)) {
        port_panic("timerlist_free: %u timers of clock %d are armed",
                   (unsigned)heap_count(&list->heap), (int)list->type);
    }
    clock_remove_list(list);
    qemu_mutex_destroy(&list->lock);
    heap_memory_free(&list->heap.memory);
    free(list);
}

QEMUClockType timerlist_get_clock(QEMUTimerList *list)
{
    return list->type;
}

void timerlist_notify(QEMUTimerList *list)
{
    if (list->notify_cb) {
        CALL_USER(list->notify_cb, list->notify_opaque, list->type);
    }
}

bool timerlist_has_timers(QEMUTimerList *list)
{
    return qatomic_load_acquire(&list->first) != NO_DEADLINE;
}

bool timerlist_expired(QEMUTimerList *list)
{
    int64_t first = qatomic_load_acquire(&list->first);

    return first != NO_DEADLINE && first <= qemu_clock_get_ns(list->type);
}

int64_t timerlist_deadline_ns(QEMUTimerList *list)
{
    int64_t first = qatomic_load_acquire(&list->first);

    if (first == NO_DEADLINE || !clock_is_enabled(list->type)) {
        return -1;
    }
    return MAX(first - qemu_clock_get_ns(list->type), 0);
}

/* ---- Running them ---- */

/*
 * Call-backs may arm timers that are due at once. At most this many of these run in
 * one pass; then the rest of the loop has its turn, and the next pass goes on. A timer
 * that is armed during a pass comes after all that were due when the pass began;
 * otherwise timers that are armed in the past would always be first.
 */
#define MAX_REARMED 64

typedef struct Pass {
    int64_t now;
    uint64_t first_turn;         /* timers armed since then count as re-armed */
    int64_t outer_now;           /* pass_now of the enclosing pass */
    unsigned rearmed;            /* how many re-armed timers have run */
} Pass;

static void begin_pass(QEMUTimerList *list, Pass *pass, int64_t now)
{
    clock_begin_run(list);
    qemu_mutex_lock(&list->lock);
    *pass = (Pass){ .now = now, .first_turn = list->heap.turn,
                    .outer_now = list->pass_now };
    list->pass_now = now;
    heap_collect(&list->heap, now);
    qemu_mutex_unlock(&list->lock);
}

static void end_pass(QEMUTimerList *list, const Pass *pass)
{
    qemu_mutex_lock(&list->lock);
    list->pass_now = pass->outer_now;
    timerlist_publish_first(list);
    qemu_mutex_unlock(&list->lock);
    clock_end_run(list);
}

/* Takes the first timer off the list if it is due, and returns its call-back. */
static QEMUTimerCB *take_due(QEMUTimerList *list, Pass *pass, void **opaque)
{
    QEMUTimerCB *cb = NULL;

    qemu_mutex_lock(&list->lock);
    if (heap_first(&list->heap) <= pass->now &&
        !(heap_first_is_since(&list->heap, pass->first_turn) &&
          pass->rearmed++ == MAX_REARMED)) {
        QEMUTimer *ts = heap_remove_first(&list->heap);
        /* Read now: as soon as the lock is free, the timer may be freed. */
        cb = ts->cb;
        *opaque = ts->opaque;
        /* While the next one is due as well, the former deadline says the same, and
         * in WebAssembly to publish one costs as much as to lock. */
        if (heap_first(&list->heap) > pass->now) {
            timerlist_publish_first(list);
        }
        qatomic_set(&ts->expire_time, -1);
    }
    qemu_mutex_unlock(&list->lock);
    return cb;
}

static __attribute__((noinline, cold)) void call_traced(QEMUTimerCB *cb, void *opaque)
{
    trace_write(AIO_TRACE_aio_timer_begin, trace_function(cb), trace_address(opaque), NULL);
    CALL_USER(cb, opaque);
    trace(AIO_TRACE_aio_timer_end, trace_function(cb), 0, NULL);
}

unsigned timerlist_run_due(QEMUTimerList *list, AioBudget *budget)
{
    int64_t first = qatomic_load_acquire(&list->first);
    unsigned count = 0;

    if (first == NO_DEADLINE) {
        return 0;
    }
    int64_t now = qemu_clock_get_ns(list->type);
    if (first > now) {
        return 0;
    }
    Pass pass;
    void *opaque;
    QEMUTimerCB *cb;
    begin_pass(list, &pass, now);
    while (clock_is_enabled(list->type) &&
           (cb = take_due(list, &pass, &opaque))) {
        if (trace_is_on()) {
            call_traced(cb, opaque);
        } else {
            CALL_USER(cb, opaque);
        }
        count++;
        if (aio_budget_is_spent(budget)) {
            break;
        }
    }
    end_pass(list, &pass);
    return count;
}

bool timerlist_run_timers(QEMUTimerList *list)
{
    return timerlist_run_due(list, NULL) > 0;
}

/* ---- Groups: one list a clock ---- */

bool timerlistgroup_try_init(QEMUTimerListGroup *tlg,
                             QEMUTimerListNotifyCB *cb, void *opaque)
{
    *tlg = (QEMUTimerListGroup){ { NULL } };
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        tlg->tl[type] = timerlist_try_new((QEMUClockType)type, cb, opaque);
        if (!tlg->tl[type]) {
            timerlistgroup_deinit(tlg);
            return false;
        }
    }
    return true;
}

void timerlistgroup_init(QEMUTimerListGroup *tlg, QEMUTimerListNotifyCB *cb,
                         void *opaque)
{
    if (!timerlistgroup_try_init(tlg, cb, opaque)) {
        port_panic("timerlistgroup_init: out of memory");
    }
}

static void disarm_all(QEMUTimerList *list)
{
    QEMUTimer *ts;

    qemu_mutex_lock(&list->lock);
    while ((ts = heap_remove_last(&list->heap))) {
        qatomic_set(&ts->expire_time, -1);
    }
    heap_memory_free(&list->heap.memory);
    heap_init(&list->heap);
    list->pass_now = 0;
    timerlist_publish_first(list);
    qemu_mutex_unlock(&list->lock);
}

void timerlistgroup_abandon(QEMUTimerListGroup *tlg)
{
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        clock_remove_list(tlg->tl[type]);
        disarm_all(tlg->tl[type]);
    }
}

void timerlistgroup_reuse(QEMUTimerListGroup *tlg)
{
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        disarm_all(tlg->tl[type]);
        tlg->tl[type]->running = 0;
        clock_add_list(tlg->tl[type]);
    }
}

void timerlistgroup_deinit(QEMUTimerListGroup *tlg)
{
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        if (tlg->tl[type]) {
            timerlist_free(tlg->tl[type]);
            tlg->tl[type] = NULL;
        }
    }
}

bool timerlistgroup_run_timers(QEMUTimerListGroup *tlg)
{
    return timerlistgroup_run(tlg, NULL) > 0;
}

int64_t timerlistgroup_deadline_ns(QEMUTimerListGroup *tlg)
{
    int64_t deadline = -1;

    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        deadline = qemu_soonest_timeout(deadline,
                                        timerlist_deadline_ns(tlg->tl[type]));
    }
    return deadline;
}
