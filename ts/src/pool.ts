// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/pool` for Node, Deno and Bun, and for pages without a bundler. */
import { provideAnyHost } from './hosts/provide.js';

provideAnyHost();

export * from './pool/public.js';
