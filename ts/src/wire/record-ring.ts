// SPDX-License-Identifier: MIT
/**
 * A ring of records in shared memory, with one thread that writes and one that reads. The words of its header are those
 * of CallRing in wasm/runtime/runtime.h.
 */

/** Words of the header, in 32-bit units. Writer and reader have a cache line each; the reader seldom writes to the writer's. */
const Word = {
  /** The position after the last record. Its writer alone changes it. */
  tail: 0,
  /** Whether the reader waits for an answer in the ring: Waiter. Changed by both. */
  waiter: 1,
  /** Not 0: the writer has ended, in the ordinary way (1) or not. */
  ended: 2,
  /** The address of the word on which the reader sleeps while it waits for an answer. Changed by the reader. */
  sleeper: 3,
  /** The position of the first record that was not taken yet. Its reader alone changes it. */
  head: 16,
  /** The tail as it was before the reader's loop began its latest iteration: what may be taken after it. */
  due: 17,
  /** Not 0: the reader has something to take that is not in the ring. */
  beside: 18,
  /** A random number that messages beside the ring bear, too: no other message is taken for one of them. */
  key: 19,
  /** The address of another ring that leads to the same thread, or 0. */
  next: 20,
} as const;

/** RingWaiter in wasm/runtime/runtime.h. */
const Waiter = { nobody: 0, awaits: 1, sleeps: 2 } as const;

/** The first word of a record's content, if its writer may revoke the record until it is taken, and after it was revoked. */
export const Revocable = { open: 6, revoked: 7 } as const;
/** In place of Revocable.open, when such a record is taken. */
const TAKEN = 0;

const HEADER = 128;
/** In place of a record's length: the rest of the ring, up to its end, is empty. */
const SKIP = -1;
/** Bytes of a record before its content: the content's length, and the record's number. */
const PREFIX = 8;

/** The bytes that a ring takes for records of `size` bytes in all; size is a power of two. */
export const ringBytes = (size: number): number => HEADER + size;

/** A ring of `size` bytes at an address that is a multiple of 64; its memory is zeroed before its first use. */
class Ring {
  protected readonly header: Int32Array;
  /** The records, whose content begins at a multiple of 8 bytes. */
  protected readonly words: Int32Array;
  protected readonly bytes: Uint8Array;

  constructor(protected readonly memory: ArrayBufferLike, at: number, protected readonly size: number) {
    this.header = new Int32Array(memory, at, HEADER / 4);
    this.words = new Int32Array(memory, at + HEADER, size / 4);
    this.bytes = new Uint8Array(memory, at + HEADER, size);
  }

  get key(): number {
    return this.header[Word.key] as number;
  }

  set key(key: number) {
    this.header[Word.key] = key;
  }
}

/** Contents of up to so many bytes are copied word by word, which is cheaper than to make a view of them. */
const SHORT = 256;

/** The side that writes. */
export class RingWriter extends Ring {
  private tail = 0;
  /** The reader's position when it was last looked at; what it has freed since then is seen when the ring looks full. */
  private head = 0;
  /** The bytes that were ever written, and where the last record begins among them: positions that never come again. */
  private written = 0;
  private last = 0;

  /** Where the last record is, for revoke(). */
  get place(): number {
    return this.last;
  }

  /** Writes a record, whose content are the first `length` bytes. Returns false, and writes nothing, if it has no room. */
  push(number: number, from: Int32Array, content: Uint8Array, length: number): boolean {
    const { size, words } = this;
    const needed = (PREFIX + length + 7) & ~7;
    let at = this.tail & (size - 1);
    // A record is not split: it may have to begin anew at the start.
    const skipped = size - at < needed ? size - at : 0;
    const tail = (this.tail + skipped + needed) >>> 0;
    if (needed > size / 2) return false;
    if (((tail - this.head) >>> 0) > size) {
      this.head = Atomics.load(this.header, Word.head) >>> 0;
      if (((tail - this.head) >>> 0) > size) return false;
    }
    if (skipped) {
      words[at >> 2] = SKIP;
      at = 0;
    }
    const first = at >> 2;
    words[first] = length;
    words[first + 1] = number;
    if (length > SHORT) this.bytes.set(content.subarray(0, length), at + PREFIX);
    else for (let n = 0, to = first + 2; n < length; n += 4) words[to++] = from[n >> 2] as number;
    this.last = this.written + skipped;
    this.written = this.last + needed;
    this.tail = tail;
    // Publishes the record: the reader loads the tail before it looks at what lies below it.
    Atomics.store(this.header, Word.tail, tail);
    if (Atomics.load(this.header, Word.waiter) === Waiter.sleeps) this.rouse();
    return true;
  }

