// SPDX-License-Identifier: MIT
import { signalOf, type WaitOptions } from '../abort.js';
import { isBytes, isInteger } from '../check.js';
import { AioError, closedError, unlessClosed } from '../errors.js';
import { showAs } from '../face.js';
import { makeHandle, closeSlot, makeSlot, type Handle, type Slot } from './handle.js';
import type { HomeThread, LoopContext } from './home.js';
import { Notifier } from './notifier.js';
import type { Registration } from './registration.js';

// The words of a pipe; its bytes begin at DATA, a cache line further.
const HEAD = 0;      // bytes written so far, modulo 2^32; the writer stores it
const ENDED = 1;     // 1: the writer has ended the pipe
const WAITS = 2;     // 1: the writer waits for room, and is to be notified of it
const CAPACITY = 3;
const TAIL = 8;      // bytes read so far, modulo 2^32; the reader stores it, half a cache line away from HEAD
const WORDS = 16;
const DATA = 64;

const MAX_CAPACITY = 1 << 30;
/** @internal */
export const isCapacity = isInteger(1, MAX_CAPACITY);
const isLimit = isInteger(0, Infinity);

/**
 * Carries bytes from one thread to another through a ring in shared memory. At any time one thread may write and one
 * may read, without waiting for each other. A write wakes the reader up only if that had read everything, and a read
 * wakes the writer only if that had found the pipe full. {@link AioContext.pipe} creates one; in another thread
 * {@link AioContext.fromHandle} returns an object for it.
 */
export class Pipe {
  #words: Int32Array | undefined;

  readonly #thread: HomeThread;
  /** The pipe's name, for messages. */
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

  /** Calls work() with the pipe's words and the address of its bytes; the memory is not freed meanwhile. */
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

  /**
   * The number of bytes that can be read now. Any thread may read this.
   * @throws AioError ERR_AIO_CLOSED
   */
  get length(): number {
    return this.#using((words) => used(words));
  }

  /**
   * The number of bytes that the pipe can hold. Any thread may read this.
   * @throws AioError ERR_AIO_CLOSED
   */
  get capacity(): number {
    return this.#using((words) => Atomics.load(words, CAPACITY));
  }

  /**
   * Whether the writer has called end(): after the bytes that are left no more will come. Any thread may read this.
   * @throws AioError ERR_AIO_CLOSED
   */
  get ended(): boolean {
    return this.#using((words) => Atomics.load(words, ENDED) !== 0);
  }

  /**
   * Writes as many of the bytes as there is room for and returns how many those were. If it was not all of them, wait
   * with drain() or {@link AioContext.onWritable} and write the others then. Never blocks. Only one thread at a time
   * may write.
   * @throws AioError ERR_AIO_CLOSED, also after end(); ERR_AIO_INVALID_ARG
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
        // Pairs with read(), which stores TAIL and then looks at WAITS: either that call sees WAITS, or this one
        // sees the room that it has made.
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
      // Wake the reader up only if it had read everything. Otherwise it looks again by itself after it has stored TAIL.
      return [taken, Atomics.load(words, TAIL) === head];
    });
    if (asleep) this.readable.set();
    return count;
  }

  /**
   * Declares that no more bytes will be written. The reader still gets those that are left, and then sees the end.
   * Only the writing thread calls this. Ending it twice does nothing.
   * @throws AioError ERR_AIO_CLOSED
   */
  end(): void {
    this.#using((words) => Atomics.store(words, ENDED, 1));
    this.readable.set();
  }

  /**
   * Returns a copy of the bytes that are there, at most `limit` of them. It is empty if there are none now or, once
   * the pipe has ended, if no more will come. Never blocks. Only one thread at a time may read.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_INVALID_ARG
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

  /** Sets the notifier for readers again while there are bytes, so that the call-back runs again. @internal */
  stayReadable(): void {
    try {
      if (this.length > 0) this.readable.set();
    } catch (error) {
      // The call-back may have closed the pipe.
      unlessClosed(error);
    }
  }

  /**
   * Resolves when the pipe has room for at least one byte. The writing thread calls this; its own loop waits.
   * @throws AioError ERR_AIO_CLOSED: it was closed, before the call or during it; the signal's reason
   */
  async drain(options: WaitOptions = {}): Promise<void> {
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const full = (): boolean => this.#using((words) => {
      if (used(words) < Atomics.load(words, CAPACITY)) return false;
      Atomics.store(words, WAITS, 1);
      // Look again, as in write(): the reader may have made room before it could see WAITS.
      return used(words) === Atomics.load(words, CAPACITY);
    });
    while (full()) await this.writable.wait({ signal });
  }

  /**
   * Writes all of the bytes, and resolves when the last ones are in the pipe; waits for room as drain() does. The view
   * must not be changed until then, and nothing else be written. If the promise rejects, a part of the bytes may have
   * been written.
   * @throws AioError ERR_AIO_CLOSED: the pipe was closed or ended, before the call or during it; ERR_AIO_INVALID_ARG,
   * also if the view's buffer is transferred or resized during the call; the signal's reason
   */
  async writeAll(bytes: Uint8Array, options: WaitOptions = {}): Promise<void> {
    isBytes('bytes', bytes);
    const signal = signalOf(options);
    signal?.throwIfAborted();
    const { length } = bytes;
    for (let done = this.write(bytes); done < length; done += this.write(bytes.subarray(done))) {
      await this.drain({ signal });
      if (bytes.length !== length) throw new AioError('ERR_AIO_INVALID_ARG', 'the buffer of bytes was transferred or resized before all were written');
    }
  }

  /**
   * Yields the bytes piece by piece as they arrive, each piece a copy, until the writer has ended the pipe and all is
   * read. An aborted signal makes it throw the signal's reason; bytes that were not yielded stay in the pipe.
   */
  values(options: WaitOptions = {}): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return this.#each({ signal: signalOf(options) });
  }

  /** Yields as {@link values} does. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    return this.values();
  }

  async *#each(options: WaitOptions): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
    for (;;) {
      options.signal?.throwIfAborted();
      // Look at `ended` before reading, so that bytes written before the end are not missed.
      const { ended } = this;
      const bytes = this.read();
      if (bytes.length > 0) yield bytes;
      else if (ended) return;
      else await this.readable.wait(options);
    }
  }

  /**
   * Returns plain data that can be posted to another thread of the runtime, where {@link AioContext.fromHandle} makes
   * a Pipe of it.
   */
  toHandle(): Handle<'pipe'> {
    return makeHandle('pipe', this.name, [this.#slot, this.readable.slot, this.writable.slot]);
  }

  /**
   * Closes the pipe for all threads and frees its memory. Bytes that were not read are lost, and whoever waits for
   * the pipe gets ERR_AIO_CLOSED. Any thread may call this. Closing it twice does nothing.
   */
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
