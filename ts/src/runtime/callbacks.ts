// SPDX-License-Identifier: MIT
import { reportUncaught } from '../errors.js';
import type { Escape } from './escape.js';

/**
 * A function that an event loop calls. If it returns a promise, the loop does not wait for that, but lets
 * JavaScript's other tasks run until it is settled.
 */
export type Callback = () => void | Promise<void>;

/** What a thread does about call-backs that its loops run. */
export interface CallbackHooks {
  /** Holds errors that have left the module. */
  readonly instance: Escape;
  /** A call-back has run: microtasks may be waiting. */
  ran(): void;
  /** A call-back has returned a promise; this one never rejects. */
  returned(open: Promise<unknown>): void;
}

/** The JavaScript functions that the loops of one thread call, by their numbers. */
export class Callbacks {
  private readonly byId = new Map<number, Callback>();
  /** What measures call-backs puts a function around each that is added: see whole/slow-callbacks.ts. */
  readonly wraps = new Set<(run: Callback, what: string) => Callback>();
  private lastId = 0;
  /** How many are running at the moment: one may call another one through C. */
  private depth = 0;

  constructor(private readonly hooks: CallbackHooks) {}

  /** what: the name of what it is registered for. */
  add(run: Callback, what: string): number {
    // 0 means none in C. A number that is still in use after 2^32 others is skipped.
    do {
      this.lastId = (this.lastId + 1) >>> 0;
    } while (this.lastId === 0 || this.byId.has(this.lastId));
    for (const wrap of this.wraps) run = wrap(run, what);
    this.byId.set(this.lastId, run);
    return this.lastId;
  }

  remove(id: number): void {
    this.byId.delete(id);
  }

  get size(): number {
    return this.byId.size;
  }

  /** Whether a call-back is running now. */
  get running(): boolean {
    return this.depth > 0;
  }

  /**
   * Called by C, as the import `callback`. An error that the call-back throws, or that its promise rejects with, is
   * an uncaught error of this thread, and C continues as if the call-back had returned. But an error that came out of
   * a call into the module which the call-back made is passed on through C, even if the call-back caught it.
   */
  call(id: number): void {
    // It may have been closed meanwhile.
    const callback = this.byId.get(id);
    if (!callback) return;
    this.hooks.ran();
    let thrown: { error: unknown } | undefined;
    this.depth++;
    try {
      const result: unknown = callback();
      if (typeof (result as PromiseLike<void> | undefined)?.then === 'function') {
        this.hooks.returned(Promise.resolve(result as PromiseLike<void>).catch(reportUncaught));
      }
    } catch (error) {
      thrown = { error };
    }
    this.depth--;
    const { escaped } = this.hooks.instance;
    if (escaped) throw escaped.error;
    if (thrown) reportUncaught(thrown.error);
  }
}
