// SPDX-License-Identifier: MIT
import { fail, FileType } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { Kind, type Descriptor, type FileSystem } from './descriptor.js';
import { at, fdPath } from './fd-path.js';
import { host } from './path.js';
import type { SystemCalls } from '../runtime/process.js';
import type { GuestThread } from './guest-thread.js';
import { FdTable } from './table.js';
import { utf8 } from './text.js';

const DIRENT_BYTES = 24;
/** The most listings that a thread keeps. */
const MAX_LISTINGS = 64;

/** File systems of Linux that change the time of a directory whenever an entry changes: ext, XFS, Btrfs, tmpfs, overlayfs, F2FS. */
const RELIABLE = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0xf2f52010]);
/** A time as recent as this may not tell two changes apart. */
const RECENT_MS = 2000;

const STAT = { bigint: true } as const;
const encoder = new TextEncoder();

/** The names in a directory. Those that are not UTF-8 are left out, because the guest could not open them. */
function namesOf(fs: FileSystem, directory: number): string[] {
  const path = fdPath(directory);
  const names = fs.readdirSync(path);
  if (!names.some((name) => name.includes('\ufffd'))) return names;
  // Some of them may not be UTF-8: look at their bytes, which takes twice as long.
  return fs.readdirSync(path, { encoding: 'buffer' }).map(utf8).filter((name) => name !== undefined);
}

/** The entries of a directory as they were when they were read. */
class Listing {
  private readonly names: readonly string[];
  /** The entries that were asked for, as WASI's `dirent` with the name behind it. */
  private readonly encoded: (Uint8Array | undefined)[] = [];
  private readonly ino: bigint;
  private readonly changed: bigint;
  /** The directory's time was old enough when it was read, so every later change of an entry changes it. */
  private readonly settled: boolean;
  private reliable: boolean | undefined;

  constructor(private readonly fs: FileSystem, private readonly directory: number) {
    const { ino, ctimeNs } = fs.fstatSync(directory, STAT);
    this.ino = ino;
    this.changed = ctimeNs;
    this.settled = Number(ctimeNs / 1_000_000n) + RECENT_MS < Date.now();
    this.names = ['.', '..', ...namesOf(fs, directory)];
  }

  get length(): number {
    return this.names.length;
  }

  /** Whether a new listing of the directory would be the same. */
  isCurrent(): boolean {
    if (!this.settled) return false;
    this.reliable ??= RELIABLE.has(this.fs.statfsSync(fdPath(this.directory)).type);
    return this.reliable && this.fs.fstatSync(this.directory, STAT).ctimeNs === this.changed;
  }

  entry(index: number): Uint8Array {
    return (this.encoded[index] ??= this.encode(index));
  }

  private encode(index: number): Uint8Array {
    const name = this.names[index] ?? '';
    const text = encoder.encode(name);
    const { ino, type } = this.look(name);
    const bytes = new Uint8Array(DIRENT_BYTES + text.length);
    const head = new DataView(bytes.buffer);
    head.setUint32(0, index + 1, true);
    head.setBigUint64(8, ino, true);
    head.setUint32(16, text.length, true);
    head.setUint8(20, type);
    bytes.set(text, DIRENT_BYTES);
    return bytes;
  }

  /** The inode number and type of an entry; zeros if it was removed meanwhile. */
  private look(name: string): { ino: bigint; type: number } {
    // The guest is told nothing about the directory above a preopened one.
    if (name === '.' || name === '..') return { ino: this.ino, type: FileType.directory };
    try {
      const stat = this.fs.lstatSync(at(this.directory, name), STAT);
      return { ino: stat.ino, type: FdTable.typeOf(Number(stat.mode)) };
    } catch {
      return { ino: 0n, type: FileType.unknown };
    }
  }
}

/**
 * Makes fd_readdir. A cookie is the number of entries before the one that it refers to. The names are read when a
 * listing begins (cookie 0) and do not change until its end, so that creating or removing a file meanwhile makes no
 * other entry appear twice or not at all. A listing is used again from its beginning if the directory has not changed since.
 */
export function readdirCalls(thread: GuestThread): SystemCalls {
  const { memory, table } = thread;
  const files = (): FileSystem => thread.fs ?? fail(E.NOTSUP);
  /** The listings by descriptor, the oldest first. */
  const listings = new Map<number, Listing>();

  function listing(directory: Descriptor, cookie: bigint): Listing {
    const { serial, hostFd } = directory;
    const known = listings.get(serial);
    return host(() => {
      if (known && (cookie !== 0n || known.isCurrent())) return known;
      const made = new Listing(files(), hostFd);
      listings.delete(serial);
      listings.set(serial, made);
      if (listings.size > MAX_LISTINGS) for (const oldest of listings.keys()) if (listings.size > MAX_LISTINGS) listings.delete(oldest);
      return made;
    });
  }

  /** Fills the buffer, in which the last entry may be cut off. Returns the number of bytes used. */
  function fill(directory: Descriptor, into: Uint8Array, cookie: bigint): number {
    const listed = listing(directory, cookie);
    let used = 0;
    for (let i = cookie > BigInt(listed.length) ? listed.length : Number(cookie); i < listed.length && used < into.length; i++) {
      const entry = listed.entry(i);
      const room = into.length - used;
      into.set(entry.length > room ? entry.subarray(0, room) : entry, used);
      used += Math.min(room, entry.length);
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
