// SPDX-License-Identifier: MIT
/** What the entry `wasm-aio/wasi` exports. */
export { WasiHost, type WasiOptions } from './wasi-host.js';
export type { MessagePortLike, ReadableStreamLike, WritableStreamLike } from '../platform.js';
export type { GuestInstance } from './guest-worker.js';
export type { GuestDirectory, GuestOptions, Standard } from './guest-options.js';
export { AioStream, type AnyNodeStream, type StreamSource, type WebStreams } from './stream.js';
