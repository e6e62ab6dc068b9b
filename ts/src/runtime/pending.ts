// SPDX-License-Identifier: MIT
import { begun } from '../abort.js';
import type { AbortSignalLike } from '../platform.js';

/** What settles a promise. */
export interface Resolvers<T> {
  resolve(result: T): void;
  reject(error: Error): void;
}

/** The promises of numbers that C gives in the end, each by the number that C knows it by. */
export class Pending {
  private lastId = 0;
  /** holder: whose end rejects it. */
  private readonly all = new Map<number, Resolvers<number> & { holder: object; by: AbortSignalLike | undefined }>();

  get size(): number {
    return this.all.size;
  }

  hold(holder: object, { resolve, reject }: Resolvers<number>): number {
    this.lastId = (this.lastId % 0xffffffff) + 1;
    this.all.set(this.lastId, { holder, resolve, reject, by: begun.by });
    return this.lastId;
  }

  /** It is waited for no longer. */
  drop(id: number): void {
    this.all.delete(id);
  }

  complete(id: number, result: number): void {
    const promise = this.all.get(id);
    this.all.delete(id);
    promise?.resolve(result);
  }

  /** Those of a holder, or all. How many of these are still waited for. */
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
