// SPDX-License-Identifier: MIT
import { parentPort } from 'node:worker_threads';
import { workerHost } from '../hosts/node-worker.js';
import { startWorker } from './worker.js';

if (!parentPort) throw new Error('wasm-aio: this file is a worker of the runtime');
startWorker(workerHost);
