// SPDX-License-Identifier: MIT
/** `wasm-aio/wasi` for Node, Deno, Bun, and for files that no bundler has touched. */
import './index.js';

export * from './wasi/public.js';
