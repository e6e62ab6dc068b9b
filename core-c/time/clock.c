/* SPDX-License-Identifier: MIT */
/* The clocks: their time, whether they are on, and the timer lists that use
 * them. */
#include "time/clock.h"

#include "port/calls.h"
#include "sync/wait.h"

typedef struct Clock {
    uint32_t enabled;
    uint32_t disablers;        /* threads in qemu_clock_enable(type, false) */
    uint32_t pauses;           /* the futex they sleep on: incremented when a
                                * list has run its timers and one waits */
} Clock;

static Clock clocks[QEMU_CLOCK_MAX] = {
    [QEMU_CLOCK_REALTIME] = { .enabled = 1 },
    [QEMU_CLOCK_HOST] = { .enabled = 1 },
    [QEMU_CLOCK_VIRTUAL_RT] = { .enabled = 1 },
};

/* All timer lists, protected by lists_lock, which freeing one takes too. */
static QLIST_HEAD(, QEMUTimerList) lists[QEMU_CLOCK_MAX];
static QemuMutex lists_lock;

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

void clock_disable(QEMUClockType type)
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

bool clock_enable(QEMUClockType type)
{
    return !qatomic_xchg(&clocks[type].enabled, 1);
}

void clock_each_list(QEMUClockType type,
                     void (*fn)(QEMUTimerList *list, void *opaque),
                     void *opaque)
{
    QEMUTimerList *list;

    qemu_mutex_lock(&lists_lock);
    QLIST_FOREACH(list, &lists[type], node) {
        CALL_OWN(fn, list, opaque);
    }
    qemu_mutex_unlock(&lists_lock);
}

int qemu_timeout_ns_to_ms(int64_t ns)
{
    if (ns < 0) {
        return -1;
    }
    int64_t ms = ns / SCALE_MS + (ns % SCALE_MS != 0);
    return (int)MIN(ms, INT32_MAX);
}
