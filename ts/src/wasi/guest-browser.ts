// SPDX-License-Identifier: MIT
/** The worker of guests, in browsers. */
import { workerHost } from '../hosts/browser-worker.js';
import { startGuestWorker } from './guest-worker.js';

startGuestWorker(workerHost);
