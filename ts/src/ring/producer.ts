// SPDX-License-Identifier: MIT
import { areBytes, checkThat, invalid, isFunction, optionsOf } from '../check.js';
import { AioError, closedError } from '../errors.js';
import type { GlobalObject } from '../platform.js';
import { ATTACHED, CLOSED, CONSUMER_CLOSED, CONSUMER_SLEEPS, corrupt, HEAD, PRODUCERS_SLEEP, Region, SKIP, TAIL, UNIT_BITS, unitsOf, type Ring } from './region.js';
import { blockOptions, Sleeper, waitOptions, wake, type RingBlockOptions, type RingWaitOptions } from './sleeper.js';

/** Options of {@link RingProducer}. */
export interface RingProducerOptions<T> {
  /** Returns the bytes that stand for a value. They are copied at once. Default: values are Uint8Arrays. */
  encode?: (value: T) => Uint8Array;
}

const isEncoded = checkThat('a Uint8Array', areBytes);

/**
 * The side of a ring that writes records. Use it in one thread. A ring has as many producers as {@link createRing} was
 * told, and their records arrive in the order in which each has written its own.
 */
export class RingProducer<T = Uint8Array> {
  readonly #region: Region;
  readonly #sleeper: Sleeper;
  readonly #encode: ((value: T) => Uint8Array) | undefined;
  readonly #isAlone: boolean;
  /** The position after the last record, and the consumer's position when it was last looked at; only where a producer is alone. */
  #tail: number;
  #head: number;
  /** The position of this producer's last record. */
  #last: number | undefined;
  #closed = false;

