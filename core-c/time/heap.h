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
 * What is due is taken out of the heap at once and sorted: heap_collect() makes such a
 * run, from whose front timers are then removed. A timer that is moved goes back into
 * the heap, and the next one is the first of both.
 *
 * No function but heap_memory_new() allocates; the caller locks.
 */
#include "qemu/timer.h"

typedef struct TimerEntry {
    int64_t deadline;
    uint64_t order;              /* the slot, and the turn above it */
} TimerEntry;

#define TIMER_SLOT_BITS 24

/* Without a branch, whose outcome would be unpredictable. */
static inline bool timer_before(const TimerEntry *a, const TimerEntry *b)
{
    return (a->deadline < b->deadline) |
           ((a->deadline == b->deadline) & ((int64_t)(a->order - b->order) < 0));
}

/* Sorts n entries; copy has room for as many. Turns are less than 2^39 armings before
 * turn. */
void timer_sort(TimerEntry *entries, TimerEntry *copy, uint32_t n, uint64_t turn);

/* The arrays that grow with the number of timers. */
typedef struct TimerHeapMemory {
    void *block;                 /* one allocation for all four arrays */
    TimerEntry *entries;         /* entries[1] begins a cache line */
    TimerEntry *run;             /* what was due, in order */
    QEMUTimer **timers;          /* by slot; undefined for an unused slot */
    uint32_t *place;             /* by slot: the index of its entry, with IN_RUN if that
                                  * is in the run; for an unused slot the next unused
                                  * one */
    uint32_t capacity;
} TimerHeapMemory;

typedef struct TimerHeap {
    TimerHeapMemory memory;
    uint32_t count;              /* how many are in the heap itself */
    uint32_t run_count;          /* and in the run */
    uint32_t run_next;           /* the one after its first entry */
    uint32_t run_end;
    TimerEntry run_head;         /* its first entry, or one that comes after all */
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
static inline uint32_t heap_count(const TimerHeap *heap)
{
    return heap->count + heap->run_count;
}
static inline bool heap_is_full(const TimerHeap *heap)
{
    return heap_count(heap) == heap->memory.capacity;
}
/* Returns the first deadline, or INT64_MAX if the heap is empty. */
static inline int64_t heap_first(const TimerHeap *heap)
{
    return heap->count ? MIN(heap->memory.entries[0].deadline, heap->run_head.deadline)
                       : heap->run_head.deadline;
}
/* Returns true if the first timer was armed when heap->turn was at least turn,
 * which is less than 2^39 armings ago. */
bool heap_first_is_since(const TimerHeap *heap, uint64_t turn);
/* Returns true if the timer that was armed last, whose slot this is, is the first. */
static inline bool heap_is_first(const TimerHeap *heap, uint32_t slot)
{
    return heap->memory.place[slot] == 0 &&
           heap->memory.entries[0].deadline < heap->run_head.deadline;
}

/* Inserts a timer and returns its slot, which it keeps until it is removed.
 * Deadlines are below INT64_MAX. */
uint32_t heap_insert(TimerHeap *heap, QEMUTimer *timer, int64_t deadline);
void heap_move(TimerHeap *heap, uint32_t slot, int64_t deadline);
void heap_remove(TimerHeap *heap, uint32_t slot);
/* Makes the timers whose deadline is at most now quick to remove, unless a former run
 * has not ended. Changes nothing that the other functions tell. */
void heap_collect(TimerHeap *heap, int64_t now);
QEMUTimer *heap_remove_first(TimerHeap *heap);
/* Removes and returns a timer that is quick to remove, or returns NULL if there is
 * none. */
QEMUTimer *heap_remove_last(TimerHeap *heap);

#endif
