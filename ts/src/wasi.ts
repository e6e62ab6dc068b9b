// SPDX-License-Identifier: MIT
/** `wasm-aio/wasi` for Node, Deno, Bun, and for files that no bundler has touched. */
import './index.js';
import { isNode } from './hosts/detect.js';
import { provideGuestHost } from './wasi/guest-host.js';

provideGuestHost(async () => (isNode() ? await import('./wasi/node-guests.js') : await import('./wasi/browser-guests.js')).guestHost);

export * from './wasi/public.js';
