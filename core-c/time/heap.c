/* SPDX-License-Identifier: MIT */
#include "time/heap.h"

#include "port/counter.h"

#define ARITY 4
#define CACHE_LINE 64
#define SLOT_BITS TIMER_SLOT_BITS
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define NO_SLOT UINT32_MAX
/* The slot of an entry of the run whose timer has been removed or moved. */
#define GONE SLOT_MASK
#define IN_RUN (1u << 31)
/* How many timers before its turn one is fetched. */
#define AHEAD 3

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
    size_t run = (capacity + 1) * sizeof(TimerEntry);
    size_t timers = capacity * sizeof(QEMUTimer *);
    size_t place = capacity * sizeof(uint32_t);
    size_t size = ROUND_UP(lead + entries + run + timers + place, CACHE_LINE);
    char *block = aligned_alloc(CACHE_LINE, size);

    if (!block) {
        return false;
    }
    memory->block = block;
    memory->entries = (TimerEntry *)(block + lead);
    memory->run = (TimerEntry *)(block + lead + entries);
    memory->timers = (QEMUTimer **)(block + lead + entries + run);
    memory->place = (uint32_t *)(block + lead + entries + run + timers);
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
    heap->run_head = nobody;
    /* Sign-extended: the turn wraps at 40 bits, too. */
    heap->turn = (uint64_t)(int32_t)AIO_COUNTER_START;
}

