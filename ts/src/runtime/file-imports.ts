// SPDX-License-Identifier: MIT
import { errnoNumber } from '../errno.js';
import type { HostBase, Range } from '../hosts/host.js';
import type { Pointer } from './exports.js';
import type { Memory } from './memory.js';

/** A host's answer as C has it: a number, or -errno. */
const result = (answer: number | string): number => (typeof answer === 'number' ? answer : -errnoNumber(answer));

/** What the block engines ask for (wasm/port/io.c). */
export type FileImports = Record<'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'fdatasync', (file: number, ...rest: number[]) => number>;

/** Those of the host's files; file is the host's number of one. */
export function hostFiles(host: HostBase, memory: Memory): FileImports {
  const ranges = (iov = 0, count = 0): Range[] => memory.ranges(iov as Pointer<'words'>, count);
  return {
    pread: (file, start = 0, length = 0, offset = 0) =>
      result(host.pread(file, memory.reaching(start + length), start, length, offset)),
    pwrite: (file, start = 0, length = 0, offset = 0) =>
      result(host.pwrite(file, memory.reaching(start + length), start, length, offset)),
    preadv: (file, iov, count, offset = 0) => result(host.preadv(file, memory.bytes, ranges(iov, count), offset)),
    pwritev: (file, iov, count, offset = 0) => result(host.pwritev(file, memory.bytes, ranges(iov, count), offset)),
    fdatasync: (file) => result(host.fdatasync(file) ?? 0),
  };
}
