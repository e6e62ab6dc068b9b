// SPDX-License-Identifier: MIT
import { errnoNumber } from '../errno.js';
import type { HostBase, Range } from '../hosts/host.js';
import type { Pointer } from './exports.js';
import type { Memory } from './memory.js';

/** Converts a host's result to that of C: a number, or -errno. */
const result = (answer: number | string): number => (typeof answer === 'number' ? answer : -errnoNumber(answer));

/** The imports by which the block engines access files (wasm/port/io.c). */
export type FileImports = Record<'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'fdatasync', (file: number, ...rest: number[]) => number>;

/** Makes these imports for the files of the host, whose file handles they take. */
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
