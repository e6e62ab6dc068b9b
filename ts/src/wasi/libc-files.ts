// SPDX-License-Identifier: MIT
/** The calls by which libc sets and asks for the permissions of files, and the paths of directories, which WASI does not have. */
import { fail } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { Kind, type Descriptor, type FileSystem } from './descriptor.js';
import { fdPath } from './fd-path.js';
import { existingPath, placeBelow } from './calls-path.js';
import type { HostCall } from '../runtime/system.js';
import type { GuestThread } from './guest-thread.js';
import { O_PATH } from './parents.js';
import { asksDirectory, followLink, host } from './path.js';
import { textAt } from './text.js';

/** Set-user-ID and set-group-ID: with these, what a guest writes would run with the rights of the host's user. */
const SET_ID = 0o6000;

/** The descriptor of the first directory that a guest is given. */
const FIRST_DIRECTORY = 3;

/** In the order of HostFdCall (wasm/port/wasm-port.h), from HOST_FILE_CHMOD on. */
export function libcFiles(thread: GuestThread): HostCall[] {
  const { memory, table, config } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);

  const chmod = (path: string, mode: number): void => {
    if (mode & SET_ID) fail(E.PERM);
    host(() => files().chmodSync(path, mode & 0o1777));
  };

  /**
   * Calls work() with a host's path that leads to the file itself, whatever takes its name meanwhile. pointer: to a WasiPath
   * (wasm/libc/wasi.h).
   */
  function onFile(pointer: number, follow: boolean, rights: number, work: (path: string) => void): number {
    const text = textAt(memory, pointer + 8, memory.u32(pointer + 4));
    placeBelow(thread, memory.u32(pointer), rights, text, follow || asksDirectory(text), (place) => {
      const fs = files();
      const opened = host(() => fs.openSync(existingPath(fs, place), O_PATH | fs.constants.O_NOFOLLOW));
      try {
        if (place.maybeLink && host(() => fs.fstatSync(opened)).isSymbolicLink()) followLink();
        work(fdPath(opened));
      } finally {
        fs.closeSync(opened);
      }
    });
    return 0;
  }

  const placeOf = ({ hostFd }: Descriptor): string => host(() => files().readlinkSync(fdPath(hostFd)));

  /** Where a directory that the guest was given is; undefined if the guest has closed it. */
  function placeOfGiven(index: number): string | undefined {
    try {
      return table.use(FIRST_DIRECTORY + index, (given) => (given.preopen === index ? placeOf(given) : undefined));
    } catch {
      return undefined;
    }
  }

  /** The guest's path of a directory, which begins with the name of one that the guest was given. */
  function pathOf(directory: Descriptor): string {
    const place = `${placeOf(directory)}/`;
    let [longest, path] = [0, ''];
    for (const [index, name] of config.preopens.entries()) {
      const top = placeOfGiven(index)?.replace(/\/?$/, '/');
      if (top && top.length > longest && place.startsWith(top)) [longest, path] = [top.length, `${name}/${place.slice(top.length)}`];
    }
    return longest > 0 ? path : fail(E.NOENT);
  }

  return [
    (pointer, follow, mode) => onFile(pointer, follow !== 0, Rights.pathFilestatSetTimes, (path) => chmod(path, mode)),
    (pointer, follow, mode) => onFile(pointer, follow !== 0, Rights.pathFilestatGet, (path) => host(() => files().accessSync(path, mode))),
    (fd, mode) => table.use(fd, (file) => {
      if (file.kind !== Kind.file && file.kind !== Kind.directory) fail(E.INVAL);
      chmod(fdPath(file.plainFd), mode);
      return 0;
    }),
    (mode) => {
      thread.newMode = mode & 0o1777;
      return 0;
    },
    () => (typeof process === 'object' ? process.umask() : 0o022),
    (fd, pointer, size) => table.use(fd, (directory) => {
      if (directory.kind !== Kind.directory) fail(E.NOTDIR);
      const path = new TextEncoder().encode(pathOf(directory));
      if (path.length > size) fail(E.NAMETOOLONG);
      memory.bytes(pointer, path.length).set(path);
      return path.length;
    }),
  ];
}
