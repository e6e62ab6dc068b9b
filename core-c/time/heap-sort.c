/* SPDX-License-Identifier: MIT */
/* Sorting what was taken out of a heap of timers. By digits: a comparison of random
 * deadlines costs a branch that nobody can predict. */
#include "time/heap.h"

#define DIGIT_BITS 10
#define DIGITS (1 << DIGIT_BITS)
/* Up to so many are sorted by insertion. */
#define FEW 32

typedef enum SortKey { BY_TURN, BY_DEADLINE } SortKey;

/* timer_before() compares turns by the sign of their difference, so `origin` is the one
 * that comes before all others. */
static inline uint64_t key_of(const TimerEntry *entry, SortKey key, uint64_t origin)
{
    return key == BY_TURN ? (entry->order - origin) >> TIMER_SLOT_BITS
                          : (uint64_t)entry->deadline;
}

/* Sorts by one key; what is equal keeps its order. There is room for n in copy, too. */
static void sort_by(SortKey key, TimerEntry *entries, TimerEntry *copy, uint32_t n,
                    uint64_t origin)
{
    TimerEntry *from = entries, *to = copy;
    uint64_t low = UINT64_MAX, high = 0;

    for (uint32_t i = 0; i < n; i++) {
        low = MIN(low, key_of(&entries[i], key, origin));
        high = MAX(high, key_of(&entries[i], key, origin));
    }
    for (unsigned shift = 0; shift < 64 && (high - low) >> shift; shift += DIGIT_BITS) {
        uint32_t place[DIGITS] = { 0 }, sum = 0;
        for (uint32_t i = 0; i < n; i++) {
            place[(key_of(&from[i], key, origin) - low) >> shift & (DIGITS - 1)]++;
        }
        for (int digit = 0; digit < DIGITS; digit++) {
            uint32_t count = place[digit];
            place[digit] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < n; i++) {
            uint64_t digit = (key_of(&from[i], key, origin) - low) >> shift & (DIGITS - 1);
            to[place[digit]++] = from[i];
        }
        TimerEntry *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != entries) {
        memcpy(entries, from, n * sizeof(*entries));
    }
}

/* Returns false, with the entries in some order, if it takes more than so many steps. */
static bool sort_by_insertion(TimerEntry *entries, uint32_t n, uint32_t steps)
{
    for (uint32_t i = 1; i < n; i++) {
        TimerEntry entry = entries[i];
        uint32_t at = i;
        for (; at > 0 && timer_before(&entry, &entries[at - 1]); at--) {
            entries[at] = entries[at - 1];
        }
        entries[at] = entry;
        if (i - at > steps) {
            return false;
        }
        steps -= i - at;
    }
    return true;
}

void timer_sort(TimerEntry *entries, TimerEntry *copy, uint32_t n, uint64_t turn)
{
    uint64_t origin = (turn << TIMER_SLOT_BITS) + (UINT64_C(1) << 63);

    if (n > FEW) {
        sort_by(BY_DEADLINE, entries, copy, n, origin);
    }
    /* As a rule few deadlines are equal. If many are, they are sorted by turn before. */
    if (!sort_by_insertion(entries, n, n > FEW ? n : FEW * FEW)) {
        sort_by(BY_TURN, entries, copy, n, origin);
        sort_by(BY_DEADLINE, entries, copy, n, origin);
    }
}
