// SPDX-License-Identifier: MIT
import { MAX_RINGS, ringAt, ringData, ringRange, type Shared } from './shared.js';

// The words of a ring.
const USED = 0;          // how many ends somebody holds
const HEAD = 1;          // bytes ever written, modulo 2^32: the writer's
const TAIL = 2;          // bytes ever read: the reader's
const FLAGS = 3;
const ERROR = 4;         // an errno for the reader, once the bytes are read
const OWNER_END = 5;     // which end the owner has
const DEMAND = 6;        // the guest wants bytes: the owner may read some
const READERS = 8;       // who waits for bytes (2 words)
const WRITERS = 10;      // who waits for room (2 words)
const FEEDER_WAITS = 12; // the owner is to be told when there is room
const WRITER_COUNT = 13; // descriptors of the guest that write to it
const WRITE_LOCK = 14;
const READ_LOCK = 15;
// 1 + the fd that loops watch for reading and for writing
const READ_FD = 16;
const WRITE_FD = 17;

const WRITER_GONE = 1;
const READER_GONE = 2;

/** As many bytes are written in one piece: PIPE_BUF of limits.h. */
export const PIPE_BUF = 4096;

export const OwnerEnd = { none: 0, writer: 1, reader: 2 } as const;
export type OwnerEnd = (typeof OwnerEnd)[keyof typeof OwnerEnd];

