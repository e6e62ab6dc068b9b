/* SPDX-License-Identifier: MIT */
/*
 * Data races: two accesses of which one is a write and one is not atomic, and that nothing orders. The program is compiled with
 * -fsanitize=thread, and what the compiler calls before each access is defined here, in place of ThreadSanitizer's library.
 */
#include "port/sim/machine.h"

/* What was last done with eight bytes. A mask has a bit for each of them. */
typedef struct Cell {
    uint32_t run;
    uint32_t write_tick;        /* the last ordinary write, by write_thread */
    uint32_t write_pc, read_pc; /* where: SIM_HERE() */
    uint8_t write_thread, write_mask;
    struct {
        uint32_t tick[SIM_MAX_THREADS];
        uint8_t mask[SIM_MAX_THREADS];
    } reads, atomic_reads, atomic_writes;
} Cell;

/* How many cells are allocated at once. */
enum { PAGE = 256 };

typedef struct Region {
    uintptr_t start, end;
    Cell **pages;               /* those of memory that was used */
} Region;

static Region regions[4];
static unsigned n_regions;
static uint32_t this_run;

void sim_race_watch(void *start, size_t size)
{
    Region *region = &regions[n_regions++];

    region->start = (uintptr_t)start & ~(uintptr_t)7;
    region->end = (uintptr_t)start + size;
    region->pages = sim_map(NULL, ((size + 15) / 8 / PAGE + 1) * sizeof(Cell *));
}

void sim_race_reset(void)
{
    this_run++;
}

static Cell *cell_of(uintptr_t address)
{
    for (unsigned i = 0; i < n_regions; i++) {
        const Region *region = &regions[i];

        if (address >= region->start && address < region->end) {
            size_t n = (address - region->start) / 8;
            Cell **page = &region->pages[n / PAGE], *cell;

            if (!*page) {
                *page = sim_map(NULL, PAGE * sizeof(Cell));
            }
            cell = &(*page)[n % PAGE];
            if (cell->run != this_run) {
                memset(cell, 0, sizeof(*cell));
                cell->run = this_run;
            }
            return cell;
        }
    }
    return NULL;
}

static QEMU_NORETURN void race(const char *what, uint32_t pc, const char *other_what, uint32_t other_pc, unsigned other)
{
    sim_fail("data race: '%s' %s (%s) what '%s' %s (%s), and nothing orders the two", sim_self->name, what,
             pc ? sim_place(pc) : "an atomic operation", sim_thread(other)->name, other_what,
             other_pc ? sim_place(other_pc) : "an atomic operation");
}

static bool unordered(unsigned thread, uint32_t tick)
{
    return thread != sim_self->id && tick > sim_self->clock.ticks[thread];
}

#define CHECK(list, what, other_what, other_pc)                              \
    do {                                                                     \
        for (unsigned t = 0; sim_thread(t); t++) {                           \
            if (cell->list.mask[t] & mask && unordered(t, cell->list.tick[t])) { \
                race(what, pc, other_what, other_pc, t);                     \
            }                                                                \
        }                                                                    \
    } while (0)

#define NOTE(list)                                                           \
    do {                                                                     \
        cell->list.mask[me] = (uint8_t)(cell->list.tick[me] == tick ? cell->list.mask[me] | mask : mask); \
        cell->list.tick[me] = tick;                                          \
    } while (0)

static void note_access(Cell *cell, uint8_t mask, bool writes, bool atomic, uint32_t pc)
{
    unsigned me = sim_self->id;
    uint32_t tick = sim_self->clock.ticks[me];
    const char *what = writes ? "writes" : "reads";

    if (cell->write_mask & mask && unordered(cell->write_thread, cell->write_tick)) {
        race(what, pc, "has written", cell->write_pc, cell->write_thread);
    }
    if (!atomic) {
        CHECK(atomic_writes, what, "has written", 0);
    }
    if (writes) {
        CHECK(reads, what, "has read", cell->read_pc);
        if (!atomic) {
            CHECK(atomic_reads, what, "has read", 0);
        }
    }
    if (atomic && writes) {
        NOTE(atomic_writes);
    } else if (atomic) {
        NOTE(atomic_reads);
    } else if (writes) {
        cell->write_mask = (uint8_t)(cell->write_thread == me && cell->write_tick == tick ? cell->write_mask | mask : mask);
        cell->write_thread = (uint8_t)me;
        cell->write_tick = tick;
        cell->write_pc = pc;
    } else {
        NOTE(reads);
        cell->read_pc = pc;
    }
}

void sim_race_access(const volatile void *address, size_t size, bool writes, bool atomic, uint32_t pc)
{
    uintptr_t at = (uintptr_t)address, end = at + size;

    while (sim_self && at < end) {
        uintptr_t next = MIN((at | 7) + 1, end);
        Cell *cell = cell_of(at);

        if (!cell) {
            return;
        }
        note_access(cell, (uint8_t)(((1u << (next - at)) - 1) << (at & 7)), writes, atomic, pc);
        at = next;
    }
}

/* ---- What the compiler calls ---- */

#define PLAIN(address, size, writes)                                         \
    do {                                                                     \
        sim_heap_check((address), "memory");                                 \
        sim_race_access((address), (size), (writes), false, SIM_HERE()); \
    } while (0)
#define HOOKS(size)                                                          \
    void __tsan_read##size(void *address);                                   \
    void __tsan_read##size(void *address) { PLAIN(address, size, false); }   \
    void __tsan_write##size(void *address);                                  \
    void __tsan_write##size(void *address) { PLAIN(address, size, true); }   \
    void __tsan_unaligned_read##size(void *address);                         \
    void __tsan_unaligned_read##size(void *address) { PLAIN(address, size, false); } \
    void __tsan_unaligned_write##size(void *address);                        \
    void __tsan_unaligned_write##size(void *address) { PLAIN(address, size, true); }

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size)
{
    PLAIN(address, size, false);
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
    PLAIN(address, size, true);
}

/* Clang replaces these calls. */
void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    PLAIN(from, size, false);
    PLAIN(to, size, true);
    return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size)
{
    PLAIN(from, size, false);
    PLAIN(to, size, true);
    return memmove(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size);
void *__tsan_memset(void *to, int byte, size_t size)
{
    PLAIN(to, size, true);
    return memset(to, byte, size);
}

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc);
void __tsan_func_entry(void *pc)
{
    (void)pc;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}
