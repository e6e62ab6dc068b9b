// SPDX-License-Identifier: MIT
import { parentPort, type TransferListItem } from 'node:worker_threads';
import type { WorkerHost } from './host.js';
import { nodeBase } from './node.js';
import { closeFile, openFile } from './node-file.js';

if (!parentPort) throw new Error('wasm-aio: this file is a worker of the runtime');
const port = parentPort;

export const workerHost: WorkerHost = {
  ...nodeBase,
  onMessage: (listener) => void port.on('message', listener),
  post: (message, transfer = []) => port.postMessage(message, transfer as TransferListItem[]),
  // Deno's port has no close(); its worker has.
  end: () => ('close' in port ? port.close() : (globalThis as unknown as { close(): void }).close()),
  open: openFile,
  close: closeFile,
};
