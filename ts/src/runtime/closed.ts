// SPDX-License-Identifier: MIT
import { isMs, optionsOf } from '../check.js';
import { reportUncaught } from '../errors.js';

/** How something is closed. */
export interface CloseOptions {
  /** ms after which what has not ended by itself is terminated. Default 60,000; Infinity: never. */
  timeout?: number;
}

/** close() of something: work gets the time-out, if there is one. Wrong options reject. */
export function closing(options: CloseOptions, work: (timeout?: number) => Promise<void>): Promise<void> {
  try {
    return work(optionsOf(options, { timeout: isMs }).timeout);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** How a runtime or an IOThread ended. */
export interface Closed {
  /**
   * Workers that were terminated and that the host has not said to be gone: a loop in one of them
   * may still run. The memory that they may write to is not used again.
   */
  readonly workersLeft: number;
}

/** A promise that knows whether anybody waits for it. */
class Watched<T> extends Promise<T> {
  listened = false;

  // What is derived from it is an ordinary promise.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // await, catch() and finally() come this way, too.
  override then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null, rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.listened = true;
    return super.then(resolved, rejected);
  }
}

/** The end of a runtime or an IOThread, as its promise `closed` tells of it. */
export class Ending {
  private settle!: { resolve(how: Closed): void; reject(error: Error): void };
  readonly closed: Promise<Closed>;

  constructor() {
    const closed = new Watched<Closed>((resolve, reject) => (this.settle = { resolve, reject }));
    // It is no unhandled rejection: who reads it and does not wait is told by tell().
    closed.catch(() => {});
    closed.listened = false;
    this.closed = closed;
  }

  /** The ordinary end. */
  resolve(how: Closed): void {
    this.settle.resolve(how);
  }

  /** A failure. Whether anybody waits for it. */
  reject(error: Error): boolean {
    this.settle.reject(error);
    return (this.closed as Watched<Closed>).listened;
  }
}

/**
 * Tells of a failure: by the promises `closed` of what it ends, and if nobody waits for one of
 * these, or has been told otherwise (heard), as an uncaught error.
 */
export function tell(error: Error, heard: boolean, endings: Iterable<Ending>): void {
  for (const ending of endings) heard = ending.reject(error) || heard;
  if (!heard) reportUncaught(error);
}
