// SPDX-License-Identifier: MIT
/** Values that stay in the thread that sends them; the other thread gets an object that is connected with them. */

import type { ErrorParts } from './error.js';

/** What a live value is. A stream of bytes is a ReadableStream that can be read into the reader's own buffers. */
export const Live = { signal: 0, aborted: 1, iterable: 2, stream: 3, bytes: 4 } as const;

/** A live value in a packet. */
export interface LiveParts {
  /** One of Live. */
  readonly live: number;
  /** The number under which both sides know it. */
  readonly id: number;
  /** Of an AbortSignal that was aborted. */
  reason?: unknown;
}

/** What one end of a connection does with live values. */
export interface LiveValues {
  /** Connects a value that is being sent. Its number is given back like a function's if it is not sent after all. */
  send(value: object): LiveParts;
  /** Makes the object that stands for a value of the other side. */
  receive(parts: LiveParts): object;
  /** Tells the object what else was sent; an error, of which class it is. */
  complete(object: object, parts: LiveParts | ErrorParts): void;
}

const tagOf = (value: object): string => Object.prototype.toString.call(value);

/** Whether a value can be iterated asynchronously. Promises of calls can, too, but they are promises first. */
export const isAsyncIterable = (value: object): value is AsyncIterable<unknown> =>
  typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function' && typeof (value as { then?: unknown }).then !== 'function';

export const isStream = (value: object): value is ReadableStream<unknown> => tagOf(value) === '[object ReadableStream]' && 'getReader' in value;

export const isSignal = (value: object): value is AbortSignal => tagOf(value) === '[object AbortSignal]' && typeof (value as AbortSignal).aborted === 'boolean';

/** Whether an object that is no plain one is a live value, perhaps one of another realm. */
export const isLive = (value: object): boolean =>
  isAsyncIterable(value) || isSignal(value) || isStream(value) || (tagOf(value) === '[object Generator]' && 'next' in value);
