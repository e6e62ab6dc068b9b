/* SPDX-License-Identifier: MIT */
#include "time/heap.h"

#include "port/counter.h"

#define ARITY 4
#define CACHE_LINE 64
#define SLOT_BITS 24
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define NO_SLOT UINT32_MAX

/* The last entry is always followed by three of these, which come after any other
 * entry, so that four children can be compared without counting them. */
static const TimerEntry nobody = { INT64_MAX, UINT64_MAX };
#define PADDING (ARITY - 1)

/* ---- Memory ---- */

bool heap_memory_new(TimerHeapMemory *memory, uint32_t capacity)
{
    if (capacity > SLOT_MASK) {
        return false;
    }
    /* entries[0] is the last of its cache line, so that entries[1] begins one. */
    size_t lead = CACHE_LINE - sizeof(TimerEntry);
    size_t entries = (capacity + PADDING) * sizeof(TimerEntry);
    size_t timers = capacity * sizeof(QEMUTimer *);
    size_t place = capacity * sizeof(uint32_t);
    size_t size = ROUND_UP(lead + entries + timers + place, CACHE_LINE);
    char *block = aligned_alloc(CACHE_LINE, size);

    if (!block) {
        return false;
    }
    memory->block = block;
    memory->entries = (TimerEntry *)(block + lead);
    memory->timers = (QEMUTimer **)(block + lead + entries);
    memory->place = (uint32_t *)(block + lead + entries + timers);
    memory->capacity = capacity;
    return true;
}

void heap_memory_free(TimerHeapMemory *memory)
{
    free(memory->block);
}

void heap_init(TimerHeap *heap)
{
    memset(heap, 0, sizeof(*heap));
    heap->unused = NO_SLOT;
    /* Sign-extended: the turn wraps at 40 bits, too. */
    heap->turn = (uint64_t)(int32_t)AIO_COUNTER_START;
}

void heap_grow(TimerHeap *heap, TimerHeapMemory *memory)
{
    TimerHeapMemory old = heap->memory;

    if (heap->slots) {
        memcpy(memory->entries, old.entries,
               (heap->count + PADDING) * sizeof(*old.entries));
        memcpy(memory->timers, old.timers, heap->slots * sizeof(*old.timers));
        memcpy(memory->place, old.place, heap->slots * sizeof(*old.place));
    } else {
        for (int i = 0; i < PADDING; i++) {
            memory->entries[i] = nobody;
        }
    }
    heap->memory = *memory;
    *memory = old;
}

/* ---- Slots ---- */

static inline uint32_t slot_of(const TimerEntry *entry)
{
    return entry->order & SLOT_MASK;
}

static uint32_t take_slot(TimerHeap *heap)
{
    uint32_t slot = heap->unused;

    if (slot == NO_SLOT) {
        return heap->slots++;
    }
    heap->unused = heap->memory.place[slot];
    return slot;
}

static void give_slot(TimerHeap *heap, uint32_t slot)
{
    heap->memory.place[slot] = heap->unused;
    heap->unused = slot;
}

/* The entry keeps the low 40 bits of the turn: two entries are in order if there
 * are fewer than 2^39 armings between them. */
static inline TimerEntry new_entry(TimerHeap *heap, uint32_t slot,
                                   int64_t deadline)
{
    return (TimerEntry){ deadline, heap->turn++ << SLOT_BITS | slot };
}

/* ---- Sifting ---- */

/* Without a branch, whose outcome would be unpredictable. */
static inline bool before(const TimerEntry *a, const TimerEntry *b)
{
    return (a->deadline < b->deadline) |
           ((a->deadline == b->deadline) & ((int64_t)(a->order - b->order) < 0));
}

static inline void put(TimerHeap *heap, uint32_t at, TimerEntry entry)
{
    heap->memory.entries[at] = entry;
    heap->memory.place[slot_of(&entry)] = at;
}

