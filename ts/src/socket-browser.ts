// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/socket` for browsers. */
import { webTransports } from './socket/web.js';
import { provideTransports } from './socket/transport.js';

provideTransports(webTransports);

export * from './socket/public.js';
