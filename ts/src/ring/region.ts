// SPDX-License-Identifier: MIT
/** The memory of a ring: its header, its records, and who has closed it. */
import { checkThat, isInteger, optionsOf } from '../check.js';
import { AioError, closedError } from '../errors.js';

/** A ring, as plain data: send it to another thread by postMessage() or as `workerData`. */
export interface Ring {
  /** The memory that contains the ring. */
  buffer: SharedArrayBuffer;
  /** Where in that memory the ring begins, in bytes. */
  byteOffset: number;
}

/** Options of {@link createRing}. */
export interface RingOptions {
  /**
   * The bytes for records: a power of two from 256 to 2^30. A record takes as many bytes as its content has, rounded up to a
   * multiple of 16, and at most half of them. Default 65,536.
   */
  size?: number;
  /** The number of producers, from 1 to 1,024. The ring ends when each of them has been closed. Default 1. */
  producers?: number;
  /** Shared memory of yours, in which the ring is made. Default: a new SharedArrayBuffer. */
  buffer?: SharedArrayBuffer;
  /** Where in `buffer` the ring begins: a multiple of 64. Default 0. */
  byteOffset?: number;
}

// Words of the header, in 32-bit units. What different threads change often is in different cache lines.
const MAGIC_WORD = 0;         // says that this is a ring, of this layout
const SIZE = 1;
const PRODUCERS = 2;          // how many there are to be,
export const ATTACHED = 3;    // how many are attached,
export const CLOSED = 4;      // and how many were closed
export const CONSUMER = 5;    // whether one is attached,
export const CONSUMER_CLOSED = 6; // and whether it was closed
const FAILURE = 7;            // not 0: the ring has failed
const FAILURE_LENGTH = 8;     // of its text, in bytes; 0 as long as that is being written
// Positions count units of records, modulo 2^32.
/** The position after the last record that a producer has claimed. A ring with one producer does not use it. */
export const TAIL = 16;
/** The position of the first record that the consumer has not released. The consumer alone changes it. */
export const HEAD = 32;
/** On what the consumer, and the producers, sleep: see Sleeper. */
export const CONSUMER_SLEEPS = 48;
export const PRODUCERS_SLEEP = 64;
const FAILURE_TEXT = 80;

const HEADER = 512;
const FAILURE_BYTES = HEADER - 4 * FAILURE_TEXT;
/** "AIO" and the number of the layout. */
const MAGIC = 0x41494f01;

/** A unit has 16 bytes. Records begin at one, and take at least one. */
export const UNIT_BITS = 4;
/** The units that a record takes, whose content has so many bytes. */
export const unitsOf = (length: number): number => (length + 15) >> UNIT_BITS || 1;
/** In place of a record's length + 1: the rest of the ring, up to its end, is empty. */
export const SKIP = -1;

const MAX_SIZE = 2 ** 30;
const MAX_PRODUCERS = 1024;
const ALIGN = 64;

const isSize = (value: unknown): boolean => Number.isInteger(value) && Math.log2(value as number) % 1 === 0 && (value as number) >= 256 && (value as number) <= MAX_SIZE;
const isShared = (value: unknown): boolean => Object.prototype.toString.call(value) === '[object SharedArrayBuffer]';
const optionChecks = {
  size: checkThat(`a power of two from 256 to ${MAX_SIZE}`, isSize), producers: isInteger(1, MAX_PRODUCERS),
  buffer: checkThat('a SharedArrayBuffer', isShared),
  byteOffset: checkThat(`a multiple of ${ALIGN}, not negative`, (value) => Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) % ALIGN === 0),
};
const refuse = (why: string): never => {
  throw new AioError('ERR_AIO_INVALID_ARG', why);
};

/** Returns the bytes of shared memory that a ring with the option `size` takes. */
export function ringByteLength(size: number): number {
  optionChecks.size('size', size);
  return HEADER + (size >> UNIT_BITS) * 4 + size;
}

/**
 * Makes a ring in shared memory: a queue of records of any length, from one or several producers to one consumer. Make
 * it once, send it to the other threads, and use it there with {@link RingProducer} and {@link RingConsumer}.
 * @throws AioError ERR_AIO_INVALID_ARG; ERR_AIO_UNSUPPORTED: there is no SharedArrayBuffer, because the page is not
 * cross-origin isolated
 */
