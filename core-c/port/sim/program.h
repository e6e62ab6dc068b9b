/* SPDX-License-Identifier: MIT */
/*
 * Included first in each file of the simulated program. Its thread-locals lie in one section, which the simulator exchanges when
 * it goes from one thread to another; its heap is the simulator's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The seed decides where counters start. */
extern uint32_t sim_counter_start;
#define AIO_COUNTER_START sim_counter_start

#define _Thread_local __attribute__((section("simtls")))
#define __thread __attribute__((section("simtls")))
#define malloc sim_malloc
#define calloc sim_calloc
#define realloc sim_realloc
#define aligned_alloc sim_aligned_alloc
#define free sim_free
#undef strdup
#define strdup sim_strdup

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *memory);
char *strdup(const char *text);
