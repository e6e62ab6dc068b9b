// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/iothread`, which the file of an IOThread's worker imports, for browsers. */
import './iothread/own.js';

export * from './iothread/worker-browser.js';
