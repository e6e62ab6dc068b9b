/* SPDX-License-Identifier: MIT */
#ifndef PORT_SANITIZE_H
#define PORT_SANITIZE_H
/* In place of core-c/port/sanitize.h: the simulator reports the use of memory that lies in a pool. */
#include <stdbool.h>
#include <stddef.h>

void sim_heap_poison(const void *memory, size_t size, bool on);
#define sanitize_poison(memory, size) sim_heap_poison(memory, size, true)
#define sanitize_unpoison(memory, size) sim_heap_poison(memory, size, false)

#endif
