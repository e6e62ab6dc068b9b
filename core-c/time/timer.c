/* SPDX-License-Identifier: MIT */
/*
 * Timer lists and timers. A list's lock is held for one operation on its heap:
 * no call-back, no allocation.
 */
#include "time/clock.h"

#include "port/port.h"

#define NO_DEADLINE INT64_MAX

/* Tells the readers without the lock. */
static inline void publish_first(QEMUTimerList *list)
{
    int64_t first = heap_first(&list->heap);

    if (qatomic_read(&list->first) != first) {
        qatomic_store_release(&list->first, first);
    }
}

/* ---- Lists ---- */

QEMUTimerList *timerlist_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                             void *opaque)
{
    QEMUTimerList *list = calloc(1, sizeof(*list));

    if (!list) {
        port_panic("timerlist_new: out of memory");
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

void timerlist_free(QEMUTimerList *list)
{
    if (list->heap.count) {
        port_panic("timerlist_free: %u timers of clock %d are armed",
                   (unsigned)list->heap.count, (int)list->type);
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
        list->notify_cb(list->notify_opaque, list->type);
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
 * Call-backs may arm timers that are due at once. At most so many of these run in
 * one pass: the rest of the loop has its turn then, and the next pass goes on. A
 * timer that is armed during a pass comes after all that were due when the pass
 * began; otherwise timers that are armed in the past would be the first for ever.
 */
#define MAX_REARMED 64

typedef struct Pass {
    int64_t now;
    uint64_t first_turn;         /* what was armed since then is re-armed */
    int64_t outer_now;           /* of the pass that this one is nested in */
    unsigned rearmed;            /* how many of these have run */
} Pass;

static void begin_pass(QEMUTimerList *list, Pass *pass, int64_t now)
{
    clock_begin_run(list);
    qemu_mutex_lock(&list->lock);
    *pass = (Pass){ .now = now, .first_turn = list->heap.turn,
                    .outer_now = list->pass_now };
    list->pass_now = now;
    qemu_mutex_unlock(&list->lock);
}

static void end_pass(QEMUTimerList *list, const Pass *pass)
{
    qemu_mutex_lock(&list->lock);
    list->pass_now = pass->outer_now;
    qemu_mutex_unlock(&list->lock);
    clock_end_run(list);
}

/* Takes the first timer off the list if it is due, and gives its call-back. */
static QEMUTimerCB *take_due(QEMUTimerList *list, Pass *pass, void **opaque)
{
    QEMUTimerCB *cb = NULL;

    qemu_mutex_lock(&list->lock);
    if (heap_first(&list->heap) <= pass->now &&
        !(heap_first_is_since(&list->heap, pass->first_turn) &&
          pass->rearmed++ == MAX_REARMED)) {
        QEMUTimer *ts = heap_remove_first(&list->heap);
        /* Read now: as soon as the lock is free, so may be the timer. */
        cb = ts->cb;
        *opaque = ts->opaque;
        publish_first(list);
        qatomic_set(&ts->expire_time, -1);
    }
    qemu_mutex_unlock(&list->lock);
    return cb;
}

static unsigned run_due(QEMUTimerList *list, AioBudget *budget)
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
    port_coroutine_fence(1);
    while (clock_is_enabled(list->type) &&
           (cb = take_due(list, &pass, &opaque))) {
        cb(opaque);
        count++;
        if (aio_budget_is_spent(budget)) {
            break;
        }
    }
    port_coroutine_fence(-1);
    end_pass(list, &pass);
    return count;
}

bool timerlist_run_timers(QEMUTimerList *list)
{
    return run_due(list, NULL) > 0;
}

/* ---- Groups: one list a clock ---- */

void timerlistgroup_init(QEMUTimerListGroup *tlg, QEMUTimerListNotifyCB *cb,
                         void *opaque)
{
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        tlg->tl[type] = timerlist_new((QEMUClockType)type, cb, opaque);
    }
}

void timerlistgroup_deinit(QEMUTimerListGroup *tlg)
{
    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        timerlist_free(tlg->tl[type]);
        tlg->tl[type] = NULL;
    }
}

unsigned timerlistgroup_run(QEMUTimerListGroup *tlg, AioBudget *budget)
{
    unsigned count = 0;

    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        /* Most lists are empty: no call for these. */
        if (timerlist_has_timers(tlg->tl[type])) {
            count += run_due(tlg->tl[type], budget);
        }
    }
    return count;
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

/* ---- Timers ---- */

void timer_init_full(QEMUTimer *ts, QEMUTimerListGroup *timer_list_group,
                     QEMUClockType type, int scale, int attributes,
                     QEMUTimerCB *cb, void *opaque)
{
    if (!timer_list_group) {
        init_clocks(NULL);
        timer_list_group = &main_loop_tlg;
    }
    ts->timer_list = timer_list_group->tl[type];
    ts->cb = cb;
    ts->opaque = opaque;
    ts->scale = scale;
    ts->attributes = attributes;
    ts->slot = 0;
    ts->expire_time = -1;
}

void timer_deinit(QEMUTimer *ts)
{
    if (timer_pending(ts)) {
        port_panic("timer_deinit: timer %p is armed", (void *)ts);
    }
    ts->timer_list = NULL;
}

bool timer_pending(QEMUTimer *ts)
{
    return qatomic_load_acquire(&ts->expire_time) >= 0;
}

bool timer_expired(QEMUTimer *timer_head, int64_t current_time)
{
    if (!timer_head) {
        return false;
    }
    int64_t expire_time = qatomic_load_acquire(&timer_head->expire_time);
    return expire_time >= 0 && expire_time <= current_time;
}

uint64_t timer_expire_time_ns(QEMUTimer *ts)
{
    return (uint64_t)qatomic_load_acquire(&ts->expire_time);
}

void timer_del(QEMUTimer *ts)
{
    QEMUTimerList *list = ts->timer_list;

    if (!list) {
        return;
    }
    qemu_mutex_lock(&list->lock);
    if (ts->expire_time >= 0) {
        heap_remove(&list->heap, ts->slot);
        publish_first(list);
        qatomic_set(&ts->expire_time, -1);
    }
    qemu_mutex_unlock(&list->lock);
}

/* Called and returns with the lock held, and there is room for one more. */
static __attribute__((noinline)) void make_room(QEMUTimerList *list)
{
    while (heap_is_full(&list->heap)) {
        uint32_t capacity = MAX(list->heap.memory.capacity * 2, 8u);
        TimerHeapMemory memory;

        qemu_mutex_unlock(&list->lock);
        if (!heap_memory_new(&memory, capacity)) {
            port_panic("timer_mod: no memory for %u timers",
                       (unsigned)capacity);
        }
        qemu_mutex_lock(&list->lock);
        if (list->heap.memory.capacity < capacity) {
            heap_grow(&list->heap, &memory);
        }
        qemu_mutex_unlock(&list->lock);
        heap_memory_free(&memory);
        qemu_mutex_lock(&list->lock);
    }
}

static void modify(QEMUTimer *ts, int64_t expire_time, bool anticipate)
{
    QEMUTimerList *list = ts->timer_list;
    bool is_first = false;

    if (!list) {
        port_panic("timer_mod: timer %p is not initialised", (void *)ts);
    }
    /* NO_DEADLINE itself is no deadline. */
    expire_time = MIN(MAX(expire_time, 0), NO_DEADLINE - 1);

    qemu_mutex_lock(&list->lock);
    if (ts->expire_time < 0 && heap_is_full(&list->heap)) {
        make_room(list);
    }
    if (!anticipate || ts->expire_time < 0 || ts->expire_time > expire_time) {
        /* pass_now is 0 outside of a pass. */
        int64_t place = MAX(expire_time, list->pass_now);
        if (ts->expire_time < 0) {
            ts->slot = heap_insert(&list->heap, ts, place);
        } else {
            heap_move(&list->heap, ts->slot, place);
        }
        qatomic_set(&ts->expire_time, expire_time);
        publish_first(list);
        is_first = heap_is_first(&list->heap, ts->slot);
    }
    qemu_mutex_unlock(&list->lock);

    if (is_first) {
        timerlist_notify(list);
    }
}

void timer_mod_ns(QEMUTimer *ts, int64_t expire_time)
{
    modify(ts, expire_time, false);
}

void timer_mod_anticipate_ns(QEMUTimer *ts, int64_t expire_time)
{
    modify(ts, expire_time, true);
}

static int64_t scaled(const QEMUTimer *ts, int64_t expire_time)
{
    int64_t ns;

    if (__builtin_mul_overflow(expire_time, ts->scale, &ns)) {
        ns = expire_time < 0 ? 0 : INT64_MAX;
    }
    return ns;
}

void timer_mod(QEMUTimer *ts, int64_t expire_time)
{
    modify(ts, scaled(ts, expire_time), false);
}

void timer_mod_anticipate(QEMUTimer *ts, int64_t expire_time)
{
    modify(ts, scaled(ts, expire_time), true);
}
