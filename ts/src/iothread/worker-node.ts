// SPDX-License-Identifier: MIT
/** The worker in Node, Deno and Bun, and all that a file of the user's imports into its own. */
import { parentPort } from 'node:worker_threads';
import { workerHost } from '../hosts/node-worker.js';
import { startThisWorker } from './start-worker.js';

if (parentPort) startThisWorker(workerHost);

export * from './public.js';
