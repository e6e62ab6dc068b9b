// SPDX-License-Identifier: MIT
/** The package's worker in Node, Deno and Bun, and the entry that a user's worker file imports. */
import { isWorker, workerHost } from '../hosts/node-worker.js';
import { startThisWorker } from './start-worker.js';

if (isWorker) startThisWorker(workerHost);

export * from './public.js';
