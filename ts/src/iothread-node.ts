// SPDX-License-Identifier: MIT
/** `wasm-aio/iothread`: what the file of an IOThread's worker imports, in Node, Deno and Bun. */
import './iothread/own.js';

export * from './iothread/worker-node.js';
