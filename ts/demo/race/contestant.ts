// SPDX-License-Identifier: MIT
/** One of those who take part in the race: a worker that doubles numbers, and the way to it. */
export interface Contestant {
  /** Sends a number to the worker; resolves with twice that number. */
  double(n: number): Promise<number>;
  close(): void | Promise<void>;
}
