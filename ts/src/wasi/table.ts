// SPDX-License-Identifier: MIT
import type * as NodeFs from 'node:fs';
import { ALL_RIGHTS, fail, FdFlags, FileType } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import * as Rights from '../runtime/wasi-rights.js';
import { OwnerEnd, Ring } from './ring.js';
import { fdAt, MAX_FDS, objectAt, type Shared } from './shared.js';
import { AF_UNIX } from './sockaddr.js';
import { endWaiting, Socket, SocketState } from './socket.js';

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

// The words of an object.
const REFS = 0;
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

  private get(word: number): number {
    return Atomics.load(this.words, this.at + word);
  }

  /** A word that never changes, which this thread sees because it has acquired the descriptor: an atomic load would only take longer. */
  private fixed(word: number): number {
    return this.words[this.at + word] ?? 0;
  }

  private set(word: number, value: number): void {
    Atomics.store(this.words, this.at + word, value);
  }

  get kind(): number {
    return this.get(KIND);
  }

  get type(): number {
    return this.fixed(TYPE);
  }

  /** The host's fd. A file may have two, because whether one appends is decided when it is opened. */
  get hostFd(): number {
    const appending = this.flags & FdFlags.append ? this.get(APPEND_FD) : -1;
    return appending >= 0 ? appending : this.fixed(HOST_FD);
  }

  /** The host's fd that does not append, for reading and writing at an offset. */
  get plainFd(): number {
    return this.fixed(HOST_FD);
  }

  /** The host's fd by which the guest's threads read or write the pipe of this stream; -1 if there is none. */
  get directFd(): number {
    return this.fixed(DIRECT_FD);
  }

  /** All of the host's fds for this descriptor. */
  get hostFds(): number[] {
    return [this.fixed(HOST_FD), this.get(APPEND_FD), this.fixed(DIRECT_FD)].filter((fd) => fd >= 0);
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
    return this.fixed(SEQUENTIAL) !== 0;
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
    this.set(OFFSET, offset | 0);
    this.set(OFFSET + 1, Math.floor(offset / 2 ** 32));
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
}

/** The guest's file descriptors. Any thread of the guest may call the methods that are not marked as the owner's. */
export class FdTable {
  /** This thread's views of the objects, by their indices. */
  private readonly descriptors: (Descriptor | undefined)[] = [];

  constructor(readonly shared: Shared, private readonly fs: FileSystem | undefined) {
    shared.fdsOf = (ring) => this.fdsOf(ring);
  }

  private slot(fd: number): number {
    return fd >= 0 && fd < MAX_FDS ? Atomics.load(this.shared.words, fdAt(fd)) : 0;
  }

  private at(index: number): Descriptor {
    return (this.descriptors[index] ??= new Descriptor(this.shared, index));
  }

  /**
   * Returns the descriptor that fd stands for, which stays valid until letGo(). Fails with EBADF. It takes no lock: a reference is
   * added only to an object that has some, and counts only if the fd still stands for that object afterwards.
   */
  acquire(fd: number): Descriptor {
    const { words } = this.shared;
    for (;;) {
      const slot = this.slot(fd);
      if (slot === 0) fail(E.BADF);
      const refs = objectAt(slot - 1) + REFS;
      const seen = Atomics.load(words, refs);
      // One reference, or none, means that the object is being closed: then the fd stands for something else now, or nothing.
      if (seen < 2 || Atomics.compareExchange(words, refs, seen, seen + 1) !== seen) continue;
      const descriptor = this.at(slot - 1);
      if (this.slot(fd) === slot) return descriptor;
      this.letGo(descriptor);
    }
  }

  /** Gives back what acquire() has returned. */
  letGo(descriptor: Descriptor): void {
    const refs = objectAt(descriptor.index) + REFS;
    // The old value 2 means: nobody refers to it any more, but its place is not free yet.
    if (Atomics.sub(this.shared.words, refs, 1) !== 2) return;
    try {
      this.release(descriptor);
    } finally {
      Atomics.store(this.shared.words, refs, 0);
    }
  }

  private release(descriptor: Descriptor): void {
    for (const fd of descriptor.hostFds) if (fd > 2) this.fs?.closeSync(fd);
    const { kind, type, readRing, writeRing } = descriptor;
    const { domain, state } = type === FileType.stream ? new Socket(this.shared, descriptor.index) : { domain: 0, state: SocketState.connected };
    if (kind === Kind.socket && state <= SocketState.bound) {
      writeRing?.free();
      // The owner listens for it, and has the other end.
      if (domain !== AF_UNIX && state !== SocketState.fresh) readRing?.closeReader();
      else readRing?.free();
      return;
    }
    readRing?.closeReader();
    writeRing?.closeWriter();
    if (kind === Kind.listener && domain === AF_UNIX && readRing) {
      readRing.reading(() => endWaiting(this.shared, readRing));
      readRing.drop();
    }
  }

