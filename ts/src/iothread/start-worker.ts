// SPDX-License-Identifier: MIT
import type { WorkerHost } from '../hosts/host.js';
import { kinds } from './kinds.js';
import { meeting } from './serve.js';
import { startUserWorker, startWorker } from './worker.js';

/**
 * The one file that a worker loads is its entry, or is imported by the user's file, which is the entry
 * then. An entry of the package's imports own.ts first in that case. Does nothing if a copy of this file, from
 * another bundle, is at work in this thread already.
 */
export function startThisWorker(host: WorkerHost): void {
  if (meeting.started) return;
  if (Symbol.for('wasm-aio.own') in globalThis) startUserWorker(host, kinds);
  else startWorker(host, kinds);
}
