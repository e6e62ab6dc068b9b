// SPDX-License-Identifier: MIT
/*
 * A timer that one thread arms in the loop of another does not fire before its
 * deadline, whichever of the two threads is the older one.
 */
#include <stdio.h>
#include <unistd.h>
#include "block/aio.h"
#include "qemu/thread.h"
#include "sysemu/iothread.h"

#define WAIT_NS (300 * 1000000LL)
/* Where a thread's clock has to be measured, it is off by what that took. */
#define ALLOWED_NS (100 * 1000000LL)

static int64_t fired;
static QemuEvent done;

static void fire(void *opaque)
{
    (void)opaque;
    fired = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    qemu_event_set(&done);
}

/* Arms a timer in that loop; true if it fired in time by both threads' clocks. */
static bool arm(const char *who, AioContext *context)
{
    int64_t armed = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    QEMUTimer *timer = aio_timer_new(context, QEMU_CLOCK_REALTIME, SCALE_NS,
                                     fire, NULL);
    int64_t there, here;

    qemu_event_reset(&done);
    timer_mod(timer, armed + WAIT_NS);
    qemu_event_wait(&done);
    there = fired - armed;
    here = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - armed;
    timer_free(timer);
    printf("%s: fired after %lld ms there, %lld ms here\n", who,
           (long long)(there / 1000000), (long long)(here / 1000000));
    return there >= WAIT_NS - ALLOWED_NS && here >= WAIT_NS - ALLOWED_NS;
}

static void *younger(void *opaque)
{
    return (void *)(uintptr_t)arm("a younger thread", opaque);
}

int main(void)
{
    IOThread *io;
    QemuThread thread;
    bool by_older, by_younger;

    qemu_event_init(&done, false);
    usleep(500 * 1000);
    io = iothread_create("io", NULL);
    by_older = arm("an older thread", iothread_get_aio_context(io));
    usleep(500 * 1000);
    qemu_thread_create(&thread, "younger", younger,
                       iothread_get_aio_context(io), QEMU_THREAD_JOINABLE);
    by_younger = qemu_thread_join(&thread) != NULL;
    iothread_destroy(io);
    return !by_older || !by_younger;
}
