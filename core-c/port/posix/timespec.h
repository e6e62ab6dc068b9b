/* SPDX-License-Identifier: MIT */
#ifndef PORT_POSIX_TIMESPEC_H
#define PORT_POSIX_TIMESPEC_H
#include "qemu/osdep.h"

/* Fills in *ts and returns it, or returns NULL, "for ever", if timeout_ns < 0.
 * Asks the kernel for exact time-outs in this thread. */
struct timespec *posix_timeout(struct timespec *ts, int64_t timeout_ns);

#endif
