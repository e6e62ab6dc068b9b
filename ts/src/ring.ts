// SPDX-License-Identifier: MIT
/** The entry `wasm-aio/ring`: queues of records in shared memory, without WebAssembly and without a runtime. */
export * from './ring/public.js';
