// SPDX-License-Identifier: MIT
import { begun } from '../abort.js';
import type { AbortSignalLike } from '../platform.js';

/** The two functions that settle a promise. */
export interface Resolvers<T> {
  resolve(result: T): void;
  reject(error: Error): void;
}

/** The promises of requests that C completes, or another thread. Each has an id, by which they know it. */
export class Pending {
  private lastId = 0;
  /** holder: the object whose end rejects the promise. */
  private readonly all = new Map<number, Resolvers<unknown> & { holder: object; by: AbortSignalLike | undefined }>();

  get size(): number {
    return this.all.size;
  }

  hold(holder: object, { resolve, reject }: Resolvers<never>): number {
    this.lastId = (this.lastId % 0xffffffff) + 1;
    this.all.set(this.lastId, { holder, resolve: resolve as (result: unknown) => void, reject, by: begun.by });
    return this.lastId;
  }

  /** Forgets a promise that nobody waits for any more. */
  drop(id: number): void {
    this.all.delete(id);
  }

  settle(id: number, how: keyof Resolvers<unknown>, result: unknown): void {
    const promise = this.all.get(id);
    this.all.delete(id);
    promise?.[how](result as Error);
  }

  /** Rejects the promises of a holder, or all of them. Returns how many of these somebody still waits for. */
  reject(error: Error, holder?: object): number {
    let count = 0;
    for (const [id, promise] of [...this.all]) {
      if (holder !== undefined && promise.holder !== holder) continue;
      this.all.delete(id);
      promise.reject(error);
      if (!promise.by?.aborted) count++;
    }
    return count;
  }
}
