// SPDX-License-Identifier: MIT
import { noMemory } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';

/** Requests that may wait. Each takes about a KiB of JavaScript's memory. */
const MAX_WAITING = 1 << 20;

interface Queued {
  readonly bytes: number;
  go(): void;
  /** It does not wait any longer. */
  left: boolean;
  next: Queued | undefined;
}

/**
 * The part of the shared memory that requests in flight may take, so that a burst of them leaves
 * room for everything else. Those that do not fit wait for others to end, first come, first
 * served. Who is alone always fits: whether there is memory for it, malloc says. @internal
 */
export class Room {
  private used = 0;
  private waiting = 0;
  private first: Queued | undefined;
  private last: Queued | undefined;
  /** Bytes that evidently fit: less than `most` after malloc has failed. */
  private limit: number;

  constructor(private readonly most: number) {
    this.limit = most;
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.limit;
  }

  /**
   * Takes so many bytes, which give() returns. A promise: they are taken when it is resolved. It
   * is rejected with the signal's reason.
   * @throws AioError ERR_AIO_NO_MEMORY: too many are waiting
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
   * There was no memory for what has taken these bytes; they are returned. A promise: they are
   * taken again, before all others, when some of those in flight have ended. undefined: none
   * is in flight.
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

  /** It has ended. */
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
        signal?.removeEventListener('abort', leave);
        this.waiting--;
        resolve();
      };
      const queued: Queued = { bytes, go, left: false, next: undefined };
      this.waiting++;
      enqueue(queued);
      signal?.addEventListener('abort', leave, { once: true });
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
