// SPDX-License-Identifier: MIT
import { workerHost } from '../hosts/browser-worker.js';
import { startWorker } from './worker.js';

startWorker(workerHost);
