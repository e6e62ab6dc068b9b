// SPDX-License-Identifier: MIT
/** How much of a sequence may be on its way: what both sides count in the same units. */

/** What one side tells the other of a sequence. */
export const Flow = {
  /** To the side that produces: so many more units may be sent. */
  pull: 0,
  /** To the side that produces: call return(), or throw(), with this value. */
  return: 1,
  throw: 2,
  /** To the side that consumes: the next items, the last value, an error, the answer to return() or throw(). */
  items: 3,
  done: 4,
  failed: 5,
  stopped: 6,
} as const;

/** So many units may be sent at first, and at most, before one is consumed. The window doubles each time that it is used up. */
export const FIRST_WINDOW = 16;
export const WINDOW = 256;
/** After so many units the items are sent, if the producer does not pause before. */
export const BATCH = 64;

/** The units of an item: one, and one for each KiB of a string or of bytes. */
export function units(item: unknown): number {
  if (typeof item === 'string') return 1 + (item.length >> 10);
  return ArrayBuffer.isView(item) || item instanceof ArrayBuffer ? 1 + (item.byteLength >> 10) : 1;
}
