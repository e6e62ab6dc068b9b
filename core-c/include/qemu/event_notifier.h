/* SPDX-License-Identifier: MIT */
#ifndef QEMU_EVENT_NOTIFIER_H
#define QEMU_EVENT_NOTIFIER_H
/*
 * A flag that a loop can wait for. Any number of sets before a clear are one.
 * Any thread may set, lock-free; behaviour: util/event_notifier-posix.c.
 */
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

struct EventNotifier {
    int fd;               /* -1: not initialised */
};

typedef void EventNotifierHandler(EventNotifier *);

/* 0 or -errno; active sets it at once. */
int event_notifier_init(EventNotifier *e, int active);
/* Idempotent. */
void event_notifier_cleanup(EventNotifier *e);
/* The fd that becomes readable when the notifier is set. */
int event_notifier_get_fd(const EventNotifier *e);
/* 0, -errno, or -1 when it was never initialised. */
int event_notifier_set(EventNotifier *e);
/* 1 if it was set, else 0; it is clear afterwards. */
int event_notifier_test_and_clear(EventNotifier *e);

#ifdef __cplusplus
}
#endif

#endif
