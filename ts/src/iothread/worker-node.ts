// SPDX-License-Identifier: MIT
import { workerHost } from '../hosts/node-worker.js';
import { startWorker } from './worker.js';

startWorker(workerHost);
