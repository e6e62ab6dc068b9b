// SPDX-License-Identifier: MIT
import { parentPort, type MessagePort, type TransferListItem } from 'node:worker_threads';
import type { WorkerHost } from './host.js';
import { clockIsShared, nodeBase } from './node.js';
import { takeConsole } from './node-console.js';
import { closeFile, openFile } from './node-file.js';
import { agreeOnClock, takeClock } from './thread-clock.js';

/** There is none where a worker's file is imported by mistake. */
const port = parentPort as MessagePort;

export const workerHost: WorkerHost = {
  ...nodeBase,
  onMessage(listener, unreadable) {
    port.on('message', clockIsShared ? listener : (data: unknown) => void (takeClock(data) || listener(data)));
    port.on('messageerror', unreadable);
  },
  post: (message, transfer = []) => port.postMessage(message, transfer as TransferListItem[]),
  ...(clockIsShared ? {} : { agreeOnClock: () => agreeOnClock(port) }),
  refMessages: (on) => (on ? port.ref() : port.unref()),
  // Deno's and Bun's workers print by themselves.
  ...('Deno' in globalThis || 'Bun' in globalThis ? {} : { takeConsole }),
  // Deno's port has no close(); its worker has.
  end: () => ('close' in port ? port.close() : (globalThis as unknown as { close(): void }).close()),
  open: openFile,
  close: closeFile,
};