  /** Whether the reader waits for an answer, and so takes all that is in the ring as soon as there is something. */
  get isAwaited(): boolean {
    return Atomics.load(this.header, Word.waiter) !== Waiter.nobody;
  }

  /** Tells a reader that waits for an answer that there will be none. */
  end(how: number): void {
    Atomics.store(this.header, Word.ended, how);
    this.rouse();
  }

  private rouse(): void {
    Atomics.store(this.header, Word.waiter, Waiter.awaits);
    // Nobody has ever slept if there is no word.
    const sleeper = Atomics.load(this.header, Word.sleeper);
    if (sleeper === 0) return;
    const word = new Int32Array(this.memory, sleeper, 1);
    Atomics.add(word, 0, 1);
    Atomics.notify(word, 0);
  }

  /** Revokes a record that was written as Revocable.open. Returns false if the reader has taken it. */
  revoke(place: number): boolean {
    // Other records are where it was.
    if (this.written - place > this.size) return false;
    const first = (place % this.size + PREFIX) >> 2;
    // The reader exchanges the same word when it takes the record, so that exactly one of the two succeeds.
    return Atomics.compareExchange(this.words, first, Revocable.open, Revocable.revoked) === Revocable.open;
  }
}

/** The side that reads. */
export class RingReader extends Ring {
  private head = 0;

  /** Remembers what has been published by now: see due. */
  mark(): void {
    this.header[Word.due] = Atomics.load(this.header, Word.tail);
  }

  /** The position up to which records may be taken, by mark() or by the loop in WebAssembly. */
  get due(): number {
    return (this.header[Word.due] as number) >>> 0;
  }

  /** The position after the last record that was published. */
  get end(): number {
    return Atomics.load(this.header, Word.tail) >>> 0;
  }

  /** Tells the loop in WebAssembly that there is something to take beside the ring. */
  set beside(is: boolean) {
    this.header[Word.beside] = Number(is);
  }

  /** The position of the first record that was not taken yet. */
  get position(): number {
    return this.head;
  }

  /** How the writer has ended; 0: it has not. */
  get ended(): number {
    return Atomics.load(this.header, Word.ended);
  }

  /** Sets whether this side waits for an answer. */
  set awaits(does: boolean) {
    Atomics.store(this.header, Word.waiter, does ? Waiter.awaits : Waiter.nobody);
  }

  /** What was published is not due before the loop has marked it: records were taken out of turn. */
  unmark(): void {
    this.header[Word.due] = this.head;
  }

  /** Inserts a ring at an address behind this one in the list that the loop in WebAssembly looks at. */
  link(other: RingReader, at: number): void {
    other.header[Word.next] = this.header[Word.next] as number;
    this.header[Word.next] = at;
  }

  /** Removes the ring at an address from the list that begins here. */
  unlink(at: number, ringAt: (at: number) => RingReader): void {
    for (let ring: RingReader = this; ;) {
      const next = ring.header[Word.next] as number;
      if (next === 0) return;
      const following = ringAt(next);
      if (next === at) {
        ring.header[Word.next] = following.header[Word.next] as number;
        return;
      }
      ring = following;
    }
  }

  /** The number of the next record before a position. */
  next(before: number): number | undefined {
    if (this.head === before) return undefined;
    const at = (this.head & (this.size - 1)) >> 2;
    if (this.words[at] !== SKIP) return this.words[at + 1];
    this.head = (this.head + this.size - (at << 2)) >>> 0;
    return this.words[1];
  }

  /** Copies the content of the record that next() has found, and frees its place. Returns the content's length. */
  take(to: Int32Array, content: Uint8Array): number {
    const { words } = this;
    const at = this.head & (this.size - 1);
    const first = at >> 2;
    const length = words[first] as number;
    if (length > SHORT) content.set(this.bytes.subarray(at + PREFIX, at + PREFIX + length));
    else for (let n = 0, from = first + 2; n < length; n += 4) to[n >> 2] = words[from++] as number;
    if (to[0] === Revocable.open) to[0] = Atomics.compareExchange(words, first + 2, Revocable.open, TAKEN);
    this.head = (this.head + ((PREFIX + length + 7) & ~7)) >>> 0;
    Atomics.store(this.header, Word.head, this.head);
    return length;
  }
}
