// SPDX-License-Identifier: MIT
/** With the workers of fixtures/worker.ts: a read at this offset fails with EIO. */
export const BAD_OFFSET = 666;
/** And one at this never comes back from the host. */
export const ENDLESS_OFFSET = 667;
