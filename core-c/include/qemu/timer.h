/* SPDX-License-Identifier: MIT */
#ifndef QEMU_TIMER_H
#define QEMU_TIMER_H
/*
 * Clocks and timers, which behave as in util/qemu-timer.c of QEMU. Times are
 * nanoseconds unless a name or comment says otherwise. Any thread may call each
 * function unless its comment says otherwise; the timer or list must live until
 * the call returns.
 */
#include "qemu/osdep.h"
#include "qemu/thread.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SCALE_MS 1000000
#define SCALE_US 1000
#define SCALE_NS 1

typedef enum {
    QEMU_CLOCK_REALTIME = 0,     /* monotonic, in spite of its name */
    QEMU_CLOCK_VIRTUAL = 1,      /* off until qemu_clock_enable() */
    QEMU_CLOCK_HOST = 2,         /* wall clock: may be set back */
    QEMU_CLOCK_VIRTUAL_RT = 3,
    QEMU_CLOCK_MAX
} QEMUClockType;

/* Attributes matter only to QEMU's record/replay: they are stored and ignored. */
#define QEMU_TIMER_ATTR_EXTERNAL 1
#define QEMU_TIMER_ATTR_ALL 0xffffffff

typedef struct QEMUTimerList QEMUTimerList;
/* The call-back of a timer; runs in the thread that runs the timer's list. */
typedef void QEMUTimerCB(void *opaque);
/* Called in any thread when the first deadline of a list has moved nearer. */
typedef void QEMUTimerListNotifyCB(void *opaque, QEMUClockType type);

/* A timer list for each clock. */
struct QEMUTimerListGroup {
    QEMUTimerList *tl[QEMU_CLOCK_MAX];
};

/* A timer. Its members are private. */
struct QEMUTimer {
    int64_t expire_time;         /* ns; -1 when not armed */
    QEMUTimerList *timer_list;
    QEMUTimerCB *cb;
    void *opaque;
    uint32_t slot;               /* its number in the list while it is armed */
    int attributes;
    int scale;
};

/* The timers that main_loop_wait() runs. */
extern QEMUTimerListGroup main_loop_tlg;

/* Makes main_loop_tlg; further calls do nothing. The first notify_cb that is not
 * NULL is called when one of its deadlines moves nearer. Panics if there is no
 * memory. */
void init_clocks(QEMUTimerListNotifyCB *notify_cb);
/* Returns the time of a clock in nanoseconds. */
int64_t qemu_clock_get_ns(QEMUClockType type);
/* Returns the time of a clock in microseconds. */
static inline int64_t qemu_clock_get_us(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_US;
}
/* Returns the time of a clock in milliseconds. */
static inline int64_t qemu_clock_get_ms(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_MS;
}
/*
 * Turns a clock on or off. Timers of a clock that is off do not run. Turning it
 * off waits for its call-backs that are running, so one of them must not do it.
 */
void qemu_clock_enable(QEMUClockType type, bool enabled);
/* Returns true if a timer of the clock is armed in main_loop_tlg. */
bool qemu_clock_has_timers(QEMUClockType type);
/* Returns true if a timer of the clock is due in main_loop_tlg. */
bool qemu_clock_expired(QEMUClockType type);
/* Returns the nanoseconds until the first deadline of all lists of the clock: 0
 * if one is due, -1 if there is none. attr_mask is ignored. */
int64_t qemu_clock_deadline_ns_all(QEMUClockType type, int attr_mask);
/* Calls the notify call-back of each list of the clock. */
void qemu_clock_notify(QEMUClockType type);
/* Runs the clock's timers in main_loop_tlg that are due. Returns true if one ran.
 * Main thread only. */
bool qemu_clock_run_timers(QEMUClockType type);
/* Runs the timers of all clocks in main_loop_tlg that are due. Returns true if
 * one ran. Main thread only. */
bool qemu_clock_run_all_timers(void);

/* Makes a timer list, which the caller frees. cb(opaque, type) is called when the
 * first deadline moves nearer. Panics if there is no memory. */
QEMUTimerList *timerlist_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                             void *opaque);
/* Frees a timer list, which no other thread uses. Panics if a timer is armed. */
void timerlist_free(QEMUTimerList *timer_list);
/* Returns true if a timer is armed in the list. */
bool timerlist_has_timers(QEMUTimerList *timer_list);
/* Returns true if a timer of the list is due. */
bool timerlist_expired(QEMUTimerList *timer_list);
/* Returns the nanoseconds until the list's first deadline: 0 if it is due, -1 if
 * there is none or the clock is off. */
int64_t timerlist_deadline_ns(QEMUTimerList *timer_list);
/* Returns the clock of a list. */
QEMUClockType timerlist_get_clock(QEMUTimerList *timer_list);
/* Runs the list's timers that are due. Returns true if one ran. Only the thread
 * that runs the list. */
bool timerlist_run_timers(QEMUTimerList *timer_list);
/* Calls the list's notify call-back. */
void timerlist_notify(QEMUTimerList *timer_list);

/* Makes a list for each clock; see timerlist_new(). */
void timerlistgroup_init(QEMUTimerListGroup *tlg, QEMUTimerListNotifyCB *cb,
                         void *opaque);
