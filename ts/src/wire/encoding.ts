// SPDX-License-Identifier: MIT
/** What the encoder and the decoder of values have in common. */

/** The byte before each value. */
export const Tag = {
  undefined: 0, null: 1, true: 2, false: 3, int: 4, double: 5, bigint: 6,
  /** A byte with the length, then a byte for each character. */
  short: 7,
  /** 32 bits with the length, then 16 bits for each character. */
  string: 8,
  date: 9, object: 10, array: 11, map: 12, set: 13,
  /** An object that came before, by its number in the order in which they began. */
  again: 14,
  buffer: 15, view: 16,
  /** A function of the sender, or one of the receiver's that comes back to it, by its number. */
  theirs: 17, ours: 18,
  handle: 19, error: 20,
  /** Its kind and its number follow; the reason, too, if it is a signal that was aborted. */
  live: 21,
} as const;

/** The constructors of views, by their numbers. */
export const VIEWS = [
  Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Int16Array, Uint32Array, Int32Array, Float32Array, Float64Array,
  BigInt64Array, BigUint64Array, DataView,
] as const;

/** The most bytes that a value may take; longer ones are sent as messages. */
export const MOST = 1 << 14;

/** Memory of this thread in which a record is encoded or decoded. */
export class Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly words: Int32Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;

  constructor() {
    // The largest single thing that is written without a look at the room: a short string, or a number.
    const buffer = new ArrayBuffer(MOST + 512);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }
}
