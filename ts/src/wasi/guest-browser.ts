// SPDX-License-Identifier: MIT
/** The worker that runs threads of guests, in browsers. */
import { workerHost } from '../hosts/browser-worker.js';
import { startGuestWorker } from './guest-worker.js';

startGuestWorker(workerHost);
