// SPDX-License-Identifier: MIT
import { Panic } from './death.js';

/** A function that a loop calls; a promise that it returns is waited for by nobody,
 * but the loop gives JavaScript its turns until it is settled. */
export type Callback = () => void | Promise<void>;

/** What a thread does about its call-backs. */
export interface CallbackHooks {
  /** One has run: microtasks may be waiting. */
  ran(): void;
  /** One returned a promise, which never rejects. */
  returned(open: Promise<unknown>): void;
  /** Such a promise was rejected. */
  failed(death: Panic): void;
}

/** The JavaScript functions that the loops of one thread call, by number. */
export class Callbacks {
  private readonly byId = new Map<number, { what: string; run: Callback }>();
  private lastId = 0;

  constructor(private readonly hooks: CallbackHooks) {}

  /** what: the object, for messages ("bottom half 'flush'"). */
  add(what: string, run: Callback): number {
    // 0 is none, for C; a number that is still in use after 2^32 others is skipped.
    do {
      this.lastId = (this.lastId + 1) >>> 0;
    } while (this.lastId === 0 || this.byId.has(this.lastId));
    this.byId.set(this.lastId, { what, run });
    return this.lastId;
  }

  remove(id: number): void {
    this.byId.delete(id);
  }

  get size(): number {
    return this.byId.size;
  }

  /** C's: the import `callback`. */
  call(id: number): void {
    // Closed meanwhile?
    const callback = this.byId.get(id);
    if (!callback) return;
    this.hooks.ran();
    let result: unknown;
    try {
      result = callback.run();
    } catch (error) {
      throw deathOf(callback.what, error);
    }
    if (typeof (result as PromiseLike<void> | undefined)?.then !== 'function') return;
    const settled = Promise.resolve(result as PromiseLike<void>).catch((error: unknown) => {
      this.hooks.failed(deathOf(callback.what, error));
    });
    this.hooks.returned(settled);
  }
}

/** Nobody is there to catch what a call-back throws: it is the runtime's death. */
function deathOf(what: string, error: unknown): Panic {
  if (error instanceof Panic) return error;
  return new Panic(`${what} threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`, { cause: error });
}
