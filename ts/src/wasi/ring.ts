// SPDX-License-Identifier: MIT
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from '../runtime/system.js';
import { MAX_RINGS, ringAt, ringData, ringRange, type Shared } from './shared.js';

// The words of a ring.
const USED = 0;          // how many ends are in use
const HEAD = 1;          // bytes written so far, modulo 2^32; the writer stores it
const TAIL = 2;          // bytes read so far, modulo 2^32; the reader stores it
const FLAGS = 3;
const ERROR = 4;         // an errno for the reader, once the bytes are read
const OWNER_END = 5;     // which end the owner has
const DEMAND = 6;        // one of Demand
const BYPASS = 7;        // 1: the owner has no bytes of the stream, so the guest may read its pipe itself
const READERS = 8;       // the mask of sleepers that wait for bytes (2 words)
const WRITERS = 10;      // the mask of sleepers that wait for room (2 words)
const FEEDER_WAITS = 12; // 1: the owner waits for room, and has to be notified of it
const WRITER_COUNT = 13; // the number of descriptors of the guest that write to it
const WRITE_LOCK = 14;
const READ_LOCK = 15;
// 1 + the fd by which loops watch this ring for reading and for writing; SEVERAL: there are several
const READ_FD = 16;
const WRITE_FD = 17;
// 1 + the object of the socket for which the owner has something to do: see net.ts
const REQUEST = 18;

const SEVERAL = -1;

/** Who reads a stream that is read on demand. Only one at a time does, so that its bytes keep their order. */
const Demand = {
  none: 0,
  /** The guest wants bytes from the owner. */
  made: 1,
  /** The owner reads some. */
  taken: 2,
  /** A thread of the guest reads the stream's pipe itself. */
  bypass: 3,
  /** It does, and meanwhile another thread has asked for bytes. */
  bypassAndMade: 4,
} as const;

const WRITER_GONE = 1;
const READER_GONE = 2;

/** What may be true of an end when the other one has ended. */
const ENDED = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP;

/** Up to this many bytes are written in one piece: PIPE_BUF of limits.h. */
export const PIPE_BUF = 4096;

export const OwnerEnd = { none: 0, writer: 1, reader: 2 } as const;
export type OwnerEnd = (typeof OwnerEnd)[keyof typeof OwnerEnd];

/**
 * A ring in shared memory that carries bytes from a writing end to a reading end. The two ends need no lock between
 * them; threads that share an end take turns (writing(), reading()).
 */
export class Ring {
  private readonly at: number;
  private readonly start: number;
  readonly size: number;

  constructor(private readonly shared: Shared, readonly index: number) {
    if (index < 0 || index >= MAX_RINGS) throw new RangeError(`no ring ${index}`);
    this.at = ringAt(index);
    ({ start: this.start, size: this.size } = ringData(index));
  }

  /** Allocates a ring with both ends open; undefined if none is left. */
  static allocate(shared: Shared, large: boolean, ownerEnd: OwnerEnd): Ring | undefined {
    const [first, end] = ringRange(large);
    for (let index = first; index < end; index++) {
      const at = ringAt(index);
      if (Atomics.compareExchange(shared.words, at + USED, 0, 2) !== 0) continue;
      for (let word = HEAD; word <= REQUEST; word++) Atomics.store(shared.words, at + word, 0);
      Atomics.store(shared.words, at + OWNER_END, ownerEnd);
      Atomics.store(shared.words, at + WRITER_COUNT, 1);
      return new Ring(shared, index);
    }
    return undefined;
  }

  private get(word: number): number {
    return Atomics.load(this.shared.words, this.at + word);
  }

  /** The number of bytes that can be read. */
  get length(): number {
    return (this.get(HEAD) - this.get(TAIL)) >>> 0;
  }

  /** The number of bytes that can be written. */
  get room(): number {
    return this.size - this.length;
  }

  /** Whether any write of up to PIPE_BUF bytes would be accepted now, which is when Linux calls a pipe writable. */
  get writable(): boolean {
    return this.room >= PIPE_BUF;
  }

  get writerGone(): boolean {
    return (this.get(FLAGS) & WRITER_GONE) !== 0;
  }

  get readerGone(): boolean {
    return (this.get(FLAGS) & READER_GONE) !== 0;
  }

