/* SPDX-License-Identifier: MIT */
/*
 * The content of the files of the bench. Sector 0 is a header, by which the bench
 * recognises its own file. Every other 64-bit word depends on the seed, its
 * sector, its place in the sector, and how often the block was written. So a block
 * that comes from a wrong offset, is torn or is stale is detected.
 */
#include "content.h"
#include <string.h>

enum { SECTOR = BENCH_SECTOR, SECTOR_WORDS = SECTOR / 8 };

typedef struct BenchHeader {
    char magic[16];
    uint64_t version;
    uint64_t seed;
    uint64_t size;
} BenchHeader;

static const char magic[16] = "wasm-aio bench\n";

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/*
 * The words of a sector are base, base + step, ...: a sum instead of a hash, so
 * that checking a block costs less than reading it. The first word tells the
 * generation: it is the base of generation 0, exclusive-or the generation.
 */
static uint64_t sector_base(uint64_t seed, uint64_t sector, uint64_t generation)
{
    return mix(seed + sector * 0x9e3779b97f4a7c15u +
               generation * 0xd6e8feb86659fd93u);
}
#define SECTOR_STEP 0xd1342543de82ef95u

static void fill_header(uint64_t *words, uint64_t seed, uint64_t size)
{
    BenchHeader header = { .version = 1, .seed = seed, .size = size };

    memcpy(header.magic, magic, sizeof(magic));
    memset(words, 0, SECTOR);
    memcpy(words, &header, sizeof(header));
}

void bench_fill(uint64_t *words, uint32_t length, uint64_t offset,
                uint64_t seed, uint64_t size, uint32_t generation)
{
    uint64_t sector = offset / SECTOR;

    for (uint32_t i = 0; i < length / SECTOR; i++, words += SECTOR_WORDS) {
        uint64_t word = sector_base(seed, sector + i, generation);
        if (sector + i == 0 && size) {
            fill_header(words, seed, size);
            continue;
        }
        words[0] = sector_base(seed, sector + i, 0) ^ generation;
        for (int k = 1; k < SECTOR_WORDS; k++) {
            words[k] = word += SECTOR_STEP;
        }
    }
}

bool bench_check(const uint64_t *words, uint32_t length, uint64_t offset,
                 uint64_t seed, uint64_t size, int64_t *generation)
{
    uint64_t sector = offset / SECTOR, header[SECTOR_WORDS], wrong = 0;

    for (uint32_t i = 0; i < length / SECTOR; i++, words += SECTOR_WORDS) {
        uint64_t found, word;
        if (sector + i == 0 && size) {
            fill_header(header, seed, size);
            wrong |= memcmp(words, header, SECTOR) != 0;
            continue;
        }
        found = words[0] ^ sector_base(seed, sector + i, 0);
        if (*generation < 0 && found <= UINT32_MAX) {
            *generation = (int64_t)found;
        }
        wrong |= found ^ (uint64_t)*generation;
        word = sector_base(seed, sector + i, found);
        for (int k = 1; k < SECTOR_WORDS; k++) {
            wrong |= words[k] ^ (word += SECTOR_STEP);
        }
    }
    return !wrong;
}

/* Fills in what the file has at offset when it is made. Owner only. */
WASM_EXPORT("rt_bench_fill")
void rt_bench_fill(uint64_t *words, uint32_t length, double offset, double seed,
                   double size)
{
    bench_fill(words, length, (uint64_t)offset, (uint64_t)seed, (uint64_t)size,
               0);
}

/* Returns the seed of the file whose first sector this is, or -1 if it is not a
 * file of the bench. Owner only. */
WASM_EXPORT("rt_bench_header")
double rt_bench_header(const uint64_t *words, double size)
{
    BenchHeader header;

    memcpy(&header, words, sizeof(header));
    if (memcmp(header.magic, magic, sizeof(magic)) != 0 ||
        header.version != 1 || header.size != (uint64_t)size) {
        return -1;
    }
    return (double)header.seed;
}
