// SPDX-License-Identifier: MIT
import { isFunction, optionsOf } from '../check.js';
import { AioError } from '../errors.js';
import type { GlobalObject } from '../platform.js';
import { CLOSED, CONSUMER, CONSUMER_CLOSED, CONSUMER_SLEEPS, corrupt, HEAD, PRODUCERS_SLEEP, Region, SKIP, UNIT_BITS, unitsOf, type Ring } from './region.js';
import { blockOptions, Sleeper, waitOptions, wake, type RingBlockOptions, type RingWaitOptions } from './sleeper.js';

/** Options of {@link RingConsumer}. */
export interface RingConsumerOptions<T> {
  /** Returns the value that bytes stand for. They are a copy, which it may keep. Default: values are Uint8Arrays. */
  decode?: (bytes: Uint8Array) => T;
}

/** What there is to take. */
const Next = { nothing: -1, end: -2 } as const;

/**
 * The side of a ring that takes records. Use it in one thread; a ring has one consumer. `for await` over it takes all
 * records until the ring ends, and closes it when the loop is left early.
 */
export class RingConsumer<T = Uint8Array> implements AsyncIterable<T> {
  readonly #region: Region;
  readonly #sleeper: Sleeper;
  readonly #decode: ((bytes: Uint8Array) => T) | undefined;
  /** The position of the next record. */
  #head: number;
  #closed = false;

  /**
   * Attaches the consumer to a ring.
   * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, the memory contains no ring, or the ring has a consumer
   */
  constructor(ring: Ring, options: RingConsumerOptions<T> = {}) {
    this.#decode = optionsOf(options, { decode: isFunction }).decode;
    const region = (this.#region = new Region(ring));
    this.#head = region.get(HEAD);
    this.#sleeper = new Sleeper(region.header, CONSUMER_SLEEPS, 'record in the ring');
    if (Atomics.compareExchange(region.header, CONSUMER, 0, 1) !== 0) {
      throw new AioError('ERR_AIO_INVALID_ARG', 'ring: it has a consumer already');
    }
  }

  /** The length of the next record, or a Next. */
  #next(): number {
    const { published, units, producers } = this.#region;
    if (this.#closed) throw this.#region.ended('the RingConsumer');
    const at = this.#head & (units - 1);
    let word = Atomics.load(published, at);
    if (word === 0) {
      const failed = this.#region.hasFailed;
      if (!failed && this.#region.get(CLOSED) < producers) return Next.nothing;
      // Whatever was published before the end is seen by this second look.
      word = Atomics.load(published, at);
      if (word === 0 && failed) throw this.#region.failure;
      if (word === 0) return Next.end;
    }
    if (word === SKIP && at > 0) {
      published[at] = 0;
      this.#head = (this.#head + units - at) >>> 0;
      return this.#next();
    }
    const length = word - 1;
    if (length < 0 || unitsOf(length) > units - at) throw corrupt(`no record at position ${this.#head}`);
    return length;
  }

  #view(length: number): Uint8Array {
    const at = (this.#head & (this.#region.units - 1)) << UNIT_BITS;
    return this.#region.bytes.subarray(at, at + length);
  }

  #free(length: number): void {
    const { header, published, units } = this.#region;
    published[this.#head & (units - 1)] = 0;
    this.#head = (this.#head + unitsOf(length)) >>> 0;
    // Publishes the cleared word, too: a producer that loads the head may use the room.
    Atomics.store(header, HEAD, this.#head | 0);
    wake(header, PRODUCERS_SLEEP);
  }

  /** Takes a record's bytes, which are a copy. */
  #take(length: number): Uint8Array {
    const copy = new Uint8Array(length);
    copy.set(this.#view(length));
    this.#free(length);
    return copy;
  }

  #valueOf(bytes: Uint8Array): T {
    return this.#decode ? this.#decode(bytes) : (bytes as T);
  }

  /**
   * Takes the next record. Returns undefined if there is none now, also at the end of the ring.
   * @throws AioError ERR_AIO_CLOSED (this side was closed, or a producer with an error), ERR_AIO_IO (the ring's memory
   * is corrupt)
   */
  tryRead(): T | undefined {
    if (this.#sleeper.inUse) return undefined;
    const length = this.#next();
    return length < 0 ? undefined : this.#valueOf(this.#take(length));
  }

  /**
   * Whether the ring has ended: all producers are closed, and all records were taken.
   * @throws AioError ERR_AIO_CLOSED (this side was closed, or a producer with an error)
   */
  get ended(): boolean {
    return this.#next() === Next.end;
  }

  /**
   * Takes the next record, and resolves with it when there is one; with undefined when all producers are closed. Several
   * calls take records in their order.
   * @throws AioError ERR_AIO_CLOSED (this side was closed, or a producer with an error), ERR_AIO_TIMEOUT, ERR_AIO_IO (the
   * ring's memory is corrupt); the signal's reason
   */
  async read(options: RingWaitOptions = {}): Promise<T | undefined> {
    const { signal, timeout } = waitOptions(options);
    const bytes = await this.#bytes(signal, timeout);
    return bytes && this.#valueOf(bytes);
  }

  /** The next record's bytes; undefined at the end. */
  async #bytes(signal?: RingWaitOptions['signal'], timeout?: number): Promise<Uint8Array | undefined> {
    let bytes: Uint8Array | undefined;
    await this.#sleeper.until(() => {
      const length = this.#next();
      if (length >= 0) bytes = this.#take(length);
      return length !== Next.nothing;
    }, signal, timeout);
    return bytes;
  }

