/* SPDX-License-Identifier: MIT */
/*
 * A one-word flag to wait for. All three operations read-modify-write the word,
 * and so all are ordered among each other: what was written before a set is seen
 * by the waiter whose reset came later, and a set that comes after the reset is
 * seen by its wait. A set is never left out because the flag is up already.
 */
#include "qemu/thread.h"

#include "port/port.h"
#include "sync/wait.h"

/* UP | DOWN is DOWN, and DOWN_WAITERS | DOWN keeps its waiters. */
enum { UP = 0, DOWN = 1, DOWN_WAITERS = 3 };

void qemu_event_init(QemuEvent *ev, bool init)
{
    qatomic_set(&ev->value, init ? UP : DOWN);
}

void qemu_event_destroy(QemuEvent *ev)
{
    (void)ev;
}

void qemu_event_set(QemuEvent *ev)
{
    /* Afterwards only the address is used: a waiter may free the event. */
    if (qatomic_xchg(&ev->value, UP) == DOWN_WAITERS) {
        port_futex_wake(&ev->value, UINT32_MAX);
    }
}

void qemu_event_reset(QemuEvent *ev)
{
    qatomic_or(&ev->value, DOWN);
}

void qemu_event_wait(QemuEvent *ev)
{
    uint32_t value = qatomic_load_acquire(&ev->value);

    if (value == UP) {
        return;
    }
    refuse_to_block("qemu_event_wait");
    if (value == DOWN &&
        qatomic_cmpxchg(&ev->value, DOWN, DOWN_WAITERS) == UP) {
        return;
    }
    /* DOWN: it was set, which ended this wait, and reset again. */
    while (qatomic_load_acquire(&ev->value) == DOWN_WAITERS) {
        port_futex_wait(&ev->value, DOWN_WAITERS, -1);
    }
}