void heap_grow(TimerHeap *heap, TimerHeapMemory *memory)
{
    TimerHeapMemory old = heap->memory;

    if (heap->slots) {
        memcpy(memory->entries, old.entries,
               (heap->count + PADDING) * sizeof(*old.entries));
        memcpy(memory->run, old.run, heap->run_end * sizeof(*old.run));
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
        if (!timer_before(&entry, &heap->memory.entries[parent])) {
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
    uint32_t left = at + timer_before(&entries[at + 1], &entries[at]);
    uint32_t right = at + 2 + timer_before(&entries[at + 3], &entries[at + 2]);

    return timer_before(&entries[right], &entries[left]) ? right : left;
}

static void sift_down(TimerHeap *heap, uint32_t at, TimerEntry entry)
{
    uint32_t child;

    while ((child = at * ARITY + 1) < heap->count) {
        child = first_of_four(heap, child);
        if (!timer_before(&heap->memory.entries[child], &entry)) {
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
        timer_before(&entry, &heap->memory.entries[(at - 1) / ARITY])) {
        sift_up(heap, at, entry);
    } else {
        sift_down(heap, at, entry);
    }
}

static inline void insert(TimerHeap *heap, TimerEntry entry)
{
    uint32_t at = heap->count++;

    heap->memory.entries[at + PADDING] = nobody;
    sift_up(heap, at, entry);
}

/* Removes the last entry and returns it, to be put elsewhere. */
static TimerEntry take_last(TimerHeap *heap)
{
    TimerEntry last = heap->memory.entries[--heap->count];

    heap->memory.entries[heap->count] = nobody;
    return last;
}

/* ---- The run ---- */

/* Takes the next entry of the run to its head. Which timers come soon is known, so they
 * can be on their way to the cache: each is somewhere else. */
static inline void advance(TimerHeap *heap)
{
    do {
        if (heap->run_next == heap->run_end) {
            heap->run_head = nobody;
            return;
        }
        heap->run_head = heap->memory.run[heap->run_next++];
    } while (slot_of(&heap->run_head) == GONE);
    if (heap->run_next + AHEAD < heap->run_end) {
        uint32_t slot = slot_of(&heap->memory.run[heap->run_next + AHEAD]);
        if (slot != GONE) {
            __builtin_prefetch(heap->memory.timers[slot], 1);
            __builtin_prefetch(&heap->memory.place[slot], 1);
        }
    }
}

static void remove_from_run(TimerHeap *heap, uint32_t slot)
{
    heap->run_count--;
    if (slot == slot_of(&heap->run_head)) {
        advance(heap);
    } else {
        heap->memory.run[heap->memory.place[slot] - IN_RUN].order |= GONE;
    }
}

static inline bool run_is_first(const TimerHeap *heap)
{
    return !heap->count || timer_before(&heap->run_head, &heap->memory.entries[0]);
}

/* Fills the places of entries that are in the run now, in the order of the heap's
 * array. From the last to the first: what is below a place is a heap by then. */
static void fill(TimerHeap *heap, const TimerEntry *run, uint32_t n)
{
    while (n-- > 0) {
        uint32_t at = heap->memory.place[slot_of(&run[n])];
        TimerEntry last = take_last(heap);
        if (at < heap->count) {
            sift_down(heap, at, last);
        }
    }
}

/* Copies what is due to the run, in the order of the heap's array: nothing below an
 * entry that is not due is due. The first one is. */
static uint32_t copy_due(const TimerHeap *heap, TimerEntry *run, int64_t now)
{
    const TimerEntry *entries = heap->memory.entries;
    uint32_t n = 1;

    run[0] = entries[0];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t child = heap->memory.place[slot_of(&run[i])] * ARITY + 1;
        if (child >= heap->count) {
            break;
        }
        for (int k = 0; k < ARITY; k++) {
            TimerEntry entry = entries[child + k];
            run[n] = entry;
            n += entry.deadline <= now;
        }
    }
    return n;
}

void heap_collect(TimerHeap *heap, int64_t now)
{
    TimerEntry *run = heap->memory.run;

    if (heap->run_count || heap->count < 2 ||
        heap->memory.entries[first_of_four(heap, 1)].deadline > now ||
        heap->memory.entries[0].deadline > now) {
        return;
    }
    uint32_t n = copy_due(heap, run, now);
    fill(heap, run, n);
    /* What has become free in the heap is large enough for a copy of the run. */
    timer_sort(run, &heap->memory.entries[heap->count + PADDING], n, heap->turn);
    for (uint32_t i = 0; i < n; i++) {
        heap->memory.place[slot_of(&run[i])] = IN_RUN | i;
    }
    heap->run_count = heap->run_end = n;
    heap->run_next = 0;
    advance(heap);
}

/* ---- The queue ---- */

uint32_t heap_insert(TimerHeap *heap, QEMUTimer *timer, int64_t deadline)
{
    uint32_t slot = take_slot(heap);

    heap->memory.timers[slot] = timer;
    insert(heap, new_entry(heap, slot, deadline));
    return slot;
}

static __attribute__((noinline)) void move_from_run(TimerHeap *heap, uint32_t slot,
                                                    int64_t deadline)
{
    remove_from_run(heap, slot);
    insert(heap, new_entry(heap, slot, deadline));
}

void heap_move(TimerHeap *heap, uint32_t slot, int64_t deadline)
{
    uint32_t at = heap->memory.place[slot];

    if (unlikely(at & IN_RUN)) {
        move_from_run(heap, slot, deadline);
    } else {
        settle(heap, at, new_entry(heap, slot, deadline));
    }
}

bool heap_first_is_since(const TimerHeap *heap, uint64_t turn)
{
    const TimerEntry *first = run_is_first(heap) ? &heap->run_head : &heap->memory.entries[0];

    /* The entry has only the low bits of the turn. The sign of their difference
     * tells which turn is later, even after they have wrapped. */
    return (int64_t)(first->order - (turn << SLOT_BITS)) >= 0;
}

void heap_remove(TimerHeap *heap, uint32_t slot)
{
    uint32_t at = heap->memory.place[slot];

    if (at & IN_RUN) {
        remove_from_run(heap, slot);
    } else {
        TimerEntry last = take_last(heap);
        if (at < heap->count) {
            settle(heap, at, last);
        }
    }
    give_slot(heap, slot);
}

/* Not inlined, nor is move_from_run(): what happens most often is a leaf function then. */
static __attribute__((noinline)) void remove_root(TimerHeap *heap)
{
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
}

QEMUTimer *heap_remove_first(TimerHeap *heap)
{
    uint32_t slot;

    if (run_is_first(heap)) {
        slot = slot_of(&heap->run_head);
        heap->run_count--;
        advance(heap);
    } else {
        slot = slot_of(&heap->memory.entries[0]);
        remove_root(heap);
    }
    give_slot(heap, slot);
    return heap->memory.timers[slot];
}

QEMUTimer *heap_remove_last(TimerHeap *heap)
{
    TimerEntry last;

    if (!heap->count) {
        return heap->run_count ? heap_remove_first(heap) : NULL;
    }
    last = take_last(heap);
    give_slot(heap, slot_of(&last));
    return heap->memory.timers[slot_of(&last)];
}
