// SPDX-License-Identifier: MIT
/** The preview1 calls of one guest, made from the test: there is a memory, but no module. */
import type * as nodeWorker from '../../../dist/hosts/node-worker.js';
import type * as abi from '../../../dist/runtime/abi.js';
import type * as errnoFile from '../../../dist/runtime/wasi-errno.js';
import type * as rightsFile from '../../../dist/runtime/wasi-rights.js';
import type * as guestsFile from '../../../dist/wasi/node-guests.js';
import type * as guestFile from '../../../dist/wasi/wasi-guest.js';
import type { GuestOptions } from '../../../dist/wasi/guest-options.js';
import type * as directoryFile from '../../../dist/wasi/calls-directory.js';
import type * as preview1File from '../../../dist/wasi/preview1.js';
import type * as rights from '../../../dist/wasi/rights.js';
import { dist } from './paths.js';
// One after the other: jest's loader fails when two files load the same ones at once.
import { ownerHost } from './workers.js';

const { WasiGuest } = (await import(dist('wasi/wasi-guest.js'))) as typeof guestFile;
const { guestThread, preview1 } = (await import(dist('wasi/preview1.js'))) as typeof preview1File;
export const E = (await import(dist('runtime/wasi-errno.js'))) as typeof errnoFile;
export const Rights = (await import(dist('runtime/wasi-rights.js'))) as typeof rightsFile;
export const { OFlags, FdFlags, FstFlags, Whence, FileType, ALL_RIGHTS } = (await import(dist('runtime/abi.js'))) as typeof abi;
const { guestHost } = (await import(dist('wasi/node-guests.js'))) as typeof guestsFile;
export const { RIGHTS_OF_DIRECTORY } = (await import(dist('wasi/rights.js'))) as typeof rights;
const { directoryCalls } = (await import(dist('wasi/calls-directory.js'))) as typeof directoryFile;
// Guests call from workers.
const { workerHost } = (await import(dist('hosts/node-worker.js'))) as typeof nodeWorker;

export const FILE = Rights.fdRead | Rights.fdWrite | Rights.fdSeek | Rights.fdTell | Rights.fdFilestatGet | Rights.fdFdstatSetFlags |
  Rights.fdFilestatSetSize | Rights.fdFilestatSetTimes | Rights.fdAllocate | Rights.fdAdvise | Rights.fdSync | Rights.fdDatasync |
  Rights.pollFdReadwrite;

/** Where the test keeps what it gives to calls. */
const TEXT = 1024;
const TEXT2 = 8192;
export const OUT = 16384;
const IOVS = 32768;
export const DATA = 65536;

export type Guest = guestFile.WasiGuest;

export class Caller {
  readonly memory = new WebAssembly.Memory({ initial: 8, maximum: 8 });
  readonly calls: Record<string, (...args: unknown[]) => number>;

  private constructor(readonly guest: Guest) {
    const thread = guestThread(guest.config, workerHost, () => this.memory, true);
    this.calls = preview1(thread, directoryCalls(thread).calls) as unknown as typeof this.calls;
  }

  static async create(options: GuestOptions = {}): Promise<Caller> {
    return new Caller(await WasiGuest.create(ownerHost, guestHost, { stdin: 'closed', stdout: 'closed', stderr: 'closed', ...options }));
  }

  get bytes(): Buffer {
    return Buffer.from(this.memory.buffer);
  }

  view(): DataView {
    return new DataView(this.memory.buffer);
  }

  u32(at = OUT): number {
    return this.view().getUint32(at, true);
  }

  u64(at = OUT): bigint {
    return this.view().getBigUint64(at, true);
  }

  call(name: string, ...args: unknown[]): number {
    const call = this.calls[name];
    if (!call) throw new Error(`no call ${name}`);
    return call(...args);
  }

  /** A path as two arguments. */
  path(text: string, at = TEXT): [number, number] {
    return [at, this.bytes.write(text, at)];
  }

  path2(text: string): [number, number] {
    return this.path(text, TEXT2);
  }

  /** Vectors at DATA, one after the other. */
  iovs(...lengths: number[]): [number, number] {
    let at = DATA;
    lengths.forEach((length, i) => {
      this.view().setUint32(IOVS + 8 * i, at, true);
      this.view().setUint32(IOVS + 8 * i + 4, length, true);
      at += length;
    });
    return [IOVS, lengths.length];
  }

