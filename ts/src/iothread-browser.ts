// SPDX-License-Identifier: MIT
/** `wasm-aio/iothread`: what the file of an IOThread's worker imports, for browsers. */
import { workerHost } from './hosts/browser-worker.js';
import { startUserWorker } from './iothread/worker.js';

if ('DedicatedWorkerGlobalScope' in globalThis) startUserWorker(workerHost);

export * from './iothread/public.js';
