// SPDX-License-Identifier: MIT
/** How much of a sequence may be on its way. The side that produces counts it in units, and says how many each item has. */
import { isAsyncIterable } from '../wire/live.js';
import { isHandle, kindOf } from '../wire/scan.js';

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

/** Each value counts as so many bytes, besides those of its text or its buffer. So cycles come to an end, too. */
const SMALL = 8;

/**
 * The units of an item: one, and one for each KiB of all strings and buffers in it, and of what holds them. What has more than the
 * window is not looked at any further.
 */
export function units(item: unknown): number {
  let bytes = 0;
  const left = [item];
  while (left.length > 0 && bytes < WINDOW << 10) {
    const value = left.pop();
    bytes += SMALL;
    if (typeof value === 'string') bytes += value.length;
    else if (typeof value !== 'object' || value === null) continue;
    else if (ArrayBuffer.isView(value)) left.push(value.buffer);
    else if (value instanceof ArrayBuffer) bytes += value.byteLength;
    // An array may be long and have nothing in it.
    else if (Array.isArray(value) && value.length > (WINDOW << 10) / SMALL) return 1 + WINDOW;
    else if (Array.isArray(value)) for (const member of value) left.push(member);
    else if (value instanceof Map) for (const [key, member] of value) left.push(key, member);
    else if (value instanceof Set) for (const member of value) left.push(member);
    // Handles, streams and shared memory stay where they are.
    else if (isHandle(value) || isAsyncIterable(value) || kindOf(value) !== 'plain') continue;
    else for (const key of Object.keys(value)) left.push(key, (value as Record<string, unknown>)[key]);
  }
  return 1 + Math.min(bytes >> 10, WINDOW);
}

/** Items as they are sent: with their units, unless each has one. */
export type Batch = unknown[] | { items: unknown[]; units: number[] };