  /** path_open; the fd, or -errno. */
  open(path: string, options: { dir?: number; follow?: boolean; oflags?: number; rights?: number; inheriting?: number; fdflags?: number } = {}): number {
    const { dir = 3, follow = true, oflags = 0, rights = FILE, inheriting = 0, fdflags = 0 } = options;
    const errno = this.call('path_open', dir, follow ? 1 : 0, ...this.path(path), oflags, BigInt(rights), BigInt(inheriting), fdflags, OUT);
    return errno === 0 ? this.u32() : -errno;
  }

  /** fd_write; bytes, or -errno. */
  write(fd: number, data: string | Uint8Array, call = 'fd_write', ...more: unknown[]): number {
    const bytes = Buffer.from(data);
    bytes.copy(this.bytes, DATA);
    const errno = this.call(call, fd, ...this.iovs(bytes.length), ...more, OUT);
    return errno === 0 ? this.u32() : -errno;
  }

  /** fd_read; the data, or -errno. */
  read(fd: number, length: number, call = 'fd_read', ...more: unknown[]): string | number {
    const errno = this.call(call, fd, ...this.iovs(length), ...more, OUT);
    return errno === 0 ? this.bytes.toString('utf8', DATA, DATA + this.u32()) : -errno;
  }

  stat(fd: number): { type: number; nlink: bigint; size: bigint; atim: bigint; mtim: bigint; ino: bigint; dev: bigint } {
    const errno = this.call('fd_filestat_get', fd, OUT);
    if (errno !== 0) throw new Error(`errno ${errno}`);
    return this.statAt();
  }

  statAt(): { type: number; nlink: bigint; size: bigint; atim: bigint; mtim: bigint; ino: bigint; dev: bigint } {
    return {
      dev: this.u64(OUT), ino: this.u64(OUT + 8), type: this.view().getUint8(OUT + 16), nlink: this.u64(OUT + 24),
      size: this.u64(OUT + 32), atim: this.u64(OUT + 40), mtim: this.u64(OUT + 48),
    };
  }

  fdstat(fd: number): { type: number; flags: number; base: bigint; inheriting: bigint } {
    const errno = this.call('fd_fdstat_get', fd, OUT);
    if (errno !== 0) throw new Error(`errno ${errno}`);
    return { type: this.view().getUint8(OUT), flags: this.view().getUint16(OUT + 2, true), base: this.u64(OUT + 8), inheriting: this.u64(OUT + 16) };
  }

  /** poll_oneoff of { fd, read } or { clock, ns, absolute }; its events, or -errno. */
  poll(...wanted: ({ read: number } | { write: number } | { clock: number; ns: bigint; absolute?: boolean } | { tag: number })[]): number | PollEvent[] {
    const view = this.view();
    const at = DATA;
    const events = DATA + 48 * wanted.length;
    new Uint8Array(this.memory.buffer).fill(0xaa, at, events + 32 * wanted.length);
    wanted.forEach((one, i) => {
      const sub = at + 48 * i;
      this.bytes.fill(0, sub, sub + 48);
      view.setBigUint64(sub, BigInt(i + 100), true);
      if ('clock' in one) {
        view.setUint32(sub + 16, one.clock, true);
        view.setBigUint64(sub + 24, one.ns, true);
        view.setUint16(sub + 40, one.absolute ? 1 : 0, true);
      } else if ('tag' in one) {
        view.setUint8(sub + 8, one.tag);
      } else {
        view.setUint8(sub + 8, 'read' in one ? 1 : 2);
        view.setUint32(sub + 16, 'read' in one ? one.read : one.write, true);
      }
    });
    const errno = this.call('poll_oneoff', at, events, wanted.length, OUT);
    if (errno !== 0) return -errno;
    return Array.from({ length: this.u32() }, (_, i) => ({
      which: Number(this.u64(events + 32 * i)) - 100, error: view.getUint16(events + 32 * i + 8, true), type: view.getUint8(events + 32 * i + 10),
      nbytes: Number(this.u64(events + 32 * i + 16)), hangup: view.getUint16(events + 32 * i + 24, true) === 1,
    }));
  }

  close(): Promise<void> {
    return this.guest.close();
  }
}

export interface PollEvent {
  which: number;
  error: number;
  type: number;
  nbytes: number;
  hangup: boolean;
}
