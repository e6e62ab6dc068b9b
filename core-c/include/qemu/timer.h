/* SPDX-License-Identifier: MIT */
#ifndef QEMU_TIMER_H
#define QEMU_TIMER_H
/* Clocks and timers. Behaviour: util/qemu-timer.c. Times are nanoseconds. */
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

/* Attributes matter to record/replay alone; they are kept and not looked at. */
#define QEMU_TIMER_ATTR_EXTERNAL 1
#define QEMU_TIMER_ATTR_ALL 0xffffffff

typedef struct QEMUTimerList QEMUTimerList;
typedef void QEMUTimerCB(void *opaque);
/* Called when the first deadline of a list came nearer; any thread. */
typedef void QEMUTimerListNotifyCB(void *opaque, QEMUClockType type);

struct QEMUTimerListGroup {
    QEMUTimerList *tl[QEMU_CLOCK_MAX];
};

struct QEMUTimer {
    int64_t expire_time;         /* ns; -1 when not pending */
    QEMUTimerList *timer_list;
    QEMUTimerCB *cb;
    void *opaque;
    uint32_t slot;               /* its number in the list while pending */
    int attributes;
    int scale;
};

extern QEMUTimerListGroup main_loop_tlg;

/* Idempotent; the first notify call-back given serves main_loop_tlg. */
void init_clocks(QEMUTimerListNotifyCB *notify_cb);
int64_t qemu_clock_get_ns(QEMUClockType type);
static inline int64_t qemu_clock_get_us(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_US;
}
static inline int64_t qemu_clock_get_ms(QEMUClockType type)
{
    return qemu_clock_get_ns(type) / SCALE_MS;
}
/*
 * Disabling waits for call-backs of the clock that run elsewhere; never call it
 * with false from one of them.
 */
void qemu_clock_enable(QEMUClockType type, bool enabled);
bool qemu_clock_has_timers(QEMUClockType type);
bool qemu_clock_expired(QEMUClockType type);
int64_t qemu_clock_deadline_ns_all(QEMUClockType type, int attr_mask);
void qemu_clock_notify(QEMUClockType type);
bool qemu_clock_run_timers(QEMUClockType type);
bool qemu_clock_run_all_timers(void);

QEMUTimerList *timerlist_new(QEMUClockType type, QEMUTimerListNotifyCB *cb,
                             void *opaque);
/* Panics if a timer is armed. */
void timerlist_free(QEMUTimerList *timer_list);
bool timerlist_has_timers(QEMUTimerList *timer_list);
bool timerlist_expired(QEMUTimerList *timer_list);
/* ns until the first deadline, 0 if it is due, -1 if there is none. */
int64_t timerlist_deadline_ns(QEMUTimerList *timer_list);
QEMUClockType timerlist_get_clock(QEMUTimerList *timer_list);
bool timerlist_run_timers(QEMUTimerList *timer_list);
void timerlist_notify(QEMUTimerList *timer_list);

void timerlistgroup_init(QEMUTimerListGroup *tlg, QEMUTimerListNotifyCB *cb,
                         void *opaque);
void timerlistgroup_deinit(QEMUTimerListGroup *tlg);
bool timerlistgroup_run_timers(QEMUTimerListGroup *tlg);
int64_t timerlistgroup_deadline_ns(QEMUTimerListGroup *tlg);

/* The sooner of two time-outs, of which -1 is "never". */
static inline int64_t qemu_soonest_timeout(int64_t timeout1, int64_t timeout2)
{
    /* As unsigned numbers -1 is the largest. */
    return (uint64_t)timeout1 < (uint64_t)timeout2 ? timeout1 : timeout2;
}
/* Milliseconds, rounded up, at most INT32_MAX; -1 stays -1. */
int qemu_timeout_ns_to_ms(int64_t ns);

/* ts is not armed. A NULL group means main_loop_tlg. */
void timer_init_full(QEMUTimer *ts, QEMUTimerListGroup *timer_list_group,
                     QEMUClockType type, int scale, int attributes,
                     QEMUTimerCB *cb, void *opaque);
static inline void timer_init(QEMUTimer *ts, QEMUClockType type, int scale,
                              QEMUTimerCB *cb, void *opaque)
{
    timer_init_full(ts, NULL, type, scale, 0, cb, opaque);
}
static inline void timer_init_ns(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_NS, cb, opaque);
}
static inline void timer_init_us(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_US, cb, opaque);
}
static inline void timer_init_ms(QEMUTimer *ts, QEMUClockType type,
                                 QEMUTimerCB *cb, void *opaque)
{
    timer_init(ts, type, SCALE_MS, cb, opaque);
}
/* Panics if there is no memory, as all of these do. */
QEMUTimer *timer_new_full(QEMUTimerListGroup *timer_list_group,
                          QEMUClockType type, int scale, int attributes,
                          QEMUTimerCB *cb, void *opaque);
static inline QEMUTimer *timer_new(QEMUClockType type, int scale,
                                   QEMUTimerCB *cb, void *opaque)
{
    return timer_new_full(NULL, type, scale, 0, cb, opaque);
}
static inline QEMUTimer *timer_new_ns(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_NS, cb, opaque);
}
static inline QEMUTimer *timer_new_us(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_US, cb, opaque);
}
static inline QEMUTimer *timer_new_ms(QEMUClockType type, QEMUTimerCB *cb,
                                      void *opaque)
{
    return timer_new(type, SCALE_MS, cb, opaque);
}
/* Panics if it is armed. */
void timer_deinit(QEMUTimer *ts);
/* Idempotent; neither notifies nor waits for a running call-back. */
void timer_del(QEMUTimer *ts);
/* Takes NULL. */
void timer_free(QEMUTimer *ts);
/* Any thread. A negative deadline is 0; the call-back runs in the list's loop. */
void timer_mod_ns(QEMUTimer *ts, int64_t expire_time);
void timer_mod(QEMUTimer *ts, int64_t expire_time);      /* in units of scale */
/* These move the deadline nearer only. */
void timer_mod_anticipate_ns(QEMUTimer *ts, int64_t expire_time);
void timer_mod_anticipate(QEMUTimer *ts, int64_t expire_time);
bool timer_pending(QEMUTimer *ts);
bool timer_expired(QEMUTimer *timer_head, int64_t current_time);
/* (uint64_t)-1 when not pending. */
uint64_t timer_expire_time_ns(QEMUTimer *ts);

#ifdef __cplusplus
}
#endif

#endif
