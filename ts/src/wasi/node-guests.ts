// SPDX-License-Identifier: MIT
import { Worker } from 'node:worker_threads';
import { isNode } from '../hosts/node.js';
import { workerOptions } from '../hosts/node-owner.js';
import type { GuestHost } from './guest-host.js';

/**
 * Whether this is Node 20, whose baseline compiler (V8 11.3) spoils the local variables of functions that both wait and notify. aiocc
 * keeps the two apart; other modules have to be compiled without it. The flag stays set, because functions are compiled when they
 * are first called.
 */
const spoilsLocals = isNode && /^11\./.test(process.versions.v8);

export const guestHost: GuestHost = {
  ...(spoilsLocals ? { beforeThreads: async () => (await import('node:v8')).setFlagsFromString('--no-liftoff') } : {}),
  // (The folder is named because the program wasm-aio contains this file in a bundle, in another folder.)
  makeWorker: (name) => new Worker(new URL('../wasi/guest-node.js', import.meta.url), workerOptions(name)),
  surroundings: () => import('./node-surroundings.js'),
};
