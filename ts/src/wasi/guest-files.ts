// SPDX-License-Identifier: MIT
import { fail, WasiError } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import type { FileImports } from '../runtime/file-imports.js';
import { Kind } from './descriptor.js';
import type { GuestThread } from './guest-thread.js';

/**
 * The imports by which the block engines access files, for a program that need not be trusted: file is a file
 * descriptor of the program, and the addresses that it passes are checked.
 */
export function guestFiles({ table }: GuestThread, direct: FileImports): FileImports {
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
