// SPDX-License-Identifier: MIT
import type { GuestThread } from './guest-thread.js';

/**
 * Sleeps until ready() is true. A thread that makes it true wakes the sleepers of the mask up. Returns false if that has not happened
 * by the time `end`, in ms as performance.now() counts them.
 */
export function waitFor({ shared }: GuestThread, mask: number, ready: () => boolean, end = Infinity): boolean {
  for (;;) {
    const seen = shared.prepareSleep();
    shared.watch(mask);
    if (ready()) return true;
    const left = end === Infinity ? Infinity : end - performance.now();
    if (left <= 0) return false;
    shared.sleep(seen, left);
  }
}
