// SPDX-License-Identifier: MIT
import { isMs, optionsOf } from '../check.js';
import { reportUncaught } from '../errors.js';

/** Options of {@link Runtime.close} and {@link IOThread.close}. */
export interface CloseOptions {
  /**
   * The time, in milliseconds, after which an IOThread that has not ended by itself is terminated. Default 60,000;
   * Infinity means never.
   */
  timeout?: number;
}

/** Runs the close() of something; work() gets the time-out if one was given. Wrong options reject. */
export function closing(options: CloseOptions, work: (timeout?: number) => Promise<void>): Promise<void> {
  try {
    return work(optionsOf(options, { timeout: isMs }).timeout);
  } catch (error) {
    return Promise.reject(error as Error);
  }
}

/** Tells how a runtime or an IOThread has ended. */
export interface Closed {
  /**
   * The number of workers that were terminated although the host has not confirmed that they have ended. Code in them
   * may still run, so the memory that it may write to is not used again.
   */
  readonly workersLeft: number;
}

/** A promise that knows whether anybody has waited for it. */
class Watched<T> extends Promise<T> {
  listened = false;

  // Promises that are derived from it are ordinary ones.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // await, catch() and finally() call this, too.
  override then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null, rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.listened = true;
    return super.then(resolved, rejected);
  }
}

/** The end of a runtime or an IOThread, as its promise `closed` reports it. */
export class Ending {
  private settle!: { resolve(how: Closed): void; reject(error: Error): void };
  readonly closed: Promise<Closed>;

  constructor() {
    const closed = new Watched<Closed>((resolve, reject) => (this.settle = { resolve, reject }));
    // This keeps it from being an unhandled rejection; tell() reports failures that nobody waits for.
    closed.catch(() => {});
    closed.listened = false;
    this.closed = closed;
  }

  /** Reports an ordinary end. */
  resolve(how: Closed): void {
    this.settle.resolve(how);
  }

  /** Reports a failure. Returns whether anybody waits for the promise. */
  reject(error: Error): boolean {
    this.settle.reject(error);
    return (this.closed as Watched<Closed>).listened;
  }
}

/**
 * Reports a failure by the promises `closed` of everything that it ends. If nobody waits for one of them, and nobody
 * has heard of the failure in another way (heard), it is reported as an uncaught error.
 */
export function tell(error: Error, heard: boolean, endings: Iterable<Ending>): void {
  for (const ending of endings) heard = ending.reject(error) || heard;
  if (!heard) reportUncaught(error);
}
