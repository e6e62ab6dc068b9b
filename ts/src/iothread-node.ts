// SPDX-License-Identifier: MIT
/** `wasm-aio/iothread`: what the file of an IOThread's worker imports, in Node, Deno and Bun. */
import { parentPort } from 'node:worker_threads';
import { workerHost } from './hosts/node-worker.js';
import { startUserWorker } from './iothread/worker.js';

if (parentPort) startUserWorker(workerHost);

export * from './iothread/public.js';
