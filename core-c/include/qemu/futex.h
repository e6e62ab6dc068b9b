/* SPDX-License-Identifier: MIT */
#ifndef QEMU_FUTEX_H
#define QEMU_FUTEX_H
#include "qemu/osdep.h"
/* Wakes at most n threads that wait on the 32-bit word at f. */
void qemu_futex_wake(void *f, int n);
/* Sleeps while the word at f is val; may return early. */
void qemu_futex_wait(void *f, unsigned val);
#endif
