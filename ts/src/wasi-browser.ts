// SPDX-License-Identifier: MIT
/** `wasm-aio/wasi` as bundlers take it for a page. */
import './browser.js';

export * from './wasi/public.js';
