// SPDX-License-Identifier: MIT
/** With the workers of fixtures/worker.ts: a read at this offset fails with EIO. Far behind what any test
 * reads otherwise: a random storm of short reads meets each offset in its file. */
export const BAD_OFFSET = 2 ** 40 + 666;
/** And one at this never comes back from the host. */
export const ENDLESS_OFFSET = 2 ** 40 + 667;
/** And one at this waits until `faults` at Fault.gate is not 0. */
export const HELD_OFFSET = 2 ** 40 + 668;

/** Places in `faults` of helpers/workers.ts. */
export const Fault = {
  /** Calls of the host on files so far. */
  calls: 0,
  /** Which of them fails with EIO; 0: none. */
  failing: 1,
  /** Each of so many gives EAGAIN; 0: none. */
  againEach: 2,
  /** Bytes that a read gives at most; 0: all of them. */
  atOnce: 3,
  /** Messages that its workers have received. */
  received: 4,
  /** Reads that wait, or have waited, at HELD_OFFSET. */
  held: 5,
  /** Not 0: they go on. */
  gate: 6,
  /** Not 0: JavaScript's event loop has no turn any more. */
  still: 7,
} as const;
