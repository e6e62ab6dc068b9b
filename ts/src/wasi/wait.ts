// SPDX-License-Identifier: MIT
import type { GuestThread } from './guest-thread.js';

/** Sleeps until ready() is true; whoever makes it so wakes the sleepers of the mask. */
export function waitFor({ shared }: GuestThread, mask: number, ready: () => boolean): void {
  for (;;) {
    const seen = shared.prepareSleep();
    shared.watch(mask);
    if (ready()) return;
    shared.sleep(seen);
  }
}
