/* SPDX-License-Identifier: MIT */
#ifndef WASM_BENCH_CONTENT_H
#define WASM_BENCH_CONTENT_H
/* The content of a file of `wasm-aio bench`. */
#include "runtime/runtime.h"

enum { BENCH_SECTOR = 512 };

/* What a block has at offset, written for the generation-th time (0: when the
 * file was made). offset and length are multiples of BENCH_SECTOR; size 0: the file
 * is not the bench's and gets no header. */
void bench_fill(uint64_t *words, uint32_t length, uint64_t offset,
                uint64_t seed, uint64_t size, uint32_t generation);
/*
 * Whether a block is what some bench_fill has made of it, all of it the same one;
 * *generation, if it is known (not negative), is that one, else it is set.
 */
bool bench_check(const uint64_t *words, uint32_t length, uint64_t offset,
                 uint64_t seed, uint64_t size, int64_t *generation);

#endif
