// SPDX-License-Identifier: MIT
import type * as NodeFs from 'node:fs';
import { ALL_RIGHTS, fail, FdFlags, FileType } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { OwnerEnd, Ring } from './ring.js';
import { objectAt, type Shared } from './shared.js';
import { Socket, SocketState } from './socket.js';

/** Node's `fs` module, which some hosts have. */
export type FileSystem = typeof NodeFs;

export const Kind = {
  /** An fd of the host, which the guest's threads read and write directly. */
  file: 1,
  directory: 2,
  /** A ring for reading, a ring for writing, or both. */
  stream: 3,
  /** A ring of accepted connections: 8 bytes each, the numbers of their two rings. */
  listener: 4,
  /** Output that is passed to the host's function write(). */
  console: 5,
  /** A number that the program's own library uses, for an event counter, a timer or an epoll set: wasm/port/fd-own.c. */
  own: 6,
  /** A socket that is neither connected nor listens; its rings are what it will have when it is connected. */
  socket: 7,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

// The words of an object. Word 0 is the table's: how many refer to it.
const KIND = 1;
const TYPE = 2;
const FLAGS = 3;
const HOST_FD = 4;
const PREOPEN = 5;       // 1 + the index of the preopened directory; 0 for others
const READ_RING = 6;
const WRITE_RING = 7;
const BASE = 8;
const INHERITING = 9;
const OFFSET = 10;       // 64 bits, in two words
const LOCK = 12;
const SERIAL = 13;
const SEQUENTIAL = 14;   // the host keeps the offset
const APPEND_FD = 15;    // an fd of the same file that appends
const ALLOWED = 16;      // BASE and further rights: see NewDescriptor
const PASSED = 17;       // the rights that may be asked for below this directory
const NARROWED = 18;     // 1: rights were given up
const DIRECT_FD = 19;    // of a stream: an fd by which its pipe is read or written without blocking

export interface NewDescriptor {
  kind: Kind;
  type: number;
  flags?: number;
  hostFd?: number;
  preopen?: number;
  read?: Ring | undefined;
  write?: Ring | undefined;
  /** The rights that were asked for, which fd_fdstat_get reports. */
  base: number;
  inheriting?: number;
  /**
   * The rights that the descriptor really has. They include rights that were not asked for, because most programs forget to ask
   * and most hosts do not enforce them. Giving up rights (fd_fdstat_set_rights) ends this.
   */
  allowed?: number;
  passed?: number;
  sequential?: boolean;
  /** An fd of the host by which the pipe of a stream can be read or written; it does not block. */
  direct?: number | undefined;
  /** The address family of a socket. */
  domain?: number;
}

/** The object that an fd stands for. The guest's threads share its offset, flags and rights. */
export class Descriptor {
  private readonly at: number;
  private readonly words: Int32Array;

  constructor(readonly shared: Shared, readonly index: number) {
    this.at = objectAt(index);
    this.words = shared.words;
  }

  /**
   * Reads a word without an atomic load, which takes several times as long. The thread has acquired the descriptor by an atomic
   * exchange, and sees everything that was stored before that; what another thread stores at the same time may be seen or not.
   */
  private get(word: number): number {
    return this.words[this.at + word] ?? 0;
  }

  private set(word: number, value: number): void {
    Atomics.store(this.words, this.at + word, value);
  }

  get kind(): number {
    return this.get(KIND);
  }

  get type(): number {
    return this.get(TYPE);
  }

  /** The host's fd. A file may have two, because whether one appends is decided when it is opened. */
  get hostFd(): number {
    const appending = this.flags & FdFlags.append ? this.get(APPEND_FD) : -1;
    return appending >= 0 ? appending : this.get(HOST_FD);
  }

  /** The host's fd that does not append, for reading and writing at an offset. */
  get plainFd(): number {
    return this.get(HOST_FD);
  }

  /** The host's fd by which the guest's threads read or write the pipe of this stream; -1 if there is none. */
  get directFd(): number {
    return this.get(DIRECT_FD);
  }

  /** All of the host's fds for this descriptor. */
  get hostFds(): number[] {
    return [this.get(HOST_FD), this.get(APPEND_FD), this.get(DIRECT_FD)].filter((fd) => fd >= 0);
  }

  /** Sets the host's fd that is used while the descriptor appends. Call this inside locked(). */
  set appendFd(fd: number) {
    this.set(APPEND_FD, fd);
  }

  get hasAppendFd(): boolean {
    return this.get(APPEND_FD) >= 0;
  }

  /** A number that distinguishes this descriptor from later ones in the same place. */
  get serial(): number {
    return this.get(SERIAL);
  }

  get sequential(): boolean {
    return this.get(SEQUENTIAL) !== 0;
  }

  get preopen(): number {
    return this.get(PREOPEN) - 1;
  }

  get flags(): number {
    return this.get(FLAGS);
  }

  set flags(flags: number) {
    this.set(FLAGS, flags);
  }

  get base(): number {
    return this.get(BASE);
  }

  get inheriting(): number {
    return this.get(INHERITING);
  }

  /** The rights that may be asked for when a file below this directory is opened. */
  get passed(): number {
    return this.get(PASSED);
  }

  narrow(base: number, inheriting: number): void {
    this.set(BASE, base);
    this.set(INHERITING, inheriting);
    this.set(ALLOWED, base);
    this.set(PASSED, inheriting);
    this.set(NARROWED, 1);
  }

  get readRing(): Ring | undefined {
    const index = this.get(READ_RING);
    return index < 0 ? undefined : new Ring(this.shared, index);
  }

  get writeRing(): Ring | undefined {
    const index = this.get(WRITE_RING);
    return index < 0 ? undefined : new Ring(this.shared, index);
  }

  /** The offset of a file, in bytes. Use it inside locked(). */
  get offset(): number {
    return (this.get(OFFSET + 1) >>> 0) * 2 ** 32 + (this.get(OFFSET) >>> 0);
  }

  set offset(offset: number) {
    // (The lock's release makes these plain stores visible.)
    const { words, at } = this;
    words[at + OFFSET] = offset;
    words[at + OFFSET + 1] = offset / 2 ** 32;
  }

  /** No other thread moves the offset until unlock(). */
  lock(): void {
    this.shared.lock(this.at + LOCK);
  }

  unlock(): void {
    this.shared.unlock(this.at + LOCK);
  }

  /** Calls work() while no other thread moves the offset. */
  locked<T>(work: () => T): T {
    return this.shared.locked(this.at + LOCK, work);
  }

  /** Fails with ENOTCAPABLE unless it has all of these rights, or with EBADF if it was not opened for reading or writing. */
  need(rights: number): void {
    const missing = rights & ~this.get(ALLOWED);
    if (missing === 0) return;
    fail(missing & (Rights.fdRead | Rights.fdWrite) && this.get(NARROWED) === 0 ? E.BADF : E.NOTCAPABLE);
  }

  /** Whether it reads from this ring or writes to it. */
  usesRing(ring: number): boolean {
    return this.get(READ_RING) === ring || this.get(WRITE_RING) === ring;
  }

  /** Makes a socket what it is from now on. A listener has no ring to write to. */
  become(kind: Kind): void {
    if (kind === Kind.listener) {
      this.writeRing?.free();
      this.set(WRITE_RING, -1);
    }
    this.set(KIND, kind);
  }

  /** Gives a socket whose connection has failed new rings, for another try. */
  replaceRings(): void {
    for (const [word, end] of [[READ_RING, OwnerEnd.writer], [WRITE_RING, OwnerEnd.reader]] as const) {
      const made = Ring.allocate(this.shared, false, end) ?? fail(E.NFILE);
      const old = new Ring(this.shared, Atomics.exchange(this.words, this.at + word, made.index));
      if (word === READ_RING) old.closeReader();
      else old.closeWriter();
    }
  }

  /** Makes a new object of this place. Other threads read its words only after they have read an fd's slot, which is stored later. */
  make(made: NewDescriptor): void {
    const { words, at } = this;
    const set = (word: number, value: number): void => void (words[at + word] = value);
    set(KIND, made.kind);
    set(TYPE, made.type);
    set(FLAGS, made.flags ?? 0);
    set(HOST_FD, made.hostFd ?? -1);
    set(PREOPEN, made.preopen === undefined ? 0 : made.preopen + 1);
    set(READ_RING, made.read?.index ?? -1);
    set(WRITE_RING, made.write?.index ?? -1);
    set(BASE, made.base & ALL_RIGHTS);
    set(INHERITING, (made.inheriting ?? 0) & ALL_RIGHTS);
    set(ALLOWED, (made.allowed ?? made.base) & ALL_RIGHTS);
    set(PASSED, (made.passed ?? made.inheriting ?? 0) & ALL_RIGHTS);
    set(NARROWED, 0);
    set(OFFSET, 0);
    set(OFFSET + 1, 0);
    set(LOCK, 0);
    set(SERIAL, this.shared.nextSerial());
    set(SEQUENTIAL, made.sequential ? 1 : 0);
    set(APPEND_FD, -1);
    set(DIRECT_FD, made.direct ?? -1);
    if (made.type === FileType.stream) new Socket(this.shared, this.index).reset(made.domain ?? 0, SocketState.connected);
  }
}
