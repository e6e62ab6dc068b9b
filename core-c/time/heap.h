/* SPDX-License-Identifier: MIT */
#ifndef TIME_HEAP_H
#define TIME_HEAP_H
/*
 * A priority queue of timers: a heap with four children per node. It is half as
 * deep as a binary heap, and the four siblings share a cache line. Equal deadlines
 * come out in the order in which they went in.
 *
 * A timer is known by its slot, a small number, so that sifting does not touch the
 * timers: it only updates place[slot].
 *
 * No function but heap_memory_new() allocates; the caller locks.
 */
#include "qemu/timer.h"

typedef struct TimerEntry {
    int64_t deadline;
    uint64_t order;              /* the slot, and the turn above it */
} TimerEntry;

/* The arrays that grow with the number of timers. */
typedef struct TimerHeapMemory {
    void *block;                 /* one allocation for all three arrays */
    TimerEntry *entries;         /* entries[1] begins a cache line */
    QEMUTimer **timers;          /* by slot; undefined for an unused slot */
    uint32_t *place;             /* by slot: the index of its entry; for an unused
                                  * slot the next unused one */
    uint32_t capacity;
} TimerHeapMemory;

typedef struct TimerHeap {
    TimerHeapMemory memory;
    uint32_t count;
    uint32_t slots;              /* slots ever used; the others are not chained */
    uint32_t unused;             /* first in the chain of unused slots */
    uint64_t turn;               /* turn of the next arming */
} TimerHeap;

/* Returns false if there is no memory, or capacity is too large. */
bool heap_memory_new(TimerHeapMemory *memory, uint32_t capacity);
void heap_memory_free(TimerHeapMemory *memory);

void heap_init(TimerHeap *heap);
/* Takes over the larger *memory and stores its old one there. */
void heap_grow(TimerHeap *heap, TimerHeapMemory *memory);
static inline bool heap_is_full(const TimerHeap *heap)
{
    return heap->count == heap->memory.capacity;
}
/* Returns the first deadline, or INT64_MAX if the heap is empty. */
static inline int64_t heap_first(const TimerHeap *heap)
{
    return heap->count ? heap->memory.entries[0].deadline : INT64_MAX;
}
/* Returns true if the first timer was armed when heap->turn was at least turn,
 * which is less than 2^39 armings ago. */
bool heap_first_is_since(const TimerHeap *heap, uint64_t turn);
static inline bool heap_is_first(const TimerHeap *heap, uint32_t slot)
{
    return heap->memory.place[slot] == 0;
}

/* Inserts a timer and returns its slot, which it keeps until it is removed.
 * Deadlines are below INT64_MAX. */
uint32_t heap_insert(TimerHeap *heap, QEMUTimer *timer, int64_t deadline);
void heap_move(TimerHeap *heap, uint32_t slot, int64_t deadline);
void heap_remove(TimerHeap *heap, uint32_t slot);
QEMUTimer *heap_remove_first(TimerHeap *heap);
/* Removes and returns a timer that is quick to remove, or returns NULL if there is
 * none. */
QEMUTimer *heap_remove_last(TimerHeap *heap);

#endif
