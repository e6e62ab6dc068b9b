// SPDX-License-Identifier: MIT

/** Handing a request to another thread and getting it back costs so many ms. What takes longer in the loop's own thread counts as waiting. */
const FREE_MS = 0.03;
/** The loop may wait for the storage for so much of the time. */
const SHARE = 1 / 20;
/** So much of that, in ms, is kept for later; and so much is made up for at most, after a wait of any length. */
const MOST_SAVED_MS = 20;
const MOST_OWED_MS = 1000;

/**
 * The time that a loop may wait for the storage by carrying out requests itself. A file in memory is read in less time than it takes to wake
 * another thread; a file on a disk is not, and while the loop waits for the disk, all clients do.
 */
export class LoopTime {
  #saved = MOST_SAVED_MS;
  #since: number | undefined;

  /** Returns whether the loop may carry out a request itself. now: in ms. */
  isLeft(now: number): boolean {
    this.#saved = Math.min(this.#saved + (now - (this.#since ?? now)) * SHARE, MOST_SAVED_MS);
    this.#since = now;
    return this.#saved > 0;
  }

  /** A request took the loop so many ms. */
  took(ms: number): void {
    if (ms > FREE_MS) this.#saved = Math.max(this.#saved - ms, -MOST_OWED_MS);
  }
}
