// SPDX-License-Identifier: MIT

/** The loop of an IOThread, as the code in it sees it. */
export interface ServeContext {
  /** The IOThread's. */
  readonly name: string;
  /** The monotonic clock, in ns. */
  clock(): number;
}
