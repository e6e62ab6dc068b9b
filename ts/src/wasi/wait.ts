// SPDX-License-Identifier: MIT
import type { GuestThread } from './guest-thread.js';

/** Sleeps until ready() is true. A thread that makes it true wakes the sleepers of the mask up. */
export function waitFor({ shared }: GuestThread, mask: number, ready: () => boolean): void {
  for (;;) {
    const seen = shared.prepareSleep();
    shared.watch(mask);
    if (ready()) return;
    shared.sleep(seen);
  }
}
