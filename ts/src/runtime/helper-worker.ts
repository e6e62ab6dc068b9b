// SPDX-License-Identifier: MIT
import type { WorkerHost } from '../hosts/host.js';
import type { FromHelper } from './helpers.js';
import { waitForOthers, type HelperInit } from './waiter.js';

/** Makes this worker a helper, which waits for another thread and does nothing else. */
export function runHelper(host: WorkerHost, init: HelperInit): void {
  const post = (message: FromHelper): void => (init.port && message.type === 'woken' ? init.port.postMessage(message) : host.post(message));
  waitForOthers(init, () => post({ type: 'woken' }));
  init.port?.close();
  post({ type: 'ended' });
  host.end();
}
