// SPDX-License-Identifier: MIT
/** The package's worker in browsers, and the entry that a user's worker file imports. */
import { workerHost } from '../hosts/browser-worker.js';
import { startThisWorker } from './start-worker.js';

if ('DedicatedWorkerGlobalScope' in globalThis) startThisWorker(workerHost);

export * from './public.js';
