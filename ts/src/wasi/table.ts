// SPDX-License-Identifier: MIT
import { fail, FileType } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { Descriptor, Kind, type FileSystem, type NewDescriptor } from './descriptor.js';
import { fdAt, MAX_FDS, objectAt, type Shared } from './shared.js';
import { AF_UNIX } from './sockaddr.js';
import { endWaiting, Socket, SocketState } from './socket.js';

/** The word of an object that counts the fds that stand for it, those that use it now, and itself while it is not free. */
const REFS = 0;

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
   *
   * At first the words are read without atomic loads, which take most of the time. A stale value does no harm: the exchange then
   * fails, or it comes after the closing of the old object in the order of all exchanges of that word, so that the fd is read anew.
   */
  acquire(fd: number): Descriptor {
    const { words } = this.shared;
    const slot = fd >= 0 && fd < MAX_FDS ? words[fdAt(fd)] ?? 0 : 0;
    if (slot === 0) return this.acquireSlowly(fd);
    const refs = objectAt(slot - 1) + REFS;
    const seen = words[refs] ?? 0;
    if (seen < 2 || Atomics.compareExchange(words, refs, seen, seen + 1) !== seen) return this.acquireSlowly(fd);
    const descriptor = this.at(slot - 1);
    if (words[fdAt(fd)] === slot) return descriptor;
    this.letGo(descriptor);
    return this.acquireSlowly(fd);
  }

  private acquireSlowly(fd: number): Descriptor {
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
    return this.at(index).serial;
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
    const found: number[] = [];
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const slot = this.slot(fd);
      if (slot !== 0 && this.at(slot - 1).usesRing(ring)) found.push(fd);
    }
    return found;
  }

  /** The lowest free fd from this one on; MAX_FDS if none is left. */
  private lowest(from: number): number {
    let fd = from;
    // (The table is locked, so its words need no atomic loads.)
    const { words } = this.shared;
    while (fd < MAX_FDS && words[fdAt(fd)] !== 0) fd++;
    return fd;
  }

  /** Called by the owner before the guest starts: opens a given fd. */
  openAt(fd: number, made: NewDescriptor): void {
    this.shared.withTable(() => void this.place(fd, made));
  }

  private place(fd: number, made: NewDescriptor): number {
    const { words } = this.shared;
    let index = 0;
    while (index < MAX_FDS && words[objectAt(index) + REFS] !== 0) index++;
    if (index === MAX_FDS) fail(E.NFILE);
    Atomics.store(words, objectAt(index) + REFS, 2);
    this.at(index).make(made);
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

  /** What kind of descriptor it is, for people; undefined: it is not open. */
  kindOf(fd: number): string | undefined {
    const slot = fd < MAX_FDS ? this.slot(fd) : 0;
    if (slot === 0) return undefined;
    const { kind } = new Descriptor(this.shared, slot - 1);
    return Object.entries(Kind).find(([, number]) => number === kind)?.[0] ?? '?';
  }

  /** The open descriptors as text, one line each. */
  dump(): string {
    let text = '';
    for (let fd = 0; fd < MAX_FDS; fd++) {
      const kind = this.kindOf(fd);
      if (kind === undefined) continue;
      const descriptor = new Descriptor(this.shared, this.slot(fd) - 1);
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