  /** The errno with which the writer has ended; 0 if none. */
  get error(): number {
    return this.get(ERROR);
  }

  /** The addresses of the masks of sleeping readers and writers. */
  get readers(): number {
    return this.at + READERS;
  }

  get writers(): number {
    return this.at + WRITERS;
  }

  // ---- Writing

  /** Calls work() while no other thread of the guest writes. */
  writing<T>(work: () => T): T {
    return this.shared.locked(this.at + WRITE_LOCK, work);
  }

  /** One more descriptor writes to the ring. */
  addWriter(): void {
    Atomics.add(this.shared.words, this.at + WRITER_COUNT, 1);
    Atomics.add(this.shared.words, this.at + USED, 1);
  }

  /** A descriptor that writes to the ring was closed. If it was the last one, no more bytes will come. */
  closeWriter(): void {
    if (Atomics.sub(this.shared.words, this.at + WRITER_COUNT, 1) === 1) this.endWriting();
    this.drop();
  }

  /** Writes as many bytes as there is room for, and returns their number. */
  write(from: Uint8Array): number {
    const head = this.get(HEAD);
    const count = Math.min(from.length, this.room);
    if (count === 0) return 0;
    const offset = (head >>> 0) % this.size;
    const first = Math.min(count, this.size - offset);
    this.shared.bytes.set(from.subarray(0, first), this.start + offset);
    if (first < count) this.shared.bytes.set(from.subarray(first, count), this.start);
    Atomics.store(this.shared.words, this.at + HEAD, (head + count) | 0);
    this.wakeReader();
    return count;
  }

  /** No more bytes will come. The reader gets the errno, if there is one, after all bytes. */
  endWriting(errno = 0): void {
    if (errno !== 0) Atomics.store(this.shared.words, this.at + ERROR, errno);
    if (Atomics.or(this.shared.words, this.at + FLAGS, WRITER_GONE) & WRITER_GONE) return;
    this.wakeReader(ENDED);
  }

  private wakeReader(events = POLLIN): void {
    this.shared.wake(this.readers);
    this.tell(READ_FD, events);
    if (this.get(OWNER_END) === OwnerEnd.reader) this.shared.attend(this.index);
  }

  // ---- Reading

  /** Calls work() while no other thread of the guest reads. */
  reading<T>(work: () => T): T {
    return this.shared.locked(this.at + READ_LOCK, work);
  }

  closeReader(): void {
    this.endReading();
    this.drop();
  }

  /** The contiguous part of the bytes that can be read, as a view of the shared memory. */
  peek(): Uint8Array {
    const tail = this.get(TAIL) >>> 0;
    const offset = tail % this.size;
    return this.shared.bytes.subarray(this.start + offset, this.start + offset + Math.min(this.length, this.size - offset));
  }

  /** Frees the room of the first `count` bytes, which have been read. */
  consume(count: number): void {
    if (count === 0) return;
    Atomics.store(this.shared.words, this.at + TAIL, (this.get(TAIL) + count) | 0);
    this.wakeWriter();
  }

  /** Copies as many bytes as fit, and leaves them in the ring if `keep`. */
  read(into: Uint8Array, keep = false): number {
    const count = Math.min(into.length, this.length);
    const offset = (this.get(TAIL) >>> 0) % this.size;
    const first = Math.min(count, this.size - offset);
    into.set(this.shared.bytes.subarray(this.start + offset, this.start + offset + first));
    if (first < count) into.set(this.shared.bytes.subarray(this.start, this.start + count - first), first);
    if (!keep) this.consume(count);
    return count;
  }

  /** No more bytes will be read. */
  endReading(): void {
    if (Atomics.or(this.shared.words, this.at + FLAGS, READER_GONE) & READER_GONE) return;
    this.wakeWriter(ENDED);
  }

  private wakeWriter(events = POLLOUT): void {
    this.shared.wake(this.writers);
    this.tell(WRITE_FD, events);
    if (this.get(FEEDER_WAITS) === 0) return;
    if (Atomics.exchange(this.shared.words, this.at + FEEDER_WAITS, 0) !== 0) this.shared.attend(this.index);
  }