  /**
   * Attaches a producer to a ring.
   * @throws AioError ERR_AIO_INVALID_ARG: wrong argument, the memory contains no ring, or the ring has all its producers
   */
  constructor(ring: Ring, options: RingProducerOptions<T> = {}) {
    this.#encode = optionsOf(options, { encode: isFunction }).encode;
    const region = (this.#region = new Region(ring));
    this.#isAlone = region.producers === 1;
    this.#tail = region.get(TAIL);
    this.#head = region.get(HEAD);
    this.#sleeper = new Sleeper(region.header, PRODUCERS_SLEEP, 'room in the ring');
    if (Atomics.add(region.header, ATTACHED, 1) >= region.producers) {
      throw new AioError('ERR_AIO_INVALID_ARG', `ring: it has all its producers already (createRing({ producers: ${region.producers} }))`);
    }
  }

  #assertOpen(): void {
    const region = this.#region;
    if (this.#closed) throw region.ended('the RingProducer');
    if (region.hasFailed) throw region.failure;
    if (region.get(CONSUMER_CLOSED) !== 0) throw closedError("the ring's consumer");
  }

  /** The bytes for a value, which are valid until the next one is encoded. */
  #bytesOf(value: T): Uint8Array {
    const bytes = this.#encode ? this.#encode(value) : (value as Uint8Array);
    if (!(bytes instanceof Uint8Array) || bytes.length === 0) isEncoded(this.#encode ? 'the result of encode()' : 'value', bytes);
    const most = (this.#region.units << UNIT_BITS) / 2;
    if (bytes.length > most) throw invalid(`a record of this ring (size ${2 * most})`, `at most ${most} bytes long`, bytes.length);
    return bytes;
  }

  /** Claims so many units, and returns their position; -1: there is no room now. */
  #claim(needed: number): number {
    const { header, units, published } = this.#region;
    for (;;) {
      // The head comes before the tail, so that it can only be too old.
      const head = this.#isAlone ? this.#head : Atomics.load(header, HEAD) >>> 0;
      const tail = this.#isAlone ? this.#tail : Atomics.load(header, TAIL) >>> 0;
      const at = tail & (units - 1);
      // A record is not split: it may have to begin anew at the start.
      const skipped = units - at < needed ? units - at : 0;
      const end = (tail + skipped + needed) >>> 0;
      if ((end - head) >>> 0 > units) {
        this.#head = Atomics.load(header, HEAD) >>> 0;
        if (this.#head !== head) continue;
        if ((tail - head) >>> 0 > units) throw corrupt(`${(tail - head) >>> 0} of ${units} units are in use`);
        return -1;
      }
      // Who was overtaken tries again. (For the same tail to come back meanwhile, 64 GiB would have to pass.)
      if (!this.#isAlone && Atomics.compareExchange(header, TAIL, tail | 0, end | 0) !== (tail | 0)) continue;
      if (skipped > 0) Atomics.store(published, at, SKIP);
      this.#tail = end;
      return (tail + skipped) >>> 0;
    }
  }

  #push(content: Uint8Array): boolean {
    const { header, published, bytes, units } = this.#region;
    const position = this.#claim(unitsOf(content.length));
    if (position < 0) return false;
    const at = position & (units - 1);
    bytes.set(content, at << UNIT_BITS);
    this.#last = position;
    Atomics.store(published, at, content.length + 1);
    wake(header, CONSUMER_SLEEPS);
    return true;
  }

  /**
   * Writes a record if there is room for it now. Returns false, and writes nothing, if there is none, or if a write()
   * before still waits for room.
   * @throws AioError ERR_AIO_INVALID_ARG (the record is too long for the ring), ERR_AIO_CLOSED
   */
  tryWrite(value: T): boolean {
    this.#assertOpen();
    const bytes = this.#bytesOf(value);
    return !this.#sleeper.inUse && this.#push(bytes);
  }

  /**
   * Writes a record, and resolves when it is in the ring: at once, or when the consumer has made room. Several calls
   * write in their order.
   * @throws AioError ERR_AIO_INVALID_ARG (the record is too long for the ring), ERR_AIO_CLOSED, ERR_AIO_TIMEOUT; the
   * signal's reason
   */
  async write(value: T, options: RingWaitOptions = {}): Promise<void> {
    const { signal, timeout } = waitOptions(options);
    signal?.throwIfAborted();
    this.#assertOpen();
    const bytes = this.#bytesOf(value);
    if (!this.#sleeper.inUse && this.#push(bytes)) return;
    // The value, and the buffer of the user's encoder, may change before there is room.
    const copy = bytes.slice();
    await this.#sleeper.until(() => (this.#assertOpen(), this.#push(copy)), signal, timeout);
  }

  /**
   * Writes a record, and blocks the thread until there is room. A page's main thread must not block.
   * @throws AioError ERR_AIO_INVALID_ARG (the record is too long for the ring, or a write() is waiting), ERR_AIO_CLOSED,
   * ERR_AIO_TIMEOUT, ERR_AIO_WOULD_BLOCK (there is no room, and this thread must not block)
   */
  writeSync(value: T, options: RingBlockOptions = {}): void {
    const { timeout } = blockOptions(options);
    const bytes = this.#bytesOf(value);
    this.#sleeper.block(() => (this.#assertOpen(), this.#push(bytes)), timeout);
  }

  #isFlushed(): boolean {
    this.#assertOpen();
    if (this.#last === undefined) return true;
    const { published, units } = this.#region;
    // The distance is wrong when half of all positions have passed since then, but sooner or later the consumer clears the word.
    return (this.#region.get(HEAD) - this.#last) >> 0 > 0 || Atomics.load(published, this.#last & (units - 1)) === 0;
  }

  /**
   * Resolves when the consumer has taken all records that this producer has written.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_TIMEOUT; the signal's reason
   */
  async flush(options: RingWaitOptions = {}): Promise<void> {
    const { signal, timeout } = waitOptions(options);
    await this.#sleeper.until(() => this.#isFlushed(), signal, timeout);
  }

  /**
   * Blocks the thread until the consumer has taken all records that this producer has written.
   * @throws AioError ERR_AIO_CLOSED, ERR_AIO_TIMEOUT, ERR_AIO_WOULD_BLOCK (this thread must not block)
   */
  flushSync(options: RingBlockOptions = {}): void {
    this.#sleeper.block(() => this.#isFlushed(), blockOptions(options).timeout);
  }

  /**
   * Closes this producer, after the records of all write()s that wait, at once if there are none. When all producers of the ring are closed, the
   * consumer comes to the end. With an error the ring fails at once, for all its sides: the consumer gets the records that
   * are there, and then ERR_AIO_CLOSED with the error's text; so do the other producers. Closing it twice does nothing.
   */
  async close(error?: unknown): Promise<void> {
    const { header } = this.#region;
    if (error !== undefined && !this.#closed) {
      this.#region.fail(error);
      wake(header, PRODUCERS_SLEEP);
    } else if (this.#sleeper.inUse) await this.#sleeper.until(() => true);
    if (this.#closed) return;
    this.#closed = true;
    Atomics.add(header, CLOSED, 1);
    wake(header, CONSUMER_SLEEPS);
    this.#sleeper.close(this.#region.ended('the RingProducer'));
  }

  /** Returns a WritableStream whose chunks are the values of this producer. It closes the producer when it is closed. */
  writable(): GlobalObject<'WritableStream'> {
    return new WritableStream<T>({
      write: (value) => this.write(value),
      close: () => this.close(),
      abort: (reason) => this.close(reason ?? new Error('the stream was aborted')),
    }) as GlobalObject<'WritableStream'>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
