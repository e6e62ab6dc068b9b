// SPDX-License-Identifier: MIT
import type { GuestMemory } from './guest-memory.js';

/** The members of Node's fs.Stats (with `bigint: true`) that WASI's `filestat` also has. */
export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** Writes a `filestat` of WASI to 64 bytes that have been checked. type: its `filetype`. */
export function putStat(memory: GuestMemory, pointer: number, type: number, stat: FileStat): void {
  const { dev, ino, nlink, size, atimeNs, mtimeNs, ctimeNs } = stat;
  [dev, ino, BigInt(type), nlink, size, atimeNs, mtimeNs, ctimeNs].forEach((value, n) => memory.setU64(pointer + 8 * n, value));
}
