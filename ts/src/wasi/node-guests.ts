// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { workerOptions } from '../hosts/node-owner.js';
import type { GuestHost } from './guest-host.js';

export const guestHost: GuestHost = {
  // (The folder is named because the program wasm-aio contains this file in a bundle, in another folder.)
  makeWorker: (name) => new Worker(new URL('../wasi/guest-node.js', import.meta.url), workerOptions(name)),
  surroundings: () => import('./node-surroundings.js'),
};
