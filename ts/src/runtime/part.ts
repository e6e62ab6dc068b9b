// SPDX-License-Identifier: MIT
import type { CloseOptions, Ending } from './closed.js';

/** What a part of a runtime has done when the runtime failed. */
export interface Failed {
  /** How many promises that somebody waits for were rejected. */
  readonly waited: number;
  /** The promises `closed` that report the failure. */
  readonly endings: readonly Ending[];
}

/**
 * Something that is built on the core and ends with it, such as contexts, IOThreads and files. It adds itself to
 * Core.parts; the core knows no part by name.
 */
export interface Part {
  /**
   * The runtime is being closed, beginning with the last part. Does what still needs threads. Rejects with the error
   * that Runtime.close() is to reject with in the end.
   */
  close(options: CloseOptions): Promise<void>;
  /** close() was called again, with another time-out. */
  hurry?(options: CloseOptions): void;
  /** The runtime has failed. */
  failed(): Failed;
  /** The threads have ended; all = false: some could not be ended. */
  threadsGone?(all: boolean): Promise<void>;
  /** C has no work for this IOThread left. */
  idle?(ioThread: number): void;
}
