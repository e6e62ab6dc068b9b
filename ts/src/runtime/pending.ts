// SPDX-License-Identifier: MIT
import { begun } from '../abort.js';

/** Somebody who waits for a number that C gives in the end. */
export interface Waiting {
  resolve(result: number): void;
  reject(error: Error): void;
}

/** Those who wait, each by the number that C knows them by. */
export class Pending {
  private lastId = 0;
  /** holder: whose end rejects it. */
  private readonly all = new Map<number, Waiting & { holder: object; by: AbortSignal | undefined }>();

  get size(): number {
    return this.all.size;
  }

  hold(holder: object, { resolve, reject }: Waiting): number {
    this.lastId = (this.lastId % 0xffffffff) + 1;
    this.all.set(this.lastId, { holder, resolve, reject, by: begun.by });
    return this.lastId;
  }

  /** It is waited for no longer. */
  drop(id: number): void {
    this.all.delete(id);
  }

  complete(id: number, result: number): void {
    const waiting = this.all.get(id);
    this.all.delete(id);
    waiting?.resolve(result);
  }

  /** Those of a holder, or all. How many of these are still waited for. */
  reject(error: Error, holder?: object): number {
    let count = 0;
    for (const [id, waiting] of [...this.all]) {
      if (holder !== undefined && waiting.holder !== holder) continue;
      this.all.delete(id);
      waiting.reject(error);
      if (!waiting.by?.aborted) count++;
    }
    return count;
  }
}
