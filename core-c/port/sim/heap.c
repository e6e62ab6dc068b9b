/* SPDX-License-Identifier: MIT */
/* The program's heap. Memory that was freed is not used again in the same run, and nobody may touch it. */
#include "port/sanitize.h"
#include "port/sim/machine.h"

enum { GRAIN = 16 };
#define ARENA ((size_t)SIM_HEAP_SIZE)
/* The content of memory that is not initialized, and of such that was freed. */
enum { NEW_BYTE = 0xa5, FREED_BYTE = 0xdd };

typedef struct Block {
    size_t size;
    enum { LIVE = 0x11fe, FREED = 0xdead } state;
} Block;
_Static_assert(sizeof(Block) <= GRAIN, "the content is aligned");

static char *arena;
static size_t used;
/* For each grain, how many grains its block's header is before it, plus 1; more than 64 Ki are looked up step by step. */
static uint16_t *back;
/* For each 8 bytes, whether they lie in a pool. */
static bool *pooled;

void *sim_malloc(size_t size);
void *sim_calloc(size_t n, size_t size);
void *sim_realloc(void *old, size_t size);
void *sim_aligned_alloc(size_t alignment, size_t size);
char *sim_strdup(const char *text);
void sim_free(void *memory);

void sim_heap_reset(void)
{
    if (!arena) {
        arena = sim_map(SIM_HEAP_AT, ARENA);
        back = sim_map(NULL, ARENA / GRAIN * sizeof(*back));
        pooled = sim_map(NULL, ARENA / 8);
        sim_race_watch(arena, ARENA);
    }
    memset(arena, 0, used);
    memset(back, 0, used / GRAIN * sizeof(*back));
    memset(pooled, 0, used / 8);
    used = 0;
}

static void *allocate(size_t alignment, size_t size)
{
    size_t at = used + GRAIN, end;
    Block *block;

    at = ROUND_UP(at, MAX(alignment, (size_t)GRAIN));
    end = ROUND_UP(at + size, (size_t)GRAIN);
    if (size > ARENA || end > ARENA) {
        return NULL;
    }
    block = (Block *)(arena + at - GRAIN);
    *block = (Block){ size, LIVE };
    for (size_t grain = at / GRAIN - 1, n = 0; grain < end / GRAIN; grain++, n++) {
        back[grain] = (uint16_t)MIN(n + 1, (size_t)UINT16_MAX);
    }
    used = end;
    return arena + at;
}

static Block *block_of(const volatile void *address)
{
    size_t at = (size_t)((const volatile char *)address - arena) / GRAIN;

    if ((const volatile char *)address < arena || at >= used / GRAIN || !back[at]) {
        return NULL;
    }
    while (back[at] == UINT16_MAX) {
        at--;
    }
    return (Block *)(arena + (at - (back[at] - 1u)) * GRAIN);
}

void sim_heap_check(const volatile void *address, const char *what)
{
    const Block *block = block_of(address);

    if (block && block->state != LIVE) {
        sim_fail("%s: used after it was freed", what);
    }
    if (block && pooled[(size_t)((const volatile char *)address - arena) / 8]) {
        sim_fail("%s: used after it went back to its pool", what);
    }
}

void sim_heap_poison(const void *memory, size_t size, bool on)
{
    size_t at = (size_t)((const char *)memory - arena);

    if ((const char *)memory >= arena && at < used) {
        memset(pooled + (at + 7) / 8, on, (at + size) / 8 - (at + 7) / 8);
        /* As if it were freed: who still uses it has to have done so before. */
        sim_race_access(memory, size, true, false, SIM_HERE());
    }
}

void *sim_malloc(size_t size)
{
    void *memory = allocate(GRAIN, size);

    if (memory) {
        memset(memory, NEW_BYTE, size);
    }
    return memory;
}

void *sim_calloc(size_t n, size_t size)
{
    size_t total;
    void *memory;

    if (__builtin_mul_overflow(n, size, &total)) {
        return NULL;
    }
    memory = allocate(GRAIN, total);
    if (memory) {
        memset(memory, 0, total);
    }
    return memory;
}

void *sim_aligned_alloc(size_t alignment, size_t size)
{
    void *memory = allocate(alignment, size);

    if (memory) {
        memset(memory, NEW_BYTE, size);
    }
    return memory;
}

void sim_free(void *memory)
{
    Block *block;

    if (!memory) {
        return;
    }
    block = block_of(memory);
    if (!block || (char *)block + GRAIN != (char *)memory) {
        sim_fail("free(%p): not what malloc() has returned", memory);
    }
    if (block->state == FREED) {
        sim_fail("free(%p): freed twice", memory);
    }
    sim_race_access(memory, block->size, true, false, SIM_HERE());
    block->state = FREED;
    memset(memory, FREED_BYTE, block->size);
}

void *sim_realloc(void *old, size_t size)
{
    void *memory = sim_malloc(size);

    if (old && memory) {
        const Block *block = block_of(old);

        memcpy(memory, old, MIN(size, block->size));
        sim_free(old);
    }
    return memory;
}

char *sim_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = sim_malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}
