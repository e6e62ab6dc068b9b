// SPDX-License-Identifier: MIT
/** The imports by which libc sets and asks for the permissions of files, which WASI does not have (wasm/libc/mode.c). */
import { errnoNumber } from '../errno.js';
import { fail, WasiError } from '../runtime/abi.js';
import type { LibcFileImports } from '../runtime/system.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { existingPath, placeBelow } from './calls-path.js';
import type { GuestThread } from './guest-thread.js';
import { O_PATH } from './parents.js';
import { asksDirectory, followLink, host } from './path.js';
import { Kind, type FileSystem } from './table.js';
import { textAt } from './text.js';

/** Set-user-ID and set-group-ID: with these, what a guest writes would run with the rights of the host's user. */
const SET_ID = 0o6000;

export function libcFiles(thread: GuestThread): LibcFileImports {
  const { memory, table } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);

  const result = (work: () => void): number => {
    try {
      work();
      return 0;
    } catch (error) {
      if (error instanceof RangeError) return -E.FAULT;
      if (!(error instanceof WasiError)) throw error;
      return error.errno === E.NOTSUP ? -errnoNumber('ENOTSUP') : -error.errno;
    }
  };

  /**
   * Calls work() with a host's path that leads to the file itself, whatever takes its name meanwhile: a path below fd, or what fd
   * stands for if there is no path.
   */
  function onFile(fd: number, path: number, length: number, follow: boolean, rights: number, work: (path: string) => void): void {
    if (path === 0) {
      return table.use(fd, (file) => {
        if (file.kind !== Kind.file && file.kind !== Kind.directory) fail(E.INVAL);
        work(`/proc/self/fd/${file.plainFd}`);
      });
    }
    const text = textAt(memory, path, length);
    placeBelow(thread, fd, rights, text, follow || asksDirectory(text), (place) => {
      const fs = files();
      const opened = host(() => fs.openSync(existingPath(fs, place), O_PATH | fs.constants.O_NOFOLLOW));
      try {
        if (place.maybeLink && host(() => fs.fstatSync(opened)).isSymbolicLink()) followLink();
        work(`/proc/self/fd/${opened}`);
      } finally {
        fs.closeSync(opened);
      }
    });
  }

  return {
    file_chmod: (fd, path, length, follow, mode) => result(() => {
      if (mode & SET_ID) fail(E.PERM);
      onFile(fd, path, length, follow !== 0, Rights.pathFilestatSetTimes, (file) => host(() => files().chmodSync(file, mode & 0o1777)));
    }),
    file_access: (fd, path, length, follow, mode) => result(() => {
      onFile(fd, path, length, follow !== 0, Rights.pathFilestatGet, (file) => host(() => files().accessSync(file, mode)));
    }),
    file_mode: (mode) => void (thread.newMode = mode & 0o1777),
    file_umask: () => (typeof process === 'object' ? process.umask() : 0o022),
  };
}