/* Frees the lists; see timerlist_free(). */
void timerlistgroup_deinit(QEMUTimerListGroup *tlg);
/* Runs the timers of all lists that are due. Returns true if one ran. Only the
 * thread that runs the lists. */
bool timerlistgroup_run_timers(QEMUTimerListGroup *tlg);
/* Returns the nanoseconds until the first deadline of all lists: 0 if one is due,
 * -1 if there is none. */
int64_t timerlistgroup_deadline_ns(QEMUTimerListGroup *tlg);

/* Returns the sooner of two time-outs, where -1 means "never". */
static inline int64_t qemu_soonest_timeout(int64_t timeout1, int64_t timeout2)
{
    /* As unsigned numbers -1 is the largest. */
    return (uint64_t)timeout1 < (uint64_t)timeout2 ? timeout1 : timeout2;
}
/* Converts a time-out to milliseconds, rounded up, at most INT32_MAX. A negative
 * one, "never", becomes -1. */
int qemu_timeout_ns_to_ms(int64_t ns);

/*
 * Initialises a timer in the caller's memory, not armed, in a group of lists
 * (NULL: main_loop_tlg). scale is the unit of timer_mod() in nanoseconds. *ts
 * must not be armed; it must live until it is disarmed and its call-back does not
 * run.
 */
void timer_init_full(QEMUTimer *ts, QEMUTimerListGroup *timer_list_group,
                     QEMUClockType type, int scale, int attributes,
                     QEMUTimerCB *cb, void *opaque);
/* Initialises a timer of main_loop_tlg, as timer_init_full() does. */
static inline void timer_init(QEMUTimer *ts, QEMUClockType type, int scale,
                              QEMUTimerCB *cb, void *opaque)
{
    timer_init_full(ts, NULL, type, scale, 0, cb, opaque);
}
/* Initialises a timer of main_loop_tlg whose unit is nanoseconds. */
static inline void timer_init_ns(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_NS, cb, opaque);
}
/* Initialises a timer of main_loop_tlg whose unit is microseconds. */
static inline void timer_init_us(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_US, cb, opaque);
}
/* Initialises a timer of main_loop_tlg whose unit is milliseconds. */
static inline void timer_init_ms(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_MS, cb, opaque);
}
/* Allocates and initialises a timer, as timer_init_full() does. The caller frees
 * it (timer_free). Panics if there is no memory. */
QEMUTimer *timer_new_full(QEMUTimerListGroup *timer_list_group,
                          QEMUClockType type, int scale, int attributes,
                          QEMUTimerCB *cb, void *opaque);
/* Allocates a timer of main_loop_tlg, as timer_new_full() does. */
static inline QEMUTimer *timer_new(QEMUClockType type, int scale,
                                   QEMUTimerCB *cb, void *opaque)
{
    return timer_new_full(NULL, type, scale, 0, cb, opaque);
}
/* Allocates a timer of main_loop_tlg whose unit is nanoseconds, as
 * timer_new_full() does. */
static inline QEMUTimer *timer_new_ns(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_NS, cb, opaque);
}
/* Allocates a timer of main_loop_tlg whose unit is microseconds, as
 * timer_new_full() does. */
static inline QEMUTimer *timer_new_us(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_US, cb, opaque);
}
/* Allocates a timer of main_loop_tlg whose unit is milliseconds, as
 * timer_new_full() does. */
static inline QEMUTimer *timer_new_ms(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_MS, cb, opaque);
}
/* Ends the use of a timer that was initialised. Panics if it is armed. */
void timer_deinit(QEMUTimer *ts);
/* Disarms a timer; does nothing if it is not armed. Does not wait for its
 * call-back, which may be running in another thread. */
void timer_del(QEMUTimer *ts);
/* Disarms and frees a timer of timer_new(), or does nothing for NULL. */
void timer_free(QEMUTimer *ts);
/*
 * Arms a timer, or moves its deadline, to expire_time nanoseconds of its clock; a
 * negative time counts as 0. The call-back runs in the thread that runs its list,
 * which is woken if need be. Panics if there is no memory, or the timer is not
 * initialised.
 */
void timer_mod_ns(QEMUTimer *ts, int64_t expire_time);
/* Arms a timer as timer_mod_ns() does; expire_time is in units of the timer's
 * scale. */
void timer_mod(QEMUTimer *ts, int64_t expire_time);
/* Arms a timer as timer_mod_ns() does, but never moves its deadline further
 * away. */
void timer_mod_anticipate_ns(QEMUTimer *ts, int64_t expire_time);
/* Arms a timer as timer_mod_anticipate_ns() does; expire_time is in units of its
 * scale. */
void timer_mod_anticipate(QEMUTimer *ts, int64_t expire_time);
/* Returns true if the timer is armed. */
bool timer_pending(QEMUTimer *ts);
/* Returns true if the timer is armed and its deadline is at or before
 * current_time. */
bool timer_expired(QEMUTimer *timer_head, int64_t current_time);
/* Returns the deadline in nanoseconds, or (uint64_t)-1 if the timer is not
 * armed. */
uint64_t timer_expire_time_ns(QEMUTimer *ts);

#ifdef __cplusplus
}
#endif

#endif
