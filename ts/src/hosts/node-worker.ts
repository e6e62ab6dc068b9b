// SPDX-License-Identifier: MIT
import { parentPort } from 'node:worker_threads';
import type { WorkerHost } from './host.js';
import { nodeBase } from './node.js';

if (!parentPort) throw new Error('wasm-aio: this file is a worker of the runtime');
const port = parentPort;

export const workerHost: WorkerHost = {
  ...nodeBase,
  onMessage: (listener) => void port.on('message', listener),
  post: (message) => port.postMessage(message),
  end: () => port.close(),
  open: () => Promise.reject(new Error('files are opened by the owner')),
  close: () => Promise.reject(new Error('files are closed by the owner')),
};