export function createRing(options: RingOptions = {}): Ring {
  const checked = optionsOf<RingOptions>(options, optionChecks);
  const { size = 65_536, producers = 1, byteOffset = 0 } = checked;
  const length = ringByteLength(size);
  if (!checked.buffer && byteOffset > 0) refuse('options.byteOffset needs options.buffer');
  if (typeof SharedArrayBuffer === 'undefined') {
    throw new AioError('ERR_AIO_UNSUPPORTED', 'no SharedArrayBuffer: the page must be cross-origin isolated (docs/isolation.md)');
  }
  const buffer = checked.buffer ?? new SharedArrayBuffer(length);
  if (buffer.byteLength - byteOffset < length) {
    refuse(`options.buffer must have ${byteOffset + length} bytes, not ${buffer.byteLength}`);
  }
  new Uint8Array(buffer, byteOffset, length).fill(0);
  const header = new Int32Array(buffer, byteOffset, HEADER / 4);
  header[SIZE] = size;
  header[PRODUCERS] = producers;
  Atomics.store(header, MAGIC_WORD, MAGIC);
  return { buffer, byteOffset };
}

/** The error of a ring whose memory contains what neither side has written. */
export function corrupt(what: string): AioError {
  return new AioError('ERR_AIO_IO', `the ring is corrupt: ${what}`, { errno: 'EBADMSG' });
}

/** A ring's memory, as a thread that is attached to it has it. */
export class Region {
  readonly header: Int32Array;
  /**
   * A word for each unit: 0, or the record's length + 1, by which its producer has published it. The
   * consumer clears it when it releases the record. No content is ever written here, so that nothing else can be taken for a
   * record, whatever was there in earlier rounds.
   */
  readonly published: Int32Array;
  readonly bytes: Uint8Array;
  /** How many units there are. */
  readonly units: number;
  readonly producers: number;

  /** Checks all that the header says, because anybody can have written it. @throws AioError ERR_AIO_INVALID_ARG */
  constructor(ring: Ring) {
    const noRing = (why: string): never => refuse(`ring.buffer has no ring at ${byteOffset}: ${why}`);
    const { buffer, byteOffset } = optionsOf<Ring>(ring, { buffer: optionChecks.buffer, byteOffset: optionChecks.byteOffset }, 'ring');
    if (!buffer || byteOffset === undefined) refuse('ring must be what createRing() returns');
    const room = buffer.byteLength - byteOffset - HEADER;
    if (room < 0) noRing(`it ends at ${buffer.byteLength}`);
    const header = (this.header = new Int32Array(buffer, byteOffset, HEADER / 4));
    const magic = Atomics.load(header, MAGIC_WORD);
    const [size, producers] = [header[SIZE] as number, header[PRODUCERS] as number];
    if (magic !== MAGIC) noRing('createRing() of this version has not made it');
    if (!isSize(size) || ringByteLength(size) - HEADER > room) noRing(`the size is ${size}`);
    if (producers < 1 || producers > MAX_PRODUCERS) noRing(`the number of producers is ${producers}`);
    this.units = size >> UNIT_BITS;
    this.producers = producers;
    this.published = new Int32Array(buffer, byteOffset + HEADER, size >> UNIT_BITS);
    this.bytes = new Uint8Array(buffer, byteOffset + ringByteLength(size) - size, size);
  }

  /** A word of the header, not negative. */
  get(word: number): number {
    return Atomics.load(this.header, word) >>> 0;
  }

  /** Whether the ring has failed, which either side may have caused. */
  get hasFailed(): boolean {
    return this.get(FAILURE) !== 0;
  }

  /** Makes the ring fail, for both sides. Only the first failure counts. */
  fail(error: unknown): void {
    if (Atomics.compareExchange(this.header, FAILURE, 0, 1) !== 0) return;
    let what = '';
    try {
      what = String(error);
    } catch {
      // It has no text.
    }
    const text = new Uint8Array(FAILURE_BYTES);
    // A character that does not fit is left out whole.
    const { written } = new TextEncoder().encodeInto(what, text);
    new Uint8Array(this.header.buffer, this.header.byteOffset + 4 * FAILURE_TEXT, FAILURE_BYTES).set(text);
    Atomics.store(this.header, FAILURE_LENGTH, written);
  }

  /** The error for everybody who uses a ring that has failed. */
  get failure(): AioError {
    const length = Math.min(this.get(FAILURE_LENGTH), FAILURE_BYTES);
    const from = this.header.byteOffset + 4 * FAILURE_TEXT;
    const text = new TextDecoder().decode(new Uint8Array(this.header.buffer, from, length).slice());
    return new AioError('ERR_AIO_CLOSED', `the ring has failed: ${text || 'a side has closed it with an error'}`);
  }

  /** The error of an end that this thread has closed. */
  ended(what: string): AioError {
    return this.hasFailed ? this.failure : closedError(what);
  }
}
