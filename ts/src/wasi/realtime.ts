// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';

/** Makes the realtime clock of a thread, in ns. Date.now() counts whole milliseconds; within one, time passes as on the monotonic clock. */
export function realtimeClock(host: HostBase): () => bigint {
  /** What it is ahead of the monotonic clock. */
  let ahead = 0;
  return () => {
    const monotonic = Math.round(host.monotonic());
    const least = Date.now() * 1e6 - monotonic;
    ahead = Math.min(Math.max(ahead, least), least + 999_999);
    return BigInt(ahead + monotonic);
  };
}
