/* SPDX-License-Identifier: MIT */
#ifndef WASM_BENCH_CONTENT_H
#define WASM_BENCH_CONTENT_H
/* The content of the files of `wasm-aio bench`. */
#include "runtime/runtime.h"

enum { BENCH_SECTOR = 512 };

/*
 * Fills in what a block at offset contains when it is written for the generation-th
 * time (0: when the file was made). offset and length are multiples of
 * BENCH_SECTOR. size 0 means that the file is not the bench's and gets no header.
 */
void bench_fill(uint64_t *words, uint32_t length, uint64_t offset,
                uint64_t seed, uint64_t size, uint32_t generation);
/*
 * Returns true if the whole block is what one call of bench_fill() has made of it.
 * Checks for *generation if it is not negative; otherwise stores the generation
 * there.
 */
bool bench_check(const uint64_t *words, uint32_t length, uint64_t offset,
                 uint64_t seed, uint64_t size, int64_t *generation);

#endif
