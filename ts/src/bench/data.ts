// SPDX-License-Identifier: MIT
import { noMemory } from '../errors.js';
import type { Runtime } from '../whole/runtime.js';
import { benchExports } from './module.js';

const CHUNK = 1024 * 1024;
export const SECTOR = 512;

/**
 * Generates the content of a file of the bench, chunk by chunk. The bytes are a copy, which is valid until the next chunk.
 * @param size bytes; a multiple of 512
 */
export function* content(runtime: Runtime, size: number, seed: number): Generator<Uint8Array<ArrayBuffer>> {
  const exports = benchExports(runtime);
  const { memory } = runtime.instance;
  const buffer = runtime.run(() => exports.rt_malloc(CHUNK));
  if (buffer === 0) throw noMemory('a chunk of the file');
  try {
    for (let offset = 0; offset < size; offset += CHUNK) {
      const length = Math.min(CHUNK, size - offset);
      runtime.run(() => exports.rt_bench_fill(buffer, length, offset, seed, size));
      yield memory.copy(buffer, length);
    }
  } finally {
    exports.rt_free(buffer);
  }
}

/** The seed of a file that the bench has created, read from its first sector; undefined for other files. */
export function seedOf(runtime: Runtime, sector: Uint8Array, size: number): number | undefined {
  if (sector.length < SECTOR) return undefined;
  const exports = benchExports(runtime);
  const { memory } = runtime.instance;
  const buffer = runtime.run(() => exports.rt_malloc(SECTOR));
  if (buffer === 0) throw noMemory('a sector');
  memory.bytes.set(sector.subarray(0, SECTOR), buffer);
  const seed = runtime.run(() => exports.rt_bench_header(buffer, size));
  exports.rt_free(buffer);
  return seed < 0 ? undefined : seed;
}