/* Moves the hole at `at` up until entry fits there. */
static void sift_up(TimerHeap *heap, uint32_t at, TimerEntry entry)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / ARITY;
        if (!before(&entry, &heap->memory.entries[parent])) {
            break;
        }
        put(heap, at, heap->memory.entries[parent]);
        at = parent;
    }
    put(heap, at, entry);
}

/* Returns the first of four siblings, some of which may be `nobody`. */
static inline uint32_t first_of_four(const TimerHeap *heap, uint32_t at)
{
    const TimerEntry *entries = heap->memory.entries;
    uint32_t left = at + before(&entries[at + 1], &entries[at]);
    uint32_t right = at + 2 + before(&entries[at + 3], &entries[at + 2]);

    return before(&entries[right], &entries[left]) ? right : left;
}

static void sift_down(TimerHeap *heap, uint32_t at, TimerEntry entry)
{
    uint32_t child;

    while ((child = at * ARITY + 1) < heap->count) {
        child = first_of_four(heap, child);
        if (!before(&heap->memory.entries[child], &entry)) {
            break;
        }
        put(heap, at, heap->memory.entries[child]);
        at = child;
    }
    put(heap, at, entry);
}

/* Puts entry, whose key is new, where it belongs; the hole is at `at`. */
static void settle(TimerHeap *heap, uint32_t at, TimerEntry entry)
{
    if (at > 0 &&
        before(&entry, &heap->memory.entries[(at - 1) / ARITY])) {
        sift_up(heap, at, entry);
    } else {
        sift_down(heap, at, entry);
    }
}

/* ---- The queue ---- */

uint32_t heap_insert(TimerHeap *heap, QEMUTimer *timer, int64_t deadline)
{
    uint32_t slot = take_slot(heap);
    uint32_t at = heap->count++;

    heap->memory.timers[slot] = timer;
    heap->memory.entries[at + PADDING] = nobody;
    sift_up(heap, at, new_entry(heap, slot, deadline));
    return slot;
}

void heap_move(TimerHeap *heap, uint32_t slot, int64_t deadline)
{
    settle(heap, heap->memory.place[slot], new_entry(heap, slot, deadline));
}

bool heap_first_is_since(const TimerHeap *heap, uint64_t turn)
{
    /* The entry has only the low bits of the turn. The sign of their difference
     * tells which turn is later, even after they have wrapped. */
    return (int64_t)(heap->memory.entries[0].order - (turn << SLOT_BITS)) >= 0;
}

/* Removes the last entry and returns it, to be put elsewhere. */
static TimerEntry take_last(TimerHeap *heap)
{
    TimerEntry last = heap->memory.entries[--heap->count];

    heap->memory.entries[heap->count] = nobody;
    return last;
}

void heap_remove(TimerHeap *heap, uint32_t slot)
{
    uint32_t at = heap->memory.place[slot];
    TimerEntry last = take_last(heap);

    if (at < heap->count) {
        settle(heap, at, last);
    }
    give_slot(heap, slot);
}

QEMUTimer *heap_remove_first(TimerHeap *heap)
{
    uint32_t slot = slot_of(&heap->memory.entries[0]);
    TimerEntry last = take_last(heap);

    if (heap->count) {
        /* The last entry belongs near the bottom, so the hole goes all the way
         * down, which saves one comparison per level, and then up a little. */
        uint32_t at = 0, child;
        while ((child = at * ARITY + 1) < heap->count) {
            child = first_of_four(heap, child);
            put(heap, at, heap->memory.entries[child]);
            at = child;
        }
        sift_up(heap, at, last);
    }
    give_slot(heap, slot);
    return heap->memory.timers[slot];
}

QEMUTimer *heap_remove_last(TimerHeap *heap)
{
    TimerEntry last;

    if (!heap->count) {
        return NULL;
    }
    last = take_last(heap);
    give_slot(heap, slot_of(&last));
    return heap->memory.timers[slot_of(&last)];
}
