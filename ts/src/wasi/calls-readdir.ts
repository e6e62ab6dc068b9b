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

const encoder = new TextEncoder();

/** The names in a directory. Those that are not UTF-8 are left out, because the guest could not open them. */
function namesOf(fs: FileSystem, directory: number): string[] {
  const path = `/proc/self/fd/${directory}`;
  const names = fs.readdirSync(path);
  if (!names.some((name) => name.includes('\ufffd'))) return names;
  // Some of them may not be UTF-8: look at their bytes, which takes twice as long.
  return fs.readdirSync(path, { encoding: 'buffer' }).map(utf8).filter((name) => name !== undefined);
}

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
    listed ??= ['.', '..', ...host(() => namesOf(files(), hostFd))];
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
    const headBytes = new Uint8Array(DIRENT_BYTES);
    const head = new DataView(headBytes.buffer);
    let used = 0;
    for (let i = cookie > BigInt(listed.length) ? listed.length : Number(cookie); i < listed.length && used < into.length; i++) {
      const name = listed[i] ?? '';
      const encoded = encoder.encode(name);
      const { ino, type } = look(directory, name);
      head.setUint32(0, i + 1, true);
      head.setBigUint64(8, ino, true);
      head.setUint32(16, encoded.length, true);
      head.setUint8(20, type);
      const room = into.length - used;
      into.set(room < DIRENT_BYTES ? headBytes.subarray(0, room) : headBytes, used);
      if (room > DIRENT_BYTES) into.set(room < DIRENT_BYTES + encoded.length ? encoded.subarray(0, room - DIRENT_BYTES) : encoded, used + DIRENT_BYTES);
      used += Math.min(room, DIRENT_BYTES + encoded.length);
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
