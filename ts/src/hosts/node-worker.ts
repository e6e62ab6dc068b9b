// SPDX-License-Identifier: MIT
import type * as childProcess from 'node:child_process';
import { createRequire } from 'node:module';
import { parentPort, type MessagePort, type TransferListItem } from 'node:worker_threads';
import type { WorkerHost } from './host.js';
import { clockIsShared, isNode, nodeBase } from './node.js';
import { takeConsole } from './node-console.js';
import { fileControl } from './node-file.js';
import { nodeWork } from './node-work.js';
import { connect } from './node-connect.js';
import { agreeOnClock, takeClock } from './thread-clock.js';
import { webPort } from './web-port.js';

/** The port to the owner; there is none if a worker's file is imported by mistake. */
const port = (parentPort ?? webPort()) as MessagePort;

/** Whether this thread is a worker. */
export const isWorker = Boolean(port);

/** The events of the web's workers, which Deno's and Bun's workers have as well. */
interface EventScope {
  addEventListener(type: 'error' | 'unhandledrejection', listener: (event: { error?: unknown; reason?: unknown }) => void): void;
}

export const workerHost: WorkerHost = {
  ...nodeBase,
  ...(isNode ? nodeWork(port) : {}),
  onMessage(listener, unreadable) {
    port.on('message', clockIsShared ? listener : (data: unknown) => void (takeClock(data) || listener(data)));
    port.on('messageerror', unreadable);
  },
  post: (message, transfer = []) => port.postMessage(message, transfer as TransferListItem[]),
  ...(clockIsShared ? {} : { agreeOnClock: () => agreeOnClock(port) }),
  ...(parentPort && { refMessages: (on: boolean) => (on ? port.ref() : port.unref()) }),
  ...(isNode ? { takeConsole } : {
    // Workers of Deno and Bun print by themselves. Of an error they tell their owner only its class and message.
    onLastWords(listener: (error: unknown) => void) {
      const scope = globalThis as unknown as EventScope;
      scope.addEventListener('error', ({ error }) => listener(error));
      scope.addEventListener('unhandledrejection', ({ reason }) => listener(reason));
    },
  }),
  // Deno's port has no close(), but its worker's global scope has.
  end: () => ('close' in port ? port.close() : (globalThis as unknown as { close(): void }).close()),
  touch(options, path) {
    // This module is loaded only when it is needed: loading it takes longer than everything else that a worker uses of Node.
    const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof childProcess;
    // In the child process, /proc/self would be that of touch.
    const file = path.replace('/proc/self/', `/proc/${process.pid}/`);
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    return spawnSync('touch', ['-c', ...options, '--', file], { stdio: 'ignore', env }).status === 0;
  },
  files: fileControl,
  connect,
};