/**
 * Bytes from one end to the other, in shared memory. The two ends need no lock;
 * the threads that share one take turns (writing, reading).
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

  /** A new ring with both ends open; undefined if there is none left. */
  static allocate(shared: Shared, large: boolean, ownerEnd: OwnerEnd): Ring | undefined {
    const [first, end] = ringRange(large);
    for (let index = first; index < end; index++) {
      const at = ringAt(index);
      if (Atomics.compareExchange(shared.words, at + USED, 0, 2) !== 0) continue;
      for (let word = HEAD; word <= WRITE_FD; word++) Atomics.store(shared.words, at + word, 0);
      Atomics.store(shared.words, at + OWNER_END, ownerEnd);
      Atomics.store(shared.words, at + WRITER_COUNT, 1);
      return new Ring(shared, index);
    }
    return undefined;
  }

  private get(word: number): number {
    return Atomics.load(this.shared.words, this.at + word);
  }

  /** Bytes to read. */
  get length(): number {
    return (this.get(HEAD) - this.get(TAIL)) >>> 0;
  }

  /** Bytes that may be written. */
  get room(): number {
    return this.size - this.length;
  }

  /** As Linux's pipes are: any write of up to PIPE_BUF bytes would be taken now. */
  get writable(): boolean {
    return this.room >= PIPE_BUF;
  }

  get writerGone(): boolean {
    return (this.get(FLAGS) & WRITER_GONE) !== 0;
  }

  get readerGone(): boolean {
    return (this.get(FLAGS) & READER_GONE) !== 0;
  }

  /** What the writer ended with: 0, or an errno. */
  get error(): number {
    return this.get(ERROR);
  }

  /** The masks of those who sleep. */
  get readers(): number {
    return this.at + READERS;
  }

  get writers(): number {
    return this.at + WRITERS;
  }

  // ---- Writing

  /** One thread of the guest at a time writes. */
  writing<T>(work: () => T): T {
    return this.shared.locked(this.at + WRITE_LOCK, work);
  }

  /** One more descriptor writes to it. */
  addWriter(): void {
    Atomics.add(this.shared.words, this.at + WRITER_COUNT, 1);
    Atomics.add(this.shared.words, this.at + USED, 1);
  }

  /** A descriptor is closed: no more bytes come if it was the last. */
  closeWriter(): void {
    if (Atomics.sub(this.shared.words, this.at + WRITER_COUNT, 1) === 1) this.endWriting();
    this.drop();
  }

  /** Takes as much as there is room for; the bytes taken. */
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

  /** No more bytes will come. With an errno: the reader gets that in the end. */
  endWriting(errno = 0): void {
    if (errno !== 0) Atomics.store(this.shared.words, this.at + ERROR, errno);
    if (Atomics.or(this.shared.words, this.at + FLAGS, WRITER_GONE) & WRITER_GONE) return;
    this.wakeReader();
  }

  private wakeReader(): void {
    this.shared.wake(this.readers);
    this.tell(READ_FD);
    if (this.get(OWNER_END) === OwnerEnd.reader) this.shared.attend(this.index);
  }

  // ---- Reading

  /** One thread of the guest at a time reads. */
  reading<T>(work: () => T): T {
    return this.shared.locked(this.at + READ_LOCK, work);
  }

  closeReader(): void {
    this.endReading();
    this.drop();
  }

  /** The bytes to read that lie together, as they are in shared memory. */
  peek(): Uint8Array {
    const tail = this.get(TAIL) >>> 0;
    const offset = tail % this.size;
    return this.shared.bytes.subarray(this.start + offset, this.start + offset + Math.min(this.length, this.size - offset));
  }

  /** The first bytes have been read, and their room is free. */
  consume(count: number): void {
    if (count === 0) return;
    Atomics.store(this.shared.words, this.at + TAIL, (this.get(TAIL) + count) | 0);
    this.wakeWriter();
  }

  /** Copies what there is, as far as it fits; leaves it there if `keep`. */
  read(into: Uint8Array, keep = false): number {
    const count = Math.min(into.length, this.length);
    const offset = (this.get(TAIL) >>> 0) % this.size;
    const first = Math.min(count, this.size - offset);
    into.set(this.shared.bytes.subarray(this.start + offset, this.start + offset + first));
    if (first < count) into.set(this.shared.bytes.subarray(this.start, this.start + count - first), first);
    if (!keep) this.consume(count);
    return count;
  }

  /** Nobody will read any more. */
  endReading(): void {
    if (Atomics.or(this.shared.words, this.at + FLAGS, READER_GONE) & READER_GONE) return;
    this.wakeWriter();
  }

  private wakeWriter(): void {
    this.shared.wake(this.writers);
    this.tell(WRITE_FD);
    if (this.get(FEEDER_WAITS) === 0) return;
    if (Atomics.exchange(this.shared.words, this.at + FEEDER_WAITS, 0) !== 0) this.shared.attend(this.index);
  }

  /** Owner: to be told when there is room, or nobody reads any more. Pairs with
   * wakeWriter: look at both after this. */
  awaitRoom(): void {
    Atomics.store(this.shared.words, this.at + FEEDER_WAITS, 1);
  }

  // ---- Loops

  /** From now on the loops of the guest hear of this end by that fd. Pairs with tell():
   * whoever changes the ring sees it, or the loop, which looks after this, the change. */
  watchReading(fd: number): void {
    Atomics.store(this.shared.words, this.at + READ_FD, fd + 1);
  }

  watchWriting(fd: number): void {
    Atomics.store(this.shared.words, this.at + WRITE_FD, fd + 1);
  }

  private tell(word: number): void {
    const fd = this.get(word);
    if (fd !== 0) this.shared.onReady?.(fd - 1);
  }

  // ---- Demand: a host stream is read only when the guest wants its bytes

  /** Guest: bytes are wanted. */
  demand(): void {
    if (this.get(OWNER_END) !== OwnerEnd.writer || this.get(DEMAND) !== 0) return;
    if (Atomics.exchange(this.shared.words, this.at + DEMAND, 1) === 0) this.shared.attend(this.index);
  }

  /** Owner: whether they are; from now on only if wanted again. */
  takeDemand(): boolean {
    return Atomics.exchange(this.shared.words, this.at + DEMAND, 0) !== 0;
  }

  get ownerEnd(): number {
    return this.get(OWNER_END);
  }

  /** Nobody ever got an end of it. */
  free(): void {
    Atomics.store(this.shared.words, this.at + USED, 0);
  }

  /** The holder of an end has no use for it any more; the ring is free after both. */
  drop(): void {
    Atomics.sub(this.shared.words, this.at + USED, 1);
  }
}
