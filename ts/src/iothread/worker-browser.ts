// SPDX-License-Identifier: MIT
/** The worker in browsers, and all that a file of the user's imports into its own. */
import { workerHost } from '../hosts/browser-worker.js';
import { startThisWorker } from './start-worker.js';

if ('DedicatedWorkerGlobalScope' in globalThis) startThisWorker(workerHost);

export * from './public.js';
