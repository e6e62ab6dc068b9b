// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { MemoryLimits } from './given-module.js';

/** 16 MiB, the least that a memory gets to which nobody has given a size. */
const LEAST_PAGES = 256;

/** The size of so many pages of 64 KiB, as text. */
const sizeOf = (pages: number): string => (pages < 16 ? `${pages * 64} KiB` : `${pages / 16} MiB`);

/**
 * Makes a memory that may grow to less, after the engine has refused one of so many pages, as phones do. given: the user has said this
 * number, and gets no less. @throws AioError ERR_AIO_NO_MEMORY
 */
export function lessMemory<Memory>(make: (maximum: number) => Memory, limits: MemoryLimits, pages: number, given: boolean, error: unknown): Memory {
  if (pages < limits.initial) {
    throw new AioError('ERR_AIO_NO_MEMORY', `the module needs ${sizeOf(limits.initial)} at its start; maximumMemory allows ${sizeOf(pages)}`);
  }
  const half = Math.ceil(pages / 2);
  if (given || half < Math.max(limits.initial, LEAST_PAGES)) {
    throw new AioError('ERR_AIO_NO_MEMORY', `cannot create a shared memory of up to ${sizeOf(pages)}: ${String(error)}; try a smaller maximumMemory`);
  }
  try {
    return make(half);
  } catch (refused) {
    return lessMemory(make, limits, half, given, refused);
  }
}
