/* SPDX-License-Identifier: MIT */
#ifndef QEMU_COROUTINE_H
#define QEMU_COROUTINE_H
#include "qemu/osdep.h"
#include "qemu/timer.h"
/* The entry of a coroutine. */
typedef void coroutine_fn CoroutineEntry(void *opaque);
#endif