  /**
   * Takes the next record, and blocks the thread until there is one. Returns undefined when all producers are closed. A
   * page's main thread must not block.
   * @throws AioError ERR_AIO_CLOSED (this side was closed, or a producer with an error), ERR_AIO_TIMEOUT,
   * ERR_AIO_WOULD_BLOCK (there is no record, and this thread must not block), ERR_AIO_IO (the ring's memory is corrupt)
   */
  readSync(options: RingBlockOptions = {}): T | undefined {
    return this.waitSync(options) ? this.#valueOf(this.#take(this.#next())) : undefined;
  }

  /**
   * Resolves with true when there is a record for peek(), and with false when all producers are closed.
   * @throws AioError as {@link read}
   */
  async wait(options: RingWaitOptions = {}): Promise<boolean> {
    const { signal, timeout } = waitOptions(options);
    let length: number = Next.nothing;
    await this.#sleeper.until(() => (length = this.#next()) !== Next.nothing, signal, timeout);
    return length >= 0;
  }

  /**
   * Blocks the thread until there is a record for peek(), and returns true; false when all producers are closed.
   * @throws AioError as {@link readSync}
   */
  waitSync(options: RingBlockOptions = {}): boolean {
    let length: number = Next.nothing;
    this.#sleeper.block(() => (length = this.#next()) !== Next.nothing, blockOptions(options).timeout);
    return length >= 0;
  }

  /**
   * Returns the next record's bytes without copying them, or undefined if there is none now. They are a view of the shared
   * memory, which begins at a multiple of 16 bytes and is valid until {@link release}; the record stays in the ring, and is
   * the one that every peek() returns.
   * @throws AioError ERR_AIO_CLOSED (this side was closed, or a producer with an error), ERR_AIO_IO (the ring's memory
   * is corrupt)
   */
  peek(): Uint8Array | undefined {
    const length = this.#next();
    return length < 0 ? undefined : this.#view(length);
  }

  /**
   * Frees the room of the record that peek() returns, which becomes room for producers. Does nothing if there is none.
   * @throws AioError ERR_AIO_CLOSED (this side was closed), ERR_AIO_IO (the ring's memory is corrupt)
   */
  release(): void {
    const length = this.#next();
    if (length >= 0) this.#free(length);
  }

  /**
   * Closes this side of the ring. The producers' next writes fail with ERR_AIO_CLOSED, with the error's text if there is an error.
   * Closing it twice does nothing.
   */
  async close(error?: unknown): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (error !== undefined) this.#region.fail(error);
    Atomics.store(this.#region.header, CONSUMER_CLOSED, 1);
    wake(this.#region.header, PRODUCERS_SLEEP);
    this.#sleeper.close(this.#region.ended('the RingConsumer'));
  }

  /** Iterates over all records until the ring ends. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined, void> {
    return {
      next: async () => {
        const bytes = this.#closed ? undefined : await this.#bytes();
        return bytes ? { done: false, value: this.#valueOf(bytes) } : { done: true, value: undefined };
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Returns a ReadableStream whose chunks are the records. It takes a record when it is read, and closes this side when it is cancelled. */
  readable(): GlobalObject<'ReadableStream'> {
    const records = this[Symbol.asyncIterator]();
    return new ReadableStream<T>({
      pull: async (controller) => {
        const { done, value } = await records.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => this.close(reason),
    }, { highWaterMark: 0 }) as GlobalObject<'ReadableStream'>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