  /**
   * Called by the owner, to be told when there is room or the reader has closed its end. Pairs with wakeWriter():
   * examine both after this call.
   */
  awaitRoom(): void {
    Atomics.store(this.shared.words, this.at + FEEDER_WAITS, 1);
  }

  // ---- Loops

  /**
   * From now on the guest's loops are told of changes of this end, by that fd. Pairs with tell(): either the thread
   * that changes the ring sees the fd, or the loop, which examines the ring after this call, sees the change.
   */
  watchReading(fd: number): void {
    this.addWatched(READ_FD, fd);
  }

  watchWriting(fd: number): void {
    this.addWatched(WRITE_FD, fd);
  }

  private addWatched(word: number, fd: number): void {
    const before = Atomics.compareExchange(this.shared.words, this.at + word, 0, fd + 1);
    if (before !== 0 && before !== fd + 1) Atomics.store(this.shared.words, this.at + word, SEVERAL);
  }

  private tell(word: number, events: number): void {
    const fd = this.get(word);
    if (fd === 0 || !this.shared.onReady) return;
    if (fd !== SEVERAL) return this.shared.onReady(fd - 1, events);
    for (const one of this.shared.fdsOf?.(this.index) ?? []) this.shared.onReady(one, events);
  }

  // ---- Demand: a host stream is read only when the guest wants its bytes

  /** Called by the guest: it wants bytes. */
  demand(): void {
    if (this.get(OWNER_END) !== OwnerEnd.writer) return;
    if (this.demandFrom(Demand.none, Demand.made)) return this.shared.attend(this.index);
    // If the thread that reads the pipe itself has just finished, demand() is called again: see mustDemand.
    this.demandFrom(Demand.bypass, Demand.bypassAndMade);
  }

  private demandFrom(from: number, to: number): boolean {
    return this.get(DEMAND) === from && Atomics.compareExchange(this.shared.words, this.at + DEMAND, from, to) === from;
  }

  /** Called by the guest inside reading(): whether it may read the pipe of this stream itself now, and has to call endBypass() afterwards. */
  beginBypass(): boolean {
    return this.get(BYPASS) !== 0 && this.length === 0 && this.demandFrom(Demand.none, Demand.bypass);
  }

  endBypass(): void {
    if (this.demandFrom(Demand.bypass, Demand.none)) return;
    Atomics.store(this.shared.words, this.at + DEMAND, Demand.made);
    this.shared.attend(this.index);
  }

  /** Whether bytes have to be demanded, because the demand was met and somebody else has read them. */
  get mustDemand(): boolean {
    return this.get(OWNER_END) === OwnerEnd.writer && this.get(DEMAND) === Demand.none;
  }

  /** Called by the owner: whether the guest wants bytes. If so, the owner reads some. */
  takeDemand(): boolean {
    return this.demandFrom(Demand.made, Demand.taken);
  }

  /**
   * Called by the owner when the bytes that were demanded are in the ring: others have to be demanded again. bypass: until then, the
   * guest may read the stream's pipe itself.
   */
  metDemand(bypass: boolean): void {
    Atomics.store(this.shared.words, this.at + BYPASS, bypass ? 1 : 0);
    Atomics.store(this.shared.words, this.at + DEMAND, Demand.none);
    // A thread that has found the ring empty again, because another one was quicker, sleeps without having demanded anything.
    this.wakeReader();
  }

  /** Called by the guest: asks the owner to do something for a socket that has this ring. */
  ask(object: number): void {
    Atomics.store(this.shared.words, this.at + REQUEST, object + 1);
    this.shared.attend(this.index);
  }

  /** Called by the owner: the object for which it was asked; -1: for none. */
  takeRequest(): number {
    return Atomics.exchange(this.shared.words, this.at + REQUEST, 0) - 1;
  }

  /** The state of the socket has changed: wakes everybody who waits for this ring. */
  changed(): void {
    this.wakeReader(ENDED);
    this.wakeWriter(ENDED);
  }

  get ownerEnd(): number {
    return this.get(OWNER_END);
  }

  /** Frees a ring whose ends nobody has got. */
  free(): void {
    Atomics.store(this.shared.words, this.at + USED, 0);
  }

  /** Gives up one end. The ring is free when both were given up. */
  drop(): void {
    Atomics.sub(this.shared.words, this.at + USED, 1);
  }
}
