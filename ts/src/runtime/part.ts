// SPDX-License-Identifier: MIT
import type { CloseOptions, Ending } from './closed.js';

/** What a part of a runtime does when the runtime fails. */
export interface Failed {
  /** How many promises that somebody waits for were rejected. */
  readonly waited: number;
  /** The ends that tell of the failure. */
  readonly endings: readonly Ending[];
}

/**
 * Something that is built on the core and ends with it: contexts, IOThreads, files. It registers itself in
 * Core.parts; the core knows none by name.
 */
export interface Part {
  /** The runtime is being closed, the last part first. Does what still needs threads. Rejects with what close() is to tell in the end. */
  close(options: CloseOptions): Promise<void>;
  /** close() was called once more, with another time-out. */
  hurry?(options: CloseOptions): void;
  /** The runtime has failed with this error. */
  failed(): Failed;
  /** The threads are gone, or (all: false) some could not be ended. */
  threadsGone?(all: boolean): Promise<void>;
  /** C has no more work for this IOThread in hand. */
  idle?(ioThread: number): void;
}
