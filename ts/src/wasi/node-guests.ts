// SPDX-License-Identifier: MIT
import { isNode } from '../hosts/node.js';
import { makeGuestWorker } from '../hosts/node-guest-worker.js';
import type { GuestHost } from './guest-host.js';

/**
 * Whether this is Node 20, whose baseline compiler (V8 11.3) spoils the local variables of functions that both wait and notify. aiocc
 * keeps the two apart; other modules have to be compiled without it. The flag stays set, because functions are compiled when they
 * are first called.
 */
const spoilsLocals = isNode && /^11\./.test(process.versions.v8);

export const guestHost: GuestHost = {
  ...(spoilsLocals ? { beforeThreads: async () => (await import('node:v8')).setFlagsFromString('--no-liftoff') } : {}),
  makeWorker: makeGuestWorker,
  surroundings: () => import('./node-surroundings.js'),
};
