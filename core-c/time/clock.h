/* SPDX-License-Identifier: MIT */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H
/* What clocks and timer lists know of each other. */
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
    QLIST_ENTRY(QEMUTimerList) node;      /* the clock's lists */

    /* The first deadline, NO_DEADLINE if there is none: written under the lock,
     * read without. */
    int64_t first;
    uint32_t running;                     /* passes in progress: home's, nested */

    QemuMutex lock;                       /* for all below */
    TimerHeap heap;
    int64_t pass_now;                     /* the pass's time; 0 outside of one */
};


/* Under the lock: tells the readers without it. */
static inline void timerlist_publish_first(QEMUTimerList *list)
{
    int64_t first = heap_first(&list->heap);

    if (qatomic_read(&list->first) != first) {
        qatomic_store_release(&list->first, first);
    }
}

/* Any thread. */
bool clock_is_enabled(QEMUClockType type);
void clock_add_list(QEMUTimerList *list);
void clock_remove_list(QEMUTimerList *list);
/* Calls fn(list, opaque) for each list of the clock, under their lock. */
void clock_each_list(QEMUClockType type,
                     void (*fn)(QEMUTimerList *list, void *opaque),
                     void *opaque);
/* True: it was off. */
bool clock_enable(QEMUClockType type);
/* Returns when no list of the clock is running its timers any more. */
void clock_disable(QEMUClockType type);
/*
 * The thread that ran their timers was lost, in a call-back perhaps: none of them is
 * armed any longer, and nobody waits for that call-back to return. Timers that other
 * threads arm afterwards do not run.
 */
void timerlistgroup_abandon(QEMUTimerListGroup *tlg);
/* Such lists, for another thread. */
void timerlistgroup_reuse(QEMUTimerListGroup *tlg);
/*
 * Around a pass over a list's due timers. After the first, and before each
 * call-back, clock_is_enabled() has to be asked: disabling a clock turns it off
 * before it looks for passes, so that either the pass sees that the clock is off
 * or the other waits for the pass.
 */
void clock_begin_run(QEMUTimerList *list);
void clock_end_run(QEMUTimerList *list);

/* As their namesakes without "try". NULL, false: out of memory; nothing has changed. */
bool clocks_try_init(QEMUTimerListNotifyCB *notify_cb);
QEMUTimerList *timerlist_try_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                                 void *opaque);
bool timerlistgroup_try_init(QEMUTimerListGroup *tlg,
                             QEMUTimerListNotifyCB *cb, void *opaque);
QEMUTimer *timer_try_new(QEMUTimerListGroup *timer_list_group,
                         QEMUClockType type, int scale, QEMUTimerCB *cb,
                         void *opaque);
bool timer_try_mod_ns(QEMUTimer *ts, int64_t expire_time);

/* Runs what is due; how many call-backs that were. A budget (or NULL) leaves the rest
 * for the next time, but one of each clock runs. */
unsigned timerlistgroup_run(QEMUTimerListGroup *tlg, AioBudget *budget);

#endif
