// SPDX-License-Identifier: MIT
/**
 * How a side of a ring waits for the other one. Nobody waits for a position to have a certain value, which it might
 * jump over: a side waits until what it wants can be done, and tries again each time that it is woken up.
 *
 * The word on which a side sleeps counts wake-ups; its lowest bit says that somebody sleeps, or is about to. Who wants to
 * sleep sets the bit, tries once more, and sleeps on the value that it then saw. Who has changed something loads the word
 * after that and, if the bit is set, adds 1, which clears it, and notifies. So either the second try sees the change, or the
 * word has changed before the sleep begins, or the sleeper is notified (test/models/records.pml).
 */
import { isMs, isSignal, optionsOf } from '../check.js';
import { AioError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { WaitOptions } from '../abort.js';

/** Options of the methods of a ring that wait. */
export interface RingWaitOptions extends WaitOptions {
  /** The longest time to wait, in milliseconds; then the method fails with ERR_AIO_TIMEOUT. Default Infinity. */
  timeout?: number;
}

/** Options of the methods of a ring that block the thread. */
export interface RingBlockOptions {
  /** The longest time to block, in milliseconds; then the method fails with ERR_AIO_TIMEOUT. Default Infinity. */
  timeout?: number;
}

export const waitOptions = (options: RingWaitOptions): RingWaitOptions => optionsOf(options, { signal: isSignal, timeout: isMs });
export const blockOptions = (options: RingBlockOptions): RingBlockOptions => optionsOf(options, { timeout: isMs });

type WaitAsync = (words: Int32Array, index: number, value: number) => { async: boolean; value: Promise<string> | string };
const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;

/** How often what is waited for is tried where there is no Atomics.waitAsync, in ms. */
const POLL_MS = 2;
/** And where there is: WebKit's workers sleep on after one of thousands of notifications, until they have something else to do. */
const TICK_MS = 1000;
/** The longest time of a timer, in ms. */
const LONG_MS = 0x7fffffff;

/** Somebody who waits. attempt() does what is waited for and returns whether it could; an error ends the wait. */
interface Waiting {
  attempt(): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** Wakes up those who sleep on a word. Called after every change that they may wait for. */
export function wake(header: Int32Array, word: number): void {
  const value = Atomics.load(header, word);
  if (value & 1 && Atomics.compareExchange(header, word, value, (value + 1) | 0) === value) Atomics.notify(header, word);
}

/** What a thread of one side sleeps with. */
export class Sleeper {
  /** Those who wait by a promise, in their order. */
  private readonly waiting: Waiting[] = [];
  /** A wait that is outstanding. It cannot be cancelled, so that the next one who waits uses it. */
  private armed = false;
  /** Also keeps the process alive, which Atomics.waitAsync does not. */
  private alive: ReturnType<typeof setInterval> | undefined;

  /** what: what is waited for, for messages. */
  constructor(private readonly header: Int32Array, private readonly word: number, private readonly what: string) {}

  /** Whether anybody waits by a promise; who comes later must not overtake it. */
  get inUse(): boolean {
    return this.waiting.length > 0;
  }

  private late(): AioError {
    return new AioError('ERR_AIO_TIMEOUT', `no ${this.what} within the time-out`);
  }

  private announce(): number {
    return Atomics.or(this.header, this.word, 1) | 1;
  }

  /** Blocks this thread until attempt() returns true. */
  block(attempt: () => boolean, timeout = Infinity): void {
    if (this.inUse) throw new AioError('ERR_AIO_INVALID_ARG', `this thread must not block: a promise already waits for ${this.what}`);
    const end = performance.now() + timeout;
    while (!attempt()) {
      const value = this.announce();
      if (attempt()) return;
      const left = end - performance.now();
      if (!(left > 0)) throw this.late();
      try {
        Atomics.wait(this.header, this.word, value, left);
      } catch (cause) {
        throw new AioError('ERR_AIO_WOULD_BLOCK', `no ${this.what}, and this thread must not block: use the method that returns a promise`, { cause });
      }
    }
  }

  /** Resolves when attempt() has returned true, after those who have waited before. */
  async until(attempt: () => boolean, signal?: AbortSignalLike, timeout = Infinity): Promise<void> {
    signal?.throwIfAborted();
    if (!this.inUse && attempt()) return;
    await new Promise<void>((resolve, reject) => {
      const one: Waiting = { attempt, resolve, reject };
      const stop = (error: unknown): void => {
        this.waiting.splice(this.waiting.indexOf(one), 1);
        one.reject(error);
        // The next one may be able to do what this one could not.
        this.look();
      };
      const aborted = (): void => stop(signal?.reason);
      const timer = timeout < LONG_MS ? setTimeout(() => stop(this.late()), timeout) : undefined;
      const settled = <T extends unknown[]>(settle: (...args: T) => void) => (...args: T): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        settle(...args);
      };
      one.resolve = settled(resolve);
      one.reject = settled(reject);
      signal?.addEventListener('abort', aborted, { once: true });
      this.waiting.push(one);
      this.look();
    });
  }

  /** Lets those who wait try again, in their order, and sleeps for those who still cannot. */
  private readonly look = (): void => {
    while (this.waiting.length > 0) {
      const value = this.announce();
      if (!this.attempt() || this.arm(value)) break;
    }
    if (this.waiting.length > 0) this.alive ??= setInterval(this.look, waitAsync ? TICK_MS : POLL_MS);
    else {
      clearInterval(this.alive);
      this.alive = undefined;
    }
  };

  /** Returns whether somebody still has to wait. */
  private attempt(): boolean {
    for (let one = this.waiting[0]; one; one = this.waiting[0]) {
      try {
        if (!one.attempt()) return true;
        one.resolve();
      } catch (error) {
        one.reject(error);
      }
      this.waiting.shift();
    }
    return false;
  }

  /** Returns false if the word has changed, so that there is something to look at. */
  private arm(value: number): boolean {
    if (this.armed || !waitAsync) return true;
    const wait = waitAsync(this.header, this.word, value);
    if (!wait.async) return false;
    this.armed = true;
    void (wait.value as Promise<string>).then(() => {
      this.armed = false;
      this.look();
    });
    return true;
  }

  /** Ends all waits of this thread. An outstanding one of the engine's would hold the ring's memory. */
  close(error: AioError): void {
    for (const one of this.waiting.splice(0)) one.reject(error);
    this.look();
    Atomics.notify(this.header, this.word);
  }
}
