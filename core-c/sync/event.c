/* SPDX-License-Identifier: MIT */
/*
 * A flag in one word. All three operations are read-modify-writes of the word,
 * so they are ordered among each other: a waiter whose reset came after a set
 * sees what was written before that set, and a wait sees a set that came after
 * its reset. A set is therefore made even if the flag is up already.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/inside.h"
#include "sync/wait.h"

/* UP | DOWN is DOWN, and DOWN_WAITERS | DOWN keeps its waiters. */
enum { UP = 0, DOWN = 1, DOWN_WAITERS = 3, DESTROYED = 7 };

void qemu_event_init(QemuEvent *ev, bool init)
{
    qatomic_set(&ev->value, init ? UP : DOWN);
    qatomic_set(&ev->inside, 0);
}

void qemu_event_destroy(QemuEvent *ev)
{
    if (unlikely(inside_close(&ev->inside))) {
        /* Threads that were woken leave; one that still waits panics. */
        if (qatomic_cmpxchg(&ev->value, DOWN_WAITERS, DESTROYED) ==
            DOWN_WAITERS) {
            port_futex_wake(&ev->value, UINT32_MAX);
        }
        inside_wait_until_empty(&ev->inside);
    }
}

void qemu_event_set(QemuEvent *ev)
{
    /* From here on only the address is used: a waiter may free the event. */
    if (qatomic_xchg(&ev->value, UP) == DOWN_WAITERS) {
        port_futex_wake(&ev->value, UINT32_MAX);
    }
}

void qemu_event_reset(QemuEvent *ev)
{
    qatomic_or(&ev->value, DOWN);
}

/* Sleeps until the event is set. */
static void wait_for_set(QemuEvent *ev)
{
    uint32_t value = qatomic_load_acquire(&ev->value);

    if (value == DOWN &&
        (value = qatomic_cmpxchg(&ev->value, DOWN, DOWN_WAITERS)) == DOWN) {
        value = DOWN_WAITERS;
        /* Pairs with qemu_event_destroy: either it finds that somebody waits, or we see that the
         * event is being destroyed, and with that whether it was set before. */
        if (unlikely(inside_is_closed(&ev->inside))) {
            value = qatomic_load_acquire(&ev->value);
            value = value == DOWN_WAITERS ? DESTROYED : value;
        }
    }
    /* DOWN means that it was set, which ended this wait, and reset again. */
    while (value == DOWN_WAITERS) {
        port_futex_wait(&ev->value, DOWN_WAITERS, -1);
        value = qatomic_load_acquire(&ev->value);
    }
    if (unlikely(value == DESTROYED)) {
        port_panic("qemu_event_destroy: somebody waits for event %p",
                   (void *)ev);
    }
}

void qemu_event_wait(QemuEvent *ev)
{
    if (qatomic_load_acquire(&ev->value) != UP) {
        refuse_to_block("qemu_event_wait");
        inside_enter(&ev->inside);
        wait_for_set(ev);
        inside_leave(&ev->inside);
    }
}
