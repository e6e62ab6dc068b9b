// SPDX-License-Identifier: MIT
// The tasks that the pools of pools.mjs run.

import { readlinkSync } from 'node:fs';

export const thread = () => Number(readlinkSync('/proc/thread-self').split('/').at(-1));

export const empty = (n) => n;

/** Computes for 1 ms. */
export function busy(n) {
  for (const end = performance.now() + 1; performance.now() < end;);
  return n;
}
