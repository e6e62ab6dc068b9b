/* SPDX-License-Identifier: MIT */
/* Functions on all timer lists of a clock, and the lists of the main loop. */
#include "time/clock.h"

#include "port/calls.h"

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

static void notify_list(QEMUTimerList *list, void *opaque)
{
    (void)opaque;
    timerlist_notify(list);
}

void qemu_clock_notify(QEMUClockType type)
{
    clock_each_list(type, notify_list, NULL);
}

void qemu_clock_enable(QEMUClockType type, bool enabled)
{
    if (!enabled) {
        clock_disable(type);
    } else if (clock_enable(type)) {
        qemu_clock_notify(type);
    }
}

static void add_deadline(QEMUTimerList *list, void *opaque)
{
    int64_t *deadline = opaque;

    *deadline = qemu_soonest_timeout(*deadline, timerlist_deadline_ns(list));
}

int64_t qemu_clock_deadline_ns_all(QEMUClockType type, int attr_mask)
{
    int64_t deadline = -1;

    (void)attr_mask;
    clock_each_list(type, add_deadline, &deadline);
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
