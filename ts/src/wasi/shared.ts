// SPDX-License-Identifier: MIT
/**
 * What the threads of a guest share with each other and with the owner. It is outside of the guest's own memory, so that a
 * guest that writes to wrong addresses cannot gain access to the host's files.
 *
 * Everything consists of 32-bit words. Each sleeper has a word of its own, and everything that can be waited for has a mask
 * of the sleepers that wait for it (see Shared.wake).
 */
import { fail } from '../runtime/abi.js';
import * as E from '../runtime/wasi-errno.js';
import { ThreadLeave } from '../runtime/death.js';

const HEADER = 256;
export const MAX_FDS = 8192;
const MAX_OBJECTS = MAX_FDS;
const OBJECT_WORDS = 20;
const RING_WORDS = 20;

/** The rings: large ones for pipes and standard streams, small ones for sockets. */
const LARGE_RINGS = 32;
const LARGE_BYTES = 256 * 1024;
const SMALL_RINGS = 4096;
const SMALL_BYTES = 16 * 1024;
export const MAX_RINGS = LARGE_RINGS + SMALL_RINGS;

/** The number of sleepers; the first one is the owner. If there are more threads, several share one. */
export const SLEEPERS = 64;
export const OWNER = 0;

const ENDED = 0;
const TABLE_LOCK = 1;
const PATH_LOCK = 2;
const NEXT_SLEEPER = 3;
const NEXT_SERIAL = 4;
const START_LOCK = 5;
const START_ANSWER = 6;
const NEXT_TID = 7;
const THREADS = 8;
const DISK_LOCK = 9;
const PLACES_LOCK = 10;
const OPFS_LOCK = 11;
const POLLS_LOCK = 12;
const SLEEPER_WORDS = 16;
const FDS = HEADER;
const OBJECTS = FDS + MAX_FDS;
const RINGS = OBJECTS + MAX_OBJECTS * OBJECT_WORDS;
/** The rings that the owner has to examine, one bit for each. */
const ATTENTION = RINGS + MAX_RINGS * RING_WORDS;
const ATTENTION_WORDS = Math.ceil(MAX_RINGS / 32);
/** The fds that threads keep open for themselves (1 + fd each), which the owner closes if a thread could not. */
const KEPT_FDS = ATTENTION + ATTENTION_WORDS;
const MAX_KEPT_FDS = 2048;
/** What only sockets have, one place for each object: see socket.ts. */
const SOCKETS = KEPT_FDS + MAX_KEPT_FDS;
export const SOCKET_WORDS = 80;
const DATA = (SOCKETS + MAX_OBJECTS * SOCKET_WORDS) * 4;
const TOTAL = DATA + LARGE_RINGS * LARGE_BYTES + SMALL_RINGS * SMALL_BYTES;

export const objectAt = (index: number): number => OBJECTS + index * OBJECT_WORDS;
export const socketAt = (index: number): number => SOCKETS + index * SOCKET_WORDS;
export const ringAt = (index: number): number => RINGS + index * RING_WORDS;
export const fdAt = (fd: number): number => FDS + fd;

/** The byte offset and the size of a ring's data. */
export function ringData(index: number): { start: number; size: number } {
  return index < LARGE_RINGS
    ? { start: DATA + index * LARGE_BYTES, size: LARGE_BYTES }
    : { start: DATA + LARGE_RINGS * LARGE_BYTES + (index - LARGE_RINGS) * SMALL_BYTES, size: SMALL_BYTES };
}
export const ringRange = (large: boolean): [first: number, end: number] =>
  large ? [0, LARGE_RINGS] : [LARGE_RINGS, MAX_RINGS];

/** How long a thread sleeps at most, where end() does not wake it up, before it checks whether the guest has ended. */
const LOOK_AGAIN_MS = 100;

/** Thrown in a thread of a guest that sleeps when the guest ends. */
export class GuestEnded extends ThreadLeave {}

