// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/pool` that bundlers take for a page. */
import './browser.js';

export * from './pool/public.js';
