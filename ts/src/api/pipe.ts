// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { isBytes, isInteger } from '../check.js';
import { AioError, closedError } from '../errors.js';
import { showAs } from '../face.js';
import { makeHandle, closeSlot, makeSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import { Notifier } from './notifier.js';
import type { Registration } from './registration.js';

// The words of a pipe; its bytes begin at DATA, a cache line further.
const HEAD = 0;      // bytes ever written, modulo 2^32: the writer's
const ENDED = 1;     // no more will come
const WAITS = 2;     // the writer is to hear of room
const CAPACITY = 3;
const TAIL = 8;      // bytes ever read: the reader's, half a cache line away
const WORDS = 16;
const DATA = 64;

const MAX_CAPACITY = 1 << 30;
/** @internal */
export const isCapacity = isInteger(1, MAX_CAPACITY);
const isLimit = isInteger(0, Infinity);

/**
 * Bytes from one thread to another, through a ring in the shared memory: at a time one
 * thread writes and one reads, each without waiting for the other. Nobody is woken unless
 * the reader had seen all, or the writer found it full.
 */
export class Pipe {
  #words: Int32Array | undefined;

  readonly #thread: HomeThread;
  readonly name: string;
  readonly #slot: Slot;
  /** @internal */ readonly readable: Notifier;
  /** @internal */ readonly writable: Notifier;
  readonly #registration: Registration | undefined;

  private constructor(thread: HomeThread, name: string, slot: Slot, readable: Notifier, writable: Notifier, registration?: Registration) {
    this.#thread = thread;
    this.name = name;
    this.#slot = slot;
    this.readable = readable;
    this.writable = writable;
    this.#registration = registration;
  }

  /** @internal */
  static make(context: LoopContext, name: string, capacity = 65536): Pipe {
    const { thread } = context;
    const size = 2 ** Math.ceil(Math.log2(capacity));
    const slot = makeSlot(thread, 'pipe', name, (text) => thread.instance.exports.rt_memory_new(text, DATA + size));
    let readable: Notifier | undefined, writable;
    try {
      readable = Notifier.make(context, `${name} (readable)`);
      writable = Notifier.make(context, `${name} (writable)`);
    } catch (error) {
      readable?.close();
      closeSlot(thread, slot);
      throw error;
    }
    const pipe: Pipe = new this(thread, name, slot, readable, writable, context.register(() => pipe.close(), false));
    pipe.#using((words) => Atomics.store(words, CAPACITY, size));
    return pipe;
  }

  /** @internal */
  static of(thread: HomeThread, handle: Handle): Pipe {
    const [slot, readable, writable] = handle.slots as [Slot, Slot, Slot];
    const notifier = (of: Slot, what: string): Notifier =>
      Notifier.of(thread, makeHandle('notifier', `${handle.name} (${what})`, [of]));
    return new this(thread, handle.name, slot, notifier(readable, 'readable'), notifier(writable, 'writable'));
  }

  /** Its memory cannot be freed during work. */
  #using<T>(work: (words: Int32Array, data: number) => T): T {
    const { exports, memory } = this.#thread.instance;
    const { number, generation } = this.#slot;
    return this.#thread.run(() => {
      const at = exports.rt_handle_enter(number, generation);
      if (at === 0) throw closedError(`pipe '${this.name}'`);
      try {
        this.#words ??= new Int32Array(memory.memory.buffer, at, WORDS);
        return work(this.#words, at + DATA);
      } finally {
        exports.rt_handle_leave(number);
      }
    });
  }

  /** Bytes to read. */
  get length(): number {
    return this.#using((words) => used(words));
  }

  /** Bytes that it holds at most. */
  get capacity(): number {
    return this.#using((words) => Atomics.load(words, CAPACITY));
  }

  /** Whether the writer has said that no more bytes come. */
  get ended(): boolean {
    return this.#using((words) => Atomics.load(words, ENDED) !== 0);
  }

  /**
   * Takes as many of the bytes as there is room for, and says how many: fewer than all
   * when it is full (AioContext.onWritable, drain). Wait-free.
   * @throws AioError ERR_AIO_CLOSED, also after end()
   */
  write(bytes: Uint8Array): number {
    isBytes('bytes', bytes);
    const { memory } = this.#thread.instance;
    const [count, asleep] = this.#using((words, data) => {
      if (Atomics.load(words, ENDED) !== 0) throw new AioError('ERR_AIO_CLOSED', `pipe '${this.name}' was ended`);
      const size = Atomics.load(words, CAPACITY);
      const head = Atomics.load(words, HEAD);
      let room = size - used(words);
      if (room < bytes.length) {
        // Pairs with consume(): it sees this, or we the room that it made.
        Atomics.store(words, WAITS, 1);
        room = size - used(words);
      }
      const taken = Math.min(bytes.length, room);
      if (taken === 0) return [0, false];
      const offset = (head >>> 0) % size;
      const first = Math.min(taken, size - offset);
      memory.bytes.set(bytes.subarray(0, first), data + offset);
      if (first < taken) memory.bytes.set(bytes.subarray(first, taken), data);
      Atomics.store(words, HEAD, (head + taken) | 0);
      // A reader that had not seen all before looks again by itself, after it has
      // stored TAIL.
      return [taken, Atomics.load(words, TAIL) === head];
    });
    if (asleep) this.readable.set();
    return count;
  }

  /** No more bytes will come; the reader gets those that are left. Idempotent. */
  end(): void {
    this.#using((words) => Atomics.store(words, ENDED, 1));
    this.readable.set();
  }

  /**
   * Returns a copy of the bytes that are there, at most `limit` of them. It is empty if there are
   * none now or, once the pipe has ended, if no more will come. Wait-free.
   * @throws AioError ERR_AIO_CLOSED
   */
  read(limit = Infinity): Uint8Array<ArrayBuffer> {
    if (limit !== Infinity) isLimit('limit', limit);
    const { memory } = this.#thread.instance;
    const [bytes, full] = this.#using((words, data) => {
      const size = Atomics.load(words, CAPACITY);
      const tail = Atomics.load(words, TAIL);
      const count = Math.min(used(words), limit);
      const copy = new Uint8Array(count);
      if (count === 0) return [copy, false];
      const offset = (tail >>> 0) % size;
      const first = Math.min(count, size - offset);
      copy.set(memory.bytes.subarray(data + offset, data + offset + first));
      if (first < count) copy.set(memory.bytes.subarray(data, data + count - first), first);
      Atomics.store(words, TAIL, (tail + count) | 0);
      return [copy, Atomics.load(words, WAITS) !== 0 && Atomics.exchange(words, WAITS, 0) !== 0];
    });
    if (full) this.writable.set();
    return bytes;
  }

  /** A handler is called again while there are bytes. @internal */
  stayReadable(): void {
    try {
      if (this.length > 0) this.readable.set();
    } catch (error) {
      // The handler has closed it.
      if ((error as { code?: unknown }).code !== 'ERR_AIO_CLOSED') throw error;
    }
  }

  /**
   * Resolves when there is room.
   * @throws AioError ERR_AIO_CLOSED; the signal's reason
   */
  async drain(options: WaitOptions = {}): Promise<void> {
    const signal = signalOf(options);
    const full = (): boolean => this.#using((words) => {
      if (used(words) < Atomics.load(words, CAPACITY)) return false;
      Atomics.store(words, WAITS, 1);
      // As in write().
      return used(words) === Atomics.load(words, CAPACITY);
    });
    while (full()) await this.writable.wait(signal ? { signal } : {});
  }

  /** The bytes in pieces, as they come, until it ends. Each is a copy. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    for (;;) {
      // In this order: what was written before the end is read.
      const { ended } = this;
      const bytes = this.read();
      if (bytes.length > 0) yield bytes;
      else if (ended) return;
      else await this.readable.wait();
    }
  }

  /** What stands for it in a message to another thread. */
  toHandle(): Handle {
    return makeHandle('pipe', this.name, [this.#slot, this.readable.slot, this.writable.slot]);
  }

  /** Frees it; bytes that were not read are lost, and whoever waits for some hears that it
   * is closed. Any thread. Idempotent. */
  close(): void {
    this.#registration?.end();
    closeSlot(this.#thread, this.#slot);
    this.readable.close();
    this.writable.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
showAs('Pipe', Pipe, ['name', 'length', 'capacity', 'ended']);

function used(words: Int32Array): number {
  return (Atomics.load(words, HEAD) - Atomics.load(words, TAIL)) >>> 0;
}
