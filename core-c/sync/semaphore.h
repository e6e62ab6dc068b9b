/* SPDX-License-Identifier: MIT */
#ifndef SYNC_SEMAPHORE_H
#define SYNC_SEMAPHORE_H
/* What qemu_sem_wait and WebAssembly's sem_wait share. */
#include "qemu/thread.h"

/* False: it is full. */
bool semaphore_try_post(QemuSemaphore *sem);
bool semaphore_try_take(QemuSemaphore *sem);
/* Waits; deadline is of the monotonic clock, INT64_MAX: none. False: it passed. A thread that
 * may not wait spins. */
bool semaphore_take_until(QemuSemaphore *sem, int64_t deadline);

#endif
