// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/iothread`, which the file of an IOThread's worker imports, for Node, Deno and Bun. */
import './iothread/own.js';

export * from './iothread/worker-node.js';
