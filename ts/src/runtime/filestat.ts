// SPDX-License-Identifier: MIT
import type { GuestMemory } from './guest-memory.js';

/** The members of Node's fs.Stats (with `bigint: true`) that WASI's `filestat` also has. */
export interface FileStat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Writes a `filestat` of WASI to 64 bytes that have been checked. type: its `filetype`. The permission bits, which WASI does not
 * have, are in the padding after the type, where aiocc's libc reads them (wasm/libc/stat.c).
 */
export function putStat(memory: GuestMemory, pointer: number, type: number, stat: FileStat): void {
  const { dev, ino, mode, nlink, size, atimeNs, mtimeNs, ctimeNs } = stat;
  memory.setU64(pointer, dev);
  memory.setU64(pointer + 8, ino);
  memory.setWhole(pointer + 16, type + (Number(mode) & 0o7777) * 2 ** 16);
  memory.setU64(pointer + 24, nlink);
  memory.setU64(pointer + 32, size);
  memory.setU64(pointer + 40, atimeNs);
  memory.setU64(pointer + 48, mtimeNs);
  memory.setU64(pointer + 56, ctimeNs);
}
