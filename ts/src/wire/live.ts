// SPDX-License-Identifier: MIT
/** Values that stay in the thread that sends them; the other thread gets an object that is connected with them. */

/** What a live value is. */
export const Live = { signal: 0, aborted: 1 } as const;

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
  /** Tells the object what else was sent. */
  complete(object: object, parts: LiveParts): void;
}

/** Whether an object of no other kind is a live value, perhaps one of another realm. */
export function isLive(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object AbortSignal]' && typeof (value as AbortSignal).aborted === 'boolean';
}
