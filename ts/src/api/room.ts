// SPDX-License-Identifier: MIT
import { onAbort } from '../abort.js';
import { noMemory } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';

/** The most requests that may wait. Each takes about 1 KiB of JavaScript's memory. */
const MAX_WAITING = 1 << 20;

interface Queued {
  readonly bytes: number;
  go(): void;
  /** The request no longer waits: its signal was aborted. */
  left: boolean;
  next: Queued | undefined;
}

/**
 * Limits the shared memory that requests in flight take, so that many of them at once leave room for everything else.
 * Requests that do not fit wait for others to end, first come, first served. A request that is alone is always
 * admitted; whether there is memory for it is for malloc to say. @internal
 */
export class Room {
  private used = 0;
  private waiting = 0;
  private first: Queued | undefined;
  private last: Queued | undefined;
  /** The bytes that are known to fit: less than `most` after malloc has failed. */
  private limit: number;

  constructor(private readonly most: number) {
    this.limit = most;
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.limit;
  }

  /**
   * Takes `bytes`, until give() returns them. If a promise is returned, they are taken when it resolves; it rejects
   * with the signal's reason.
   * @throws AioError ERR_AIO_NO_MEMORY: too many requests are waiting
   */
  take(bytes: number, signal: AbortSignalLike | undefined): Promise<void> | undefined {
    if (!this.first && this.fits(bytes)) {
      this.used += bytes;
      return undefined;
    }
    if (this.waiting === MAX_WAITING) throw noMemory('more requests that wait for memory');
    return this.wait(bytes, signal, (queued) => {
      if (this.last) this.last.next = queued;
      else this.first = queued;
      this.last = queued;
    });
  }

  /**
   * Returns `bytes` for which malloc had no memory, and lowers the limit. The promise resolves when they are taken
   * again, before those of all other waiting requests, after some requests in flight have ended. Returns undefined if
   * none is in flight.
   */
  again(bytes: number, signal: AbortSignalLike | undefined): Promise<void> | undefined {
    this.used -= bytes;
    this.limit = this.used;
    if (this.used === 0) {
      this.admit();
      return undefined;
    }
    return this.wait(bytes, signal, (queued) => {
      queued.next = this.first;
      this.first = queued;
      this.last ??= queued;
    });
  }

  /** Returns the bytes of a request that has ended, and admits requests that wait. */
  give(bytes: number): void {
    this.used -= bytes;
    this.limit = Math.min(this.most, this.limit + bytes);
    this.admit();
  }

  private wait(bytes: number, signal: AbortSignalLike | undefined, enqueue: (queued: Queued) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        queued.left = true;
        this.waiting--;
        reject(signal?.reason as Error);
        this.admit();
      };
      const go = (): void => {
        ignore();
        this.waiting--;
        resolve();
      };
      const queued: Queued = { bytes, go, left: false, next: undefined };
      this.waiting++;
      enqueue(queued);
      const ignore = onAbort(signal, leave);
    });
  }

  private admit(): void {
    for (let { first } = this; first && (first.left || this.fits(first.bytes)); first = this.first) {
      this.first = first.next;
      if (!this.first) this.last = undefined;
      if (first.left) continue;
      this.used += first.bytes;
      first.go();
    }
  }
}
