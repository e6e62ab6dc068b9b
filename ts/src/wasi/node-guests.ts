// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { workerOptions } from '../hosts/node-owner.js';
import type { GuestHost } from './guest-host.js';

export const guestHost: GuestHost = {
  makeWorker: (name) => new Worker(new URL('./guest-node.js', import.meta.url), workerOptions(name)),
  surroundings: () => import('./node-surroundings.js'),
};
