// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/wasi` that bundlers take for a page. */
import './browser.js';
import { guestHost } from './wasi/browser-guests.js';
import { provideGuestHost } from './wasi/guest-host.js';

provideGuestHost(() => Promise.resolve(guestHost));

export * from './wasi/public.js';
