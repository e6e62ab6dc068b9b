// SPDX-License-Identifier: MIT
import { fail, FileType } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { at, host } from './path.js';
import type { SystemCalls } from '../runtime/process.js';
import type { GuestThread } from './guest-thread.js';
import { FdTable, Kind, type Descriptor, type FileSystem } from './table.js';
import { utf8 } from './text.js';

const DIRENT_BYTES = 24;
/** The most listings that a thread keeps, for directories that it has not read to the end. */
const MAX_LISTINGS = 64;

/**
 * Makes fd_readdir. A cookie is the number of entries before the one that it refers to. The names are read when a
 * listing begins (cookie 0) and do not change until its end, so that creating or removing a file meanwhile makes no
 * other entry appear twice or not at all.
 */
export function readdirCalls(thread: GuestThread): SystemCalls {
  const { memory, table } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);
  /** The listings by descriptor, the oldest first. */
  const listings = new Map<number, readonly string[]>();

  function names(directory: Descriptor, cookie: bigint): readonly string[] {
    const { serial, hostFd } = directory;
    let listed = cookie === 0n ? undefined : listings.get(serial);
    listings.delete(serial);
    listed ??= ['.', '..', ...host(() => files().readdirSync(`/proc/self/fd/${hostFd}`, { encoding: 'buffer' }))
      // Names that are not UTF-8 are left out, because the guest could not open them.
      .map(utf8).filter((name) => name !== undefined)];
    listings.set(serial, listed);
    for (const oldest of listings.keys()) {
      if (listings.size <= MAX_LISTINGS) break;
      listings.delete(oldest);
    }
    return listed;
  }

  /** The inode number and type of an entry; zeros if it was removed meanwhile. */
  function look(directory: Descriptor, name: string): { ino: bigint; type: number } {
    const fs = files();
    try {
      // The guest is told nothing about the directory above a preopened one.
      const stat = name === '.' || name === '..'
        ? fs.fstatSync(directory.hostFd, { bigint: true })
        : fs.lstatSync(at(directory.hostFd, name), { bigint: true });
      return { ino: stat.ino, type: FdTable.typeOf(Number(stat.mode)) };
    } catch {
      return { ino: 0n, type: FileType.unknown };
    }
  }

  /** Fills the buffer, in which the last entry may be cut off. Returns the number of bytes used. */
  function fill(directory: Descriptor, into: Uint8Array, cookie: bigint): number {
    const listed = names(directory, cookie);
    let used = 0;
    for (let i = cookie > BigInt(listed.length) ? listed.length : Number(cookie); i < listed.length && used < into.length; i++) {
      const name = listed[i] ?? '';
      const encoded = new TextEncoder().encode(name);
      const { ino, type } = look(directory, name);
      const entry = new Uint8Array(DIRENT_BYTES + encoded.length);
      const view = new DataView(entry.buffer);
      view.setBigUint64(0, BigInt(i + 1), true);
      view.setBigUint64(8, ino, true);
      view.setUint32(16, encoded.length, true);
      view.setUint8(20, type);
      entry.set(encoded, DIRENT_BYTES);
      const fits = entry.subarray(0, into.length - used);
      into.set(fits, used);
      used += fits.length;
    }
    return used;
  }

  return {
    fd_readdir(fd: number, pointer: number, length: number, cookie: bigint, used: number) {
      memory.check(used, 4);
      const into = memory.bytes(pointer, length);
      const bytes = table.use(fd, (directory) => {
        if (directory.kind !== Kind.directory) fail(E.NOTDIR);
        directory.need(Rights.fdReaddir);
        return fill(directory, into, BigInt.asUintN(64, cookie));
      });
      memory.setU32(used, bytes);
    },
  };
}
