// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { workerOptions } from './node-worker-options.js';

/** Starts a worker that can be a thread of a guest. Its folder is named because bundles contain this file in other folders. */
export const makeGuestWorker = (name: string): Worker => new Worker(new URL('../wasi/guest-node.js', import.meta.url), workerOptions(name));
