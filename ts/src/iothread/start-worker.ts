// SPDX-License-Identifier: MIT
import type { WorkerHost } from '../hosts/host.js';
import { startWorker } from '../runtime/worker.js';
import { kinds } from './kinds.js';
import { meeting } from './serve.js';

/**
 * The one file that a worker loads is its entry, or is imported by the user's file, which is the entry
 * then: an entry of the package's has imported own.ts first in that case. Does nothing if a copy of this file, from
 * another bundle, is at work in this thread already.
 */
export function startThisWorker(host: WorkerHost): void {
  if (meeting.started) return;
  meeting.isWorker = true;
  meeting.started = true;
  const isOwn = Symbol.for('wasm-aio.own') in globalThis;
  if (isOwn) host.takeConsole?.();
  startWorker(host, kinds);
  if (!isOwn) return;
  // A file that never calls serve() ends, and the owner hears of that.
  host.refMessages?.(false);
  void meeting.service.then(() => host.refMessages?.(true));
}