  /** Calls work() with the descriptor that fd stands for. Fails with EBADF. */
  use<T>(fd: number, work: (descriptor: Descriptor) => T): T {
    const descriptor = this.acquire(fd);
    try {
      return work(descriptor);
    } finally {
      this.letGo(descriptor);
    }
  }

  /** Opens the lowest free fd (POSIX 2.14). Fails with EMFILE, without having changed anything. */
  open(made: NewDescriptor, prepare?: (index: number) => void): number {
    return this.shared.withTable(() => {
      const fd = this.lowest(0);
      if (fd === MAX_FDS) fail(E.MFILE);
      const index = this.place(fd, made);
      prepare?.(index);
      return fd;
    });
  }

  /** Opens two fds, or none. */
  openBoth(one: NewDescriptor, other: NewDescriptor): [number, number] {
    return this.shared.withTable(() => {
      const first = this.lowest(0);
      const second = this.lowest(first + 1);
      if (second >= MAX_FDS) fail(E.MFILE);
      this.place(first, one);
      this.place(second, other);
      return [first, second];
    });
  }

  /**
   * Makes another fd of what `from` is. Without `to` it is the lowest free one from `minimum` on; otherwise it is `to`, and what
   * that was is closed. Returns it.
   */
  dup(from: number, minimum: number, to = -1): number {
    const { words } = this.shared;
    if (minimum < 0 || minimum >= MAX_FDS) fail(E.INVAL);
    if (to >= MAX_FDS) fail(E.BADF);
    let replaced = 0;
    const made = this.shared.withTable(() => {
      const slot = this.slot(from);
      if (slot === 0) fail(E.BADF);
      if (from === to) return to;
      const fd = to >= 0 ? to : this.lowest(minimum);
      if (fd === MAX_FDS) fail(E.MFILE);
      replaced = this.slot(fd);
      Atomics.add(words, objectAt(slot - 1) + REFS, 1);
      Atomics.store(words, fdAt(fd), slot);
      return fd;
    });
    if (replaced !== 0) this.letGo(this.at(replaced - 1));
    return made;
  }

  /** Makes a socket what it is from now on. A listener has no ring to write to. */
  become(descriptor: Descriptor, kind: Kind): void {
    const at = objectAt(descriptor.index);
    if (kind === Kind.listener) {
      descriptor.writeRing?.free();
      Atomics.store(this.shared.words, at + WRITE_RING, -1);
    }
    Atomics.store(this.shared.words, at + KIND, kind);
  }

  /** Gives a socket whose connection has failed new rings, for another try. */
  replaceRings(descriptor: Descriptor): void {
    const at = objectAt(descriptor.index);
    for (const [word, end] of [[READ_RING, OwnerEnd.writer], [WRITE_RING, OwnerEnd.reader]] as const) {
      const made = Ring.allocate(this.shared, false, end) ?? fail(E.NFILE);
      const old = new Ring(this.shared, Atomics.exchange(this.shared.words, at + word, made.index));
      if (word === READ_RING) old.closeReader();
      else old.closeWriter();
    }
  }

  /** The first descriptor for which `is` is true, held until letGo(). */
  find(is: (descriptor: Descriptor) => boolean): Descriptor | undefined {
    const { words } = this.shared;
    for (let index = 0; index < MAX_FDS; index++) {
      const refs = objectAt(index) + REFS;
      const seen = Atomics.load(words, refs);
      if (seen < 2 || Atomics.compareExchange(words, refs, seen, seen + 1) !== seen) continue;
      const descriptor = this.at(index);
      if (is(descriptor)) return descriptor;
      this.letGo(descriptor);
    }
    return undefined;
  }

  serialOf(index: number): number {
    return Atomics.load(this.shared.words, objectAt(index) + SERIAL);
  }

  /** Called by the owner: calls work() with the descriptor in this place, if it is still the one with this number. */
  whileOpen(index: number, serial: number, work: (descriptor: Descriptor) => void): boolean {
    const refs = objectAt(index) + REFS;
    for (;;) {
      const seen = Atomics.load(this.shared.words, refs);
      if (seen < 2) return false;
      if (Atomics.compareExchange(this.shared.words, refs, seen, seen + 1) === seen) break;
    }
    const descriptor = this.at(index);
    try {
      if (this.serialOf(index) !== serial) return false;
      work(descriptor);
      return true;
    } finally {
      this.letGo(descriptor);
    }
  }

