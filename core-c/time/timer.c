/* SPDX-License-Identifier: MIT */
/* Timers: making, arming and disarming them. */
#include "time/clock.h"

#include "port/port.h"

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

QEMUTimer *timer_try_new(QEMUTimerListGroup *timer_list_group,
                         QEMUClockType type, int scale, QEMUTimerCB *cb,
                         void *opaque)
{
    QEMUTimer *ts = calloc(1, sizeof(*ts));

    if (ts) {
        timer_init_full(ts, timer_list_group, type, scale, 0, cb, opaque);
    }
    return ts;
}

QEMUTimer *timer_new_full(QEMUTimerListGroup *timer_list_group,
                          QEMUClockType type, int scale, int attributes,
                          QEMUTimerCB *cb, void *opaque)
{
    QEMUTimer *ts = timer_try_new(timer_list_group, type, scale, cb, opaque);

    if (!ts) {
        port_panic("timer_new: clock %d: out of memory", (int)type);
    }
    ts->attributes = attributes;
    return ts;
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
        timerlist_publish_first(list);
        qatomic_set(&ts->expire_time, -1);
    }
    qemu_mutex_unlock(&list->lock);
}

void timer_free(QEMUTimer *ts)
{
    if (ts) {
        timer_del(ts);
        free(ts);
    }
}

/* Called with the lock held, and returns with it held and room for one more timer.
 * Returns false if there is no memory. */
static __attribute__((noinline)) bool make_room(QEMUTimerList *list)
{
    while (heap_is_full(&list->heap)) {
        uint32_t capacity = MAX(list->heap.memory.capacity * 2, 8u);
        TimerHeapMemory memory;

        qemu_mutex_unlock(&list->lock);
        if (!heap_memory_new(&memory, capacity)) {
            qemu_mutex_lock(&list->lock);
            if (heap_is_full(&list->heap)) {
                return false;
            }
            break;                     /* another thread made room meanwhile */
        }
        qemu_mutex_lock(&list->lock);
        if (list->heap.memory.capacity < capacity) {
            heap_grow(&list->heap, &memory);
        }
        qemu_mutex_unlock(&list->lock);
        heap_memory_free(&memory);
        qemu_mutex_lock(&list->lock);
    }
    return true;
}

/* Returns false if there is no memory; nothing has changed then. */
static bool try_modify(QEMUTimer *ts, int64_t expire_time, bool anticipate)
{
    QEMUTimerList *list = ts->timer_list;
    bool is_first = false;

    if (!list) {
        port_panic("timer_mod: timer %p is not initialised", (void *)ts);
    }
    /* NO_DEADLINE is not a valid deadline. */
    expire_time = MIN(MAX(expire_time, 0), NO_DEADLINE - 1);

    qemu_mutex_lock(&list->lock);
    if (ts->expire_time < 0 && heap_is_full(&list->heap) &&
        !make_room(list)) {
        qemu_mutex_unlock(&list->lock);
        return false;
    }
    if (!anticipate || ts->expire_time < 0 || ts->expire_time > expire_time) {
        /* pass_now is 0 outside a pass. */
        int64_t place = MAX(expire_time, list->pass_now);
        if (ts->expire_time < 0) {
            ts->slot = heap_insert(&list->heap, ts, place);
        } else {
            heap_move(&list->heap, ts->slot, place);
        }
        qatomic_set(&ts->expire_time, expire_time);
        timerlist_publish_first(list);
        is_first = heap_is_first(&list->heap, ts->slot);
    }
    qemu_mutex_unlock(&list->lock);

    if (is_first) {
        timerlist_notify(list);
    }
    return true;
}

static void modify(QEMUTimer *ts, int64_t expire_time, bool anticipate)
{
    if (unlikely(!try_modify(ts, expire_time, anticipate))) {
        port_panic("timer_mod: timer %p: out of memory for more than %u timers",
                   (void *)ts, (unsigned)ts->timer_list->heap.memory.capacity);
    }
}

bool timer_try_mod_ns(QEMUTimer *ts, int64_t expire_time)
{
    return try_modify(ts, expire_time, false);
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
