// SPDX-License-Identifier: MIT
/** The worker that runs threads of guests, in Node, Deno and Bun. */
import { workerHost } from '../hosts/node-worker.js';
import { directoryCalls } from './calls-directory.js';
import { startGuestWorker } from './guest-worker.js';

startGuestWorker(workerHost, directoryCalls);