  /** The lowest other fd of what fd is; -1 if there is none. */
  alias(fd: number): number {
    const slot = this.slot(fd);
    for (let other = 0; slot !== 0 && other < MAX_FDS; other++) if (other !== fd && this.slot(other) === slot) return other;
    return -1;
  }

  /** All fds that read from this ring or write to it. */
  private fdsOf(ring: number): number[] {
    const { words } = this.shared;
    const found: number[] = [];
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const slot = this.slot(fd);
      if (slot === 0) continue;
      const at = objectAt(slot - 1);
      if (Atomics.load(words, at + READ_RING) === ring || Atomics.load(words, at + WRITE_RING) === ring) found.push(fd);
    }
    return found;
  }

  /** The lowest free fd from this one on; MAX_FDS if none is left. */
  private lowest(from: number): number {
    let fd = from;
    while (fd < MAX_FDS && Atomics.load(this.shared.words, fdAt(fd)) !== 0) fd++;
    return fd;
  }

  /** Called by the owner before the guest starts: opens a given fd. */
  openAt(fd: number, made: NewDescriptor): void {
    this.shared.withTable(() => void this.place(fd, made));
  }

  private place(fd: number, made: NewDescriptor): number {
    const { words } = this.shared;
    let index = 0;
    while (index < MAX_FDS && Atomics.load(words, objectAt(index) + REFS) !== 0) index++;
    if (index === MAX_FDS) fail(E.NFILE);
    const at = objectAt(index);
    Atomics.store(words, at + REFS, 2);
    // Other threads read these words only after they have read the fd's slot, which is stored last.
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
    if (made.type === FileType.stream) new Socket(this.shared, index).reset(made.domain ?? 0, SocketState.connected);
    Atomics.store(words, fdAt(fd), index + 1);
    return index;
  }

  close(fd: number): void {
    const slot = this.shared.withTable(() => {
      const found = this.slot(fd);
      if (found === 0) fail(E.BADF);
      Atomics.store(this.shared.words, fdAt(fd), 0);
      return found;
    });
    this.letGo(this.at(slot - 1));
  }

  /** Makes `to`, which must be open, what `from` is, and frees `from`. */
  renumber(from: number, to: number): void {
    const { words } = this.shared;
    const replaced = this.shared.withTable(() => {
      const moved = this.slot(from);
      const old = this.slot(to);
      if (moved === 0 || old === 0) fail(E.BADF);
      if (from === to) return 0;
      Atomics.store(words, fdAt(to), moved);
      Atomics.store(words, fdAt(from), 0);
      return old;
    });
    if (replaced !== 0) this.letGo(this.at(replaced - 1));
  }

  /** Called by the owner after the guest's threads have ended: closes everything, whoever was using it. */
  closeAll(): void {
    const { words } = this.shared;
    for (const fd of this.shared.takeKeptFds()) this.fs?.closeSync(fd);
    for (let fd = 0; fd < MAX_FDS; fd++) Atomics.store(words, fdAt(fd), 0);
    for (let index = 0; index < MAX_FDS; index++) {
      if (Atomics.exchange(words, objectAt(index) + REFS, 0) !== 0) this.release(new Descriptor(this.shared, index));
    }
  }

  /** The open descriptors as text, one line each. */
  dump(): string {
    let text = '';
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const slot = this.slot(fd);
      if (slot === 0) continue;
      const descriptor = new Descriptor(this.shared, slot - 1);
      const kind = Object.entries(Kind).find(([, number]) => number === descriptor.kind)?.[0] ?? '?';
      const { readRing, writeRing } = descriptor;
      const parts = [`fd ${fd}: ${kind}`];
      if (readRing) parts.push(`${readRing.length} bytes to read${readRing.writerGone ? ', ended' : ''}`);
      if (writeRing) parts.push(`${writeRing.length} bytes not taken yet${writeRing.readerGone ? ', nobody reads' : ''}`);
      if (descriptor.kind === Kind.file && !descriptor.sequential) parts.push(`offset ${descriptor.offset}`);
      text += `${parts.join(', ')}\n`;
    }
    return text;
  }

  /** WASI's `filetype` of a file, by its mode (POSIX sys/stat.h). */
  static typeOf(mode: number): number {
    switch (mode & 0o170000) {
      case 0o100000: return FileType.regular;
      case 0o040000: return FileType.directory;
      case 0o120000: return FileType.symlink;
      case 0o020000: return FileType.characterDevice;
      case 0o060000: return FileType.blockDevice;
      case 0o140000: return FileType.stream;
      default: return FileType.unknown;
    }
  }
}
