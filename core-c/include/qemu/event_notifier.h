/* SPDX-License-Identifier: MIT */
#ifndef QEMU_EVENT_NOTIFIER_H
#define QEMU_EVENT_NOTIFIER_H
/*
 * EventNotifier: a flag that a loop can wait for. Setting it several times
 * before it is cleared is the same as setting it once. Behaves as
 * util/event_notifier-posix.c of QEMU. The notifier must be initialised, and
 * live until each call returns.
 */
#include "qemu/osdep.h"

#ifdef __cplusplus
extern "C" {
#endif

struct EventNotifier {
    int fd;               /* -1: not initialised */
};

/* A handler of a notifier (aio_set_event_notifier). */
typedef void EventNotifierHandler(EventNotifier *);

/* Initialises a notifier, which is set if active is not 0. Returns 0 or -errno
 * (no fd or memory left). Any thread. */
int event_notifier_init(EventNotifier *e, int active);
/* Closes the notifier's fd; further calls do nothing. Remove its handlers
 * first. Any thread, while no other one uses it. */
void event_notifier_cleanup(EventNotifier *e);
/* Returns the fd that is readable while the notifier is set; -1 if it was never
 * initialised. Any thread. */
int event_notifier_get_fd(const EventNotifier *e);
/* Sets the notifier and wakes the loops that watch it. Returns 0, -errno, or -1
 * if it was never initialised. Any thread, lock-free. */
int event_notifier_set(EventNotifier *e);
/* Clears the notifier. Returns 1 if it was set, else 0. Any thread. */
int event_notifier_test_and_clear(EventNotifier *e);

#ifdef __cplusplus
}
#endif

#endif
