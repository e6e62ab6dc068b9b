/* SPDX-License-Identifier: MIT */
#ifndef TIME_HEAP_H
#define TIME_HEAP_H
/*
 * A priority queue of timers: a heap of four children a node, half as deep as a
 * binary one, whose four siblings share a cache line. Equal deadlines come out in
 * the order in which they went in.
 *
 * A timer is known by its slot, a small number, so that sifting touches neither
 * the timers nor anything as widely spread: it keeps place[slot] right.
 *
 * No function allocates but heap_memory_new(); the caller locks.
 */
#include "qemu/timer.h"

typedef struct TimerEntry {
    int64_t deadline;
    uint64_t order;              /* the turn above the slot */
} TimerEntry;

/* What grows with the number of timers. */
typedef struct TimerHeapMemory {
    void *block;                 /* one allocation for all three */
    TimerEntry *entries;         /* entries[1] begins a cache line */
    QEMUTimer **timers;          /* by slot; of an unused slot undefined */
    uint32_t *place;             /* by slot: its entry's index; of an unused slot
                                  * the next unused one */
    uint32_t capacity;
} TimerHeapMemory;

typedef struct TimerHeap {
    TimerHeapMemory memory;
    uint32_t count;
    uint32_t slots;              /* that were ever used: the rest is not chained */
    uint32_t unused;             /* first of the chain of unused slots */
    uint64_t turn;               /* of the next arming */
} TimerHeap;

/* False if there is no memory, or capacity is too large. */
bool heap_memory_new(TimerHeapMemory *memory, uint32_t capacity);
void heap_memory_free(TimerHeapMemory *memory);

void heap_init(TimerHeap *heap);
/* Takes over the larger *memory and leaves its old one there. */
void heap_grow(TimerHeap *heap, TimerHeapMemory *memory);
static inline bool heap_is_full(const TimerHeap *heap)
{
    return heap->count == heap->memory.capacity;
}
/* INT64_MAX if it is empty. */
static inline int64_t heap_first(const TimerHeap *heap)
{
    return heap->count ? heap->memory.entries[0].deadline : INT64_MAX;
}
/* Whether the first one was armed when heap->turn was at least turn, which is less
 * than 2^39 armings ago. */
bool heap_first_is_since(const TimerHeap *heap, uint64_t turn);
static inline bool heap_is_first(const TimerHeap *heap, uint32_t slot)
{
    return heap->memory.place[slot] == 0;
}

/* Deadlines are below INT64_MAX; a timer keeps its slot until it is removed. */
uint32_t heap_insert(TimerHeap *heap, QEMUTimer *timer, int64_t deadline);
void heap_move(TimerHeap *heap, uint32_t slot, int64_t deadline);
void heap_remove(TimerHeap *heap, uint32_t slot);
QEMUTimer *heap_remove_first(TimerHeap *heap);
/* One of those that are the quickest to remove. NULL: there is none. */
QEMUTimer *heap_remove_last(TimerHeap *heap);

#endif
