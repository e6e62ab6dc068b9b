// SPDX-License-Identifier: MIT
import type { WorkerHost } from '../hosts/host.js';
import { startWorker } from '../runtime/worker.js';
import { kinds } from './kinds.js';
import { meeting } from './serve.js';

/**
 * Makes this worker one of the package's. The file with this function is either the worker's entry, or is imported by
 * the user's file; in that case an entry of the package has imported own.ts first. Does nothing if a copy of this
 * function, from another bundle, has already been called in this thread.
 */
export function startThisWorker(host: WorkerHost): void {
  if (meeting.started) return;
  meeting.isWorker = true;
  meeting.started = true;
  const isOwn = Symbol.for('wasm-aio.own') in globalThis;
  if (isOwn) host.takeConsole?.();
  startWorker(host, kinds);
  if (!isOwn) return;
  // A worker whose file never calls serve() then ends by itself, which its owner is told.
  host.refMessages?.(false);
  void meeting.service.then(() => host.refMessages?.(true));
}
