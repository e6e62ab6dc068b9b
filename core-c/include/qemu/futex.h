/* SPDX-License-Identifier: MIT */
#ifndef QEMU_FUTEX_H
#define QEMU_FUTEX_H
#include "qemu/osdep.h"
/* Wakes at most n threads that wait on the 32-bit word at f. Any thread. */
void qemu_futex_wake(void *f, int n);
/* Sleeps while the 32-bit word at f is val; may return early, so the caller
 * looks again. Any thread that may wait. */
void qemu_futex_wait(void *f, unsigned val);
#endif
