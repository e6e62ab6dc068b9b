// SPDX-License-Identifier: MIT
/** `wasm-aio/iothread`: what the file of an IOThread's worker imports, for browsers. */
import './iothread/own.js';

export * from './iothread/worker-browser.js';
