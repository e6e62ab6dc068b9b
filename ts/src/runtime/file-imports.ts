// SPDX-License-Identifier: MIT
import { errnoNumber } from '../errno.js';
import type { HostBase, Range } from '../hosts/host.js';
import { E, fail, Rights, WasiError } from '../wasi/abi.js';
import type { GuestThread } from '../wasi/process.js';
import { Kind } from '../wasi/table.js';
import type { Pointer } from './exports.js';
import type { Memory } from './memory.js';

/** A host's answer as C has it: a number, or -errno. */
const result = (answer: number | string): number => (typeof answer === 'number' ? answer : -errnoNumber(answer));

type FileImports = Record<'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'fdatasync', (file: number, ...rest: number[]) => number>;

/** What the block engines ask for (wasm/port/io.c); file is the host's number of it. */
function hostFiles(host: HostBase, memory: Memory): FileImports {
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

/**
 * The same for a program, which may be anybody's: file is a descriptor of its own, and
 * what it says of its memory is checked.
 */
function guestFiles({ table }: GuestThread, direct: FileImports): FileImports {
  const checked = (name: keyof FileImports, rights: number) => (fd: number, ...rest: number[]): number => {
    try {
      return table.use(fd, (descriptor) => {
        if (descriptor.kind !== Kind.file || descriptor.sequential) fail(E.BADF);
        descriptor.need(rights);
        return direct[name](descriptor.hostFd, ...rest);
      });
    } catch (error) {
      if (error instanceof WasiError) return -error.errno;
      if (error instanceof RangeError) return -E.FAULT;
      throw error;
    }
  };
  const [read, write] = [Rights.fdRead | Rights.fdSeek, Rights.fdWrite | Rights.fdSeek];
  return {
    pread: checked('pread', read), preadv: checked('preadv', read), pwrite: checked('pwrite', write),
    pwritev: checked('pwritev', write), fdatasync: checked('fdatasync', 0),
  };
}

export function fileImports(thread: GuestThread, memory: Memory): FileImports {
  const direct = hostFiles(thread.host, memory);
  return thread.config.hostFiles ? direct : guestFiles(thread, direct);
}
