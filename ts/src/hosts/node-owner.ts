// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker, type TransferListItem, type WorkerOptions } from 'node:worker_threads';
import type { OwnerHost } from './host.js';
import { clockIsShared, nodeBase } from './node.js';
import { closeFile, fdsAreOwned, openFile } from './node-file.js';
import { answerClock } from './thread-clock.js';

export const workerOptions = (name: string): WorkerOptions => ({
  name,
  // Inherited, unless a flag is among them that a worker refuses. (Named one by
  // one, V8's would be refused: they hold for the whole process anyway.)
  ...(process.execArgv.some((arg) => arg.startsWith('--input-type')) ? { execArgv: [] } : {}),
  // A thread that ends must not close the fds of the others.
  trackUnmanagedFds: false,
});

export const ownerHost: OwnerHost = {
  ...nodeBase,
  cpus: availableParallelism(),
  filesAreOwned: fdsAreOwned,
  errorsEnd: true,
  killsCleanly: !('Deno' in globalThis),

  warn: (text) => process.emitWarning(text, 'WasmAioWarning'),

  checkSupport() {},

  // Nothing but a handle of libuv's counts, and of these a timer costs least.
  keepAlive() {
    let timer: NodeJS.Timeout | undefined;
    return {
      ref: () => void (timer ??= setInterval(() => {}, 0x7fffffff)),
      unref() {
        clearInterval(timer);
        timer = undefined;
      },
    };
  },

  async readModule(url) {
    return new Uint8Array(await readFile(fileURLToPath(url)));
  },

  startWorker(name, events, make) {
    const worker = make ? (make(name) as Worker) : new Worker(new URL('../iothread/worker-node.js', import.meta.url), workerOptions(name));
    worker.on('message', (data) => void ((!clockIsShared && answerClock(data, worker)) || events.message(data)));
    worker.on('messageerror', () => events.unreadable());
    worker.on('error', (error) => events.error(error));
    let terminated = false;
    const gone = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        // Deno says so at once of one that is terminated, and lets it go on as long as it spins or waits.
        const confirmed = !(terminated && 'Deno' in globalThis);
        events.exit(confirmed, code);
        if (confirmed) resolve();
      });
    });
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer as TransferListItem[]),
      terminate() {
        terminated = true;
        void worker.terminate();
      },
      gone,
      keepAlive: (on) => (on ? worker.ref() : worker.unref()),
    };
  },

  open: openFile,
  close: closeFile,
};
