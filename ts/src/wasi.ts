// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/wasi` for Node, Deno and Bun, and for pages without a bundler. */
import { provideAnyHost } from './hosts/provide.js';
import { isNode } from './hosts/detect.js';
import { provideGuestHost } from './wasi/guest-host.js';

provideAnyHost();
provideGuestHost(async () => (isNode() ? await import('./wasi/node-guests.js') : await import('./wasi/browser-guests.js')).guestHost);

export * from './wasi/public.js';
