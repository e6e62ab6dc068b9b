/* SPDX-License-Identifier: MIT */
/*
 * The clocks: what time it is on each, whether it is on, and which timer lists
 * go by it.
 */
#include "time/clock.h"

#include "port/calls.h"
#include "sync/wait.h"

typedef struct Clock {
    uint32_t enabled;
    uint32_t disablers;        /* threads in qemu_clock_enable(type, false) */
    uint32_t pauses;           /* the futex they sleep on: moves on whenever a
                                * list has run its timers and one is there */
} Clock;

static Clock clocks[QEMU_CLOCK_MAX] = {
    [QEMU_CLOCK_REALTIME] = { .enabled = 1 },
    [QEMU_CLOCK_HOST] = { .enabled = 1 },
    [QEMU_CLOCK_VIRTUAL_RT] = { .enabled = 1 },
};

/* All timer lists, under lists_lock. Freeing one takes the lock too. */
static QLIST_HEAD(, QEMUTimerList) lists[QEMU_CLOCK_MAX];
static QemuMutex lists_lock;

QEMUTimerListGroup main_loop_tlg;
static QEMUTimerListNotifyCB *main_loop_notify;

static void notify_main_loop(void *opaque, QEMUClockType type)
{
    QEMUTimerListNotifyCB *notify_cb = qatomic_load_acquire(&main_loop_notify);

    if (notify_cb) {
        CALL_USER(notify_cb, opaque, type);
    }
}

bool clocks_try_init(QEMUTimerListNotifyCB *notify_cb)
{
    enum { NEW, BUSY, READY };
    static uint32_t state;

    if (notify_cb) {
        qatomic_cmpxchg(&main_loop_notify, NULL, notify_cb);
    }
    if (qatomic_load_acquire(&state) == READY) {
        return true;
    }
    port_thread_holds(1);
    if (qatomic_cmpxchg(&state, NEW, BUSY) == NEW) {
        bool made = timerlistgroup_try_init(&main_loop_tlg, notify_main_loop,
                                            NULL);

        qatomic_store_release(&state, made ? READY : NEW);
    }
    port_thread_holds(-1);
    for (unsigned turn = 0; qatomic_load_acquire(&state) == BUSY; turn++) {
        port_spin(turn);
    }
    return qatomic_load_acquire(&state) == READY;
}

void init_clocks(QEMUTimerListNotifyCB *notify_cb)
{
    if (!clocks_try_init(notify_cb)) {
        port_panic("init_clocks: out of memory");
    }
}

int64_t qemu_clock_get_ns(QEMUClockType type)
{
    return port_clock_ns(type == QEMU_CLOCK_HOST ? PORT_CLOCK_REALTIME
                                                 : PORT_CLOCK_MONOTONIC);
}

bool clock_is_enabled(QEMUClockType type)
{
    return qatomic_mb_read(&clocks[type].enabled);
}

void clock_add_list(QEMUTimerList *list)
{
    qemu_mutex_lock(&lists_lock);
    QLIST_INSERT_HEAD(&lists[list->type], list, node);
    qemu_mutex_unlock(&lists_lock);
}

void clock_remove_list(QEMUTimerList *list)
{
    qemu_mutex_lock(&lists_lock);
    QLIST_REMOVE(list, node);
    qemu_mutex_unlock(&lists_lock);
}

void clock_begin_run(QEMUTimerList *list)
{
    qatomic_inc(&list->running);
}

void clock_end_run(QEMUTimerList *list)
{
    Clock *clock = &clocks[list->type];

    qatomic_dec(&list->running);
    if (unlikely(qatomic_mb_read(&clock->disablers))) {
        qatomic_inc(&clock->pauses);
        port_futex_wake(&clock->pauses, UINT32_MAX);
    }
}

static bool is_running(QEMUClockType type)
{
    QEMUTimerList *list;
    bool running = false;

    qemu_mutex_lock(&lists_lock);
    QLIST_FOREACH(list, &lists[type], node) {
        running |= qatomic_mb_read(&list->running) != 0;
    }
    qemu_mutex_unlock(&lists_lock);
    return running;
}

static void disable(QEMUClockType type)
{
    Clock *clock = &clocks[type];

    if (is_running(type)) {
        refuse_to_block("qemu_clock_enable");
    }
    qatomic_mb_set(&clock->enabled, 0);
    qatomic_inc(&clock->disablers);
    for (;;) {
        uint32_t pauses = qatomic_mb_read(&clock->pauses);
        if (!is_running(type)) {
            break;
        }
        if (port_may_wait()) {
            port_futex_wait(&clock->pauses, pauses, -1);
        } else {
            port_pause();
        }
    }
    qatomic_dec(&clock->disablers);
}

void qemu_clock_enable(QEMUClockType type, bool enabled)
{
    if (!enabled) {
        disable(type);
    } else if (!qatomic_xchg(&clocks[type].enabled, 1)) {
        qemu_clock_notify(type);
    }
}

void qemu_clock_notify(QEMUClockType type)
{
    QEMUTimerList *list;

    qemu_mutex_lock(&lists_lock);
    QLIST_FOREACH(list, &lists[type], node) {
        timerlist_notify(list);
    }
    qemu_mutex_unlock(&lists_lock);
}

int64_t qemu_clock_deadline_ns_all(QEMUClockType type, int attr_mask)
{
    QEMUTimerList *list;
    int64_t deadline = -1;

    (void)attr_mask;
    qemu_mutex_lock(&lists_lock);
    QLIST_FOREACH(list, &lists[type], node) {
        deadline = qemu_soonest_timeout(deadline, timerlist_deadline_ns(list));
    }
    qemu_mutex_unlock(&lists_lock);
    return deadline;
}

bool qemu_clock_has_timers(QEMUClockType type)
{
    init_clocks(NULL);
    return timerlist_has_timers(main_loop_tlg.tl[type]);
}

bool qemu_clock_expired(QEMUClockType type)
{
    init_clocks(NULL);
    return timerlist_expired(main_loop_tlg.tl[type]);
}

bool qemu_clock_run_timers(QEMUClockType type)
{
    init_clocks(NULL);
    return timerlist_run_timers(main_loop_tlg.tl[type]);
}

bool qemu_clock_run_all_timers(void)
{
    init_clocks(NULL);
    return timerlistgroup_run_timers(&main_loop_tlg);
}

int qemu_timeout_ns_to_ms(int64_t ns)
{
    if (ns < 0) {
        return -1;
    }
    int64_t ms = ns / SCALE_MS + (ns % SCALE_MS != 0);
    return (int)MIN(ms, INT32_MAX);
}
