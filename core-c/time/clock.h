/* SPDX-License-Identifier: MIT */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H
/* Shared by clocks and timer lists. */
#include "qemu/atomic.h"
#include "qemu/queue.h"
#include "qemu/timer.h"
#include "sync/wait.h"
#include "time/budget.h"
#include "time/heap.h"

struct QEMUTimerList {
    QEMUClockType type;
    QEMUTimerListNotifyCB *notify_cb;
    void *notify_opaque;
    QLIST_ENTRY(QEMUTimerList) node;      /* in the list of the clock's lists */

    /* The first deadline, or NO_DEADLINE: written with the lock held, read without
     * it. */
    int64_t first;
    uint32_t running;                     /* passes in progress, which may be nested */

    QemuMutex lock;                       /* protects what follows */
    TimerHeap heap;
    int64_t pass_now;                     /* time of the pass; 0 outside a pass */
};


/* Publishes the first deadline to readers without the lock. Called with the lock
 * held. */
static inline void timerlist_publish_first(QEMUTimerList *list)
{
    int64_t first = heap_first(&list->heap);

    if (qatomic_read(&list->first) != first) {
        qatomic_store_release(&list->first, first);
    }
}

/* Returns true if the clock is on. Any thread. */
bool clock_is_enabled(QEMUClockType type);
void clock_add_list(QEMUTimerList *list);
void clock_remove_list(QEMUTimerList *list);
/* Calls fn(list, opaque) for each list of the clock, with lists_lock held. */
void clock_each_list(QEMUClockType type,
                     void (*fn)(QEMUTimerList *list, void *opaque),
                     void *opaque);
/* Turns the clock on; returns true if it was off. */
bool clock_enable(QEMUClockType type);
/* Turns the clock off, and returns when no list of the clock is running its timers any
 * more. */
void clock_disable(QEMUClockType type);
/*
 * Called when the thread that ran the timers was lost, perhaps in a call-back: none of
 * them is armed any more, and nobody waits for that call-back to return. Timers that
 * other threads arm afterwards do not run.
 */
void timerlistgroup_abandon(QEMUTimerListGroup *tlg);
/* Makes such lists usable again, for another thread. */
void timerlistgroup_reuse(QEMUTimerListGroup *tlg);
/*
 * Brackets a pass over a list's due timers. After the first, and before each call-back,
 * clock_is_enabled() must be asked. Disabling a clock turns it off before it looks for
 * passes: so either the pass sees that the clock is off, or disabling waits for the
 * pass.
 */
void clock_begin_run(QEMUTimerList *list);
void clock_end_run(QEMUTimerList *list);

/* The same as the functions without "try", but return NULL or false if there is no
 * memory; nothing has changed then. */
bool clocks_try_init(QEMUTimerListNotifyCB *notify_cb);
QEMUTimerList *timerlist_try_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                                 void *opaque);
bool timerlistgroup_try_init(QEMUTimerListGroup *tlg,
                             QEMUTimerListNotifyCB *cb, void *opaque);
QEMUTimer *timer_try_new(QEMUTimerListGroup *timer_list_group,
                         QEMUClockType type, int scale, QEMUTimerCB *cb,
                         void *opaque);
bool timer_try_mod_ns(QEMUTimer *ts, int64_t expire_time);

/* Runs the timers of a list that are due, and returns how many ran. budget: NULL, or what may end it early. */
unsigned timerlist_run_due(QEMUTimerList *list, AioBudget *budget);
/* The same for all clocks; at least one timer of each runs that is due. Inlined, because in most iterations all lists are empty, and a call costs as much as the look. */
static inline unsigned timerlistgroup_run(QEMUTimerListGroup *tlg, AioBudget *budget)
{
    unsigned count = 0;

    for (int type = 0; type < QEMU_CLOCK_MAX; type++) {
        QEMUTimerList *list = tlg->tl[type];

        if (qatomic_load_acquire(&list->first) != NO_DEADLINE) {
            count += timerlist_run_due(list, budget);
        }
    }
    return count;
}

#endif
