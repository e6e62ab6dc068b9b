// SPDX-License-Identifier: MIT
import type { GuestHost } from './guest-host.js';

export const guestHost: GuestHost = {
  // Bundlers recognise a worker by exactly this expression.
  makeWorker: (name) => new Worker(new URL('./guest-browser.js', import.meta.url), { type: 'module', name }),
};
