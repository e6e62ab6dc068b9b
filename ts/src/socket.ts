// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/socket` for Node, Deno and Bun. */
import { nodeTransports } from './socket/node.js';
import { provideTransports } from './socket/transport.js';

provideTransports(nodeTransports);

export * from './socket/public.js';