export class Shared {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** The number of this thread's sleeper. */
  private self = OWNER;
  private mayWait = false;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer, 0, DATA / 4);
    this.bytes = new Uint8Array(buffer);
  }

  /** Creates the shared memory, whose untouched pages cost nothing. Without streams it has no rings. */
  static create(streams: boolean): Shared {
    return new Shared(new SharedArrayBuffer(streams ? TOTAL : DATA));
  }

  /** Called in a thread of the guest, which may sleep. */
  enter(): void {
    this.mayWait = true;
    this.self = 1 + (Atomics.add(this.words, NEXT_SLEEPER, 1) % (SLEEPERS - 1));
  }

  nextSerial(): number {
    return Atomics.add(this.words, NEXT_SERIAL, 1);
  }

  // ---- Locks

  lock(word: number): void {
    const { words } = this;
    if (Atomics.compareExchange(words, word, 0, 1) === 0) return;
    // 2 means that threads sleep. A thread that has slept takes the lock with that value, because others may still sleep. The
    // locked sections are short. The owner, which must not sleep, spins.
    do {
      if (this.mayWait && Atomics.compareExchange(words, word, 1, 2) !== 0) Atomics.wait(words, word, 2, LOOK_AGAIN_MS);
      // The thread that holds the lock may have been terminated.
      if (this.mayWait && this.ended) throw new GuestEnded();
    } while (Atomics.compareExchange(words, word, 0, this.mayWait ? 2 : 1) !== 0);
  }

  unlock(word: number): void {
    if (Atomics.exchange(this.words, word, 0) === 2) Atomics.notify(this.words, word, 1);
  }

  locked<T>(word: number, work: () => T): T {
    this.lock(word);
    try {
      return work();
    } finally {
      this.unlock(word);
    }
  }

  /** Locks the tables of fds, of their objects and of the rings. */
  withTable<T>(work: () => T): T {
    return this.locked(TABLE_LOCK, work);
  }

  /** Locks all paths: they are resolved step by step, and no other thread of the guest may move a directory meanwhile. */
  withPaths<T>(work: () => T): T {
    return this.locked(PATH_LOCK, work);
  }

  /** Locks the disk in memory. */
  withDisk<T>(work: () => T): T {
    return this.locked(DISK_LOCK, work);
  }

  /** Locks the table of where things were opened. */
  withPlaces<T>(work: () => T): T {
    return this.locked(PLACES_LOCK, work);
  }

  /** Locks the record of the poll_oneoff calls, for its writers. */
  withPolls<T>(work: () => T): T {
    return this.locked(POLLS_LOCK, work);
  }

  /** Locks the files of the origin, which serve one thread at a time. The owner, which must not wait for an answer, has none. */
  withOpfs<T>(work: () => T): T {
    if (!this.mayWait) fail(E.AGAIN);
    return this.locked(OPFS_LOCK, work);
  }

  /** Called by the owner: opens the locks that a terminated thread may have held. */
  breakLocks(): void {
    Atomics.store(this.words, TABLE_LOCK, 0);
    Atomics.store(this.words, DISK_LOCK, 0);
    Atomics.store(this.words, PLACES_LOCK, 0);
  }

  // ---- The host's fds that threads keep open for themselves

  /** Where the last one of this thread was noted that it has closed: the search for a free place begins there. */
  private freed = 0;

  /** Notes an fd that a thread keeps open. Returns where it is noted; -1 if there is no room, in which case it is lost with the thread. */
  keepFd(fd: number): number {
    for (let i = 0; i < MAX_KEPT_FDS; i++) {
      const slot = (this.freed + i) % MAX_KEPT_FDS;
      if (Atomics.compareExchange(this.words, KEPT_FDS + slot, 0, fd + 1) === 0) return slot;
    }
    return -1;
  }

  /** Whether the thread has to close an fd that it has kept; false if the owner has done so. */
  forgetFd(slot: number, fd: number): boolean {
    this.freed = Math.max(0, slot);
    return slot < 0 || Atomics.compareExchange(this.words, KEPT_FDS + slot, fd + 1, 0) === fd + 1;
  }

  /** Called by the owner after the threads have ended: the fds that they have left open. */
  takeKeptFds(): number[] {
    const fds: number[] = [];
    for (let slot = 0; slot < MAX_KEPT_FDS; slot++) {
      const kept = Atomics.exchange(this.words, KEPT_FDS + slot, 0);
      if (kept !== 0) fds.push(kept - 1);
    }
    return fds;
  }

  // ---- Starting threads

  /** Called by a thread of the guest: returns the id of a new thread, which ask() makes the owner start, or -EAGAIN. */
  startThread(limit: number, ask: (tid: number) => void): number {
    return this.locked(START_LOCK, () => {
      if (Atomics.load(this.words, THREADS) >= limit) return -E.AGAIN;
      const tid = Atomics.add(this.words, NEXT_TID, 1) + 1;
      // The highest id is that of wasi-threads.
      if (tid >= 2 ** 29) return -E.AGAIN;
      Atomics.store(this.words, START_ANSWER, 0);
      ask(tid);
      while (Atomics.load(this.words, START_ANSWER) === 0) {
        if (this.ended) throw new GuestEnded();
        Atomics.wait(this.words, START_ANSWER, 0, LOOK_AGAIN_MS);
      }
      if (Atomics.load(this.words, START_ANSWER) < 0) return -E.AGAIN;
      Atomics.add(this.words, THREADS, 1);
      return tid;
    });
  }

  /** Called by the owner: answers ask(). */
  answerStart(started: boolean): void {
    Atomics.store(this.words, START_ANSWER, started ? 1 : -1);
    Atomics.notify(this.words, START_ANSWER);
  }

  /** Called by the owner: a thread has ended. */
  threadEnded(): void {
    Atomics.sub(this.words, THREADS, 1);
  }

  // ---- Sleeping

  /** Whether the guest has ended. */
  get ended(): boolean {
    return Atomics.load(this.words, ENDED) !== 0;
  }

  end(): void {
    Atomics.store(this.words, ENDED, 1);
    for (let i = 0; i < SLEEPERS; i++) this.wakeSleeper(i);
  }

  /** Call this before examining what is waited for, and pass its result to sleep(). */
  prepareSleep(): number {
    return Atomics.load(this.words, SLEEPER_WORDS + this.self);
  }

  /** Adds this thread to the sleepers in a mask of two words. */
  watch(mask: number): void {
    const word = mask + (this.self >> 5);
    const bit = 1 << (this.self & 31);
    if (!(Atomics.load(this.words, word) & bit)) Atomics.or(this.words, word, bit);
  }

  /**
   * Sleeps until something that this thread watches wakes it up, for at most ms. Pairs with wake(): either that finds this
   * thread's bit, or this thread has seen the change that came before.
   */
  sleep(seen: number, ms = Infinity): void {
    if (this.ended) throw new GuestEnded();
    if (!this.mayWait) fail(E.AGAIN);
    Atomics.wait(this.words, SLEEPER_WORDS + this.self, seen, ms);
    if (this.ended) throw new GuestEnded();
  }

  /** Waits for a word of another memory to change, for at most ms. */
  waitAgain(words: Int32Array, word: number, value: number, ms: number): void {
    if (this.ended) throw new GuestEnded();
    Atomics.wait(words, word, value, ms);
  }

  private wakeSleeper(sleeper: number): void {
    Atomics.add(this.words, SLEEPER_WORDS + sleeper, 1);
    Atomics.notify(this.words, SLEEPER_WORDS + sleeper);
  }

  /** Removes all sleepers from the mask and wakes them up. */
  wake(mask: number): void {
    for (let i = 0; i < 2; i++) {
      if (Atomics.load(this.words, mask + i) === 0) continue;
      let bits = Atomics.exchange(this.words, mask + i, 0) >>> 0;
      for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0) this.wakeSleeper(32 * i + 31 - Math.clz32(bits & -bits));
    }
  }

  /** Tells the loops of this thread's module that some of the events may be true of fd. Set for programs that contain the event loop. */
  onReady: ((fd: number, events: number) => void) | undefined;
  /** The fds of a ring. Set by the table of fds. */
  fdsOf: ((ring: number) => number[]) | undefined;

  // ---- The owner's attention

  /** The word that the owner waits on, asynchronously. */
  readonly ownerWord = SLEEPER_WORDS + OWNER;

  attend(ring: number): void {
    const bit = 1 << (ring & 31);
    if (!(Atomics.or(this.words, ATTENTION + (ring >> 5), bit) & bit)) this.wakeSleeper(OWNER);
  }

  /** Called by the owner: returns the rings that it has to examine, and clears their bits. */
  takeAttention(): number[] {
    const rings: number[] = [];
    for (let i = 0; i < ATTENTION_WORDS; i++) {
      if (Atomics.load(this.words, ATTENTION + i) === 0) continue;
      let bits = Atomics.exchange(this.words, ATTENTION + i, 0) >>> 0;
      for (; bits !== 0; bits = (bits & (bits - 1)) >>> 0) rings.push(32 * i + 31 - Math.clz32(bits & -bits));
    }
    return rings;
  }
}
