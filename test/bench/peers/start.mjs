// SPDX-License-Identifier: MIT
// How long a worker that does nothing takes until it has answered.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { measure, now } from './common.mjs';

if (isMainThread) {
  await measure('y_bare_worker_start', 'ns', 1, async () => {
    const start = now();
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => worker.once('message', resolve));
    const ns = now() - start;
    await worker.terminate();
    return ns;
  });
} else {
  parentPort.postMessage('ready');
}
