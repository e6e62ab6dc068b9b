/* SPDX-License-Identifier: MIT */
#ifndef SYNC_SEMAPHORE_H
#define SYNC_SEMAPHORE_H
/* Shared by qemu_sem_wait() and sem_wait() of WebAssembly. */
#include "qemu/thread.h"

/* Posts; returns false if the semaphore is full. */
bool semaphore_try_post(QemuSemaphore *sem);
bool semaphore_try_take(QemuSemaphore *sem);
/* Waits until the deadline, on the monotonic clock (INT64_MAX: none). Returns false if it has
 * passed. A thread that may not wait spins. */
bool semaphore_take_until(QemuSemaphore *sem, int64_t deadline);

#endif
