// SPDX-License-Identifier: MIT
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker, type TransferListItem } from 'node:worker_threads';
import type { OwnerHost } from './host.js';
import { fdsAreOwned, clockIsShared, isNode, nodeBase } from './node.js';
import type * as webWorkers from './node-web-worker.js';
import { workerOptions } from './node-worker-options.js';
import { answerClock } from './thread-clock.js';

/** What takes workers of the web's kind, which Node does not have. */
let web: typeof webWorkers | undefined;

export const ownerHost: OwnerHost = {
  ...nodeBase,
  cpus: availableParallelism(),
  filesAreOwned: fdsAreOwned,
  errorsEnd: true,
  killsCleanly: !('Deno' in globalThis),

  warn: (text) => process.emitWarning(text, 'WasmAioWarning'),

  async checkSupport() {
    if (!isNode) web ??= await import('./node-web-worker.js');
  },

  // Only a handle of libuv keeps the process alive, and a timer is the cheapest one.
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
    const made = make ? make(name) : new Worker(new URL('../iothread/worker-node.js', import.meta.url), workerOptions(name));
    if (web?.isWebWorker(made)) return web.startWebWorker(made, events);
    const worker = made as Worker;
    worker.on('message', (data) => void ((!clockIsShared && answerClock(data, worker)) || events.message(data)));
    worker.on('messageerror', () => events.unreadable());
    worker.on('error', (error) => events.error(error));
    let terminated = false;
    const gone = new Promise<void>((resolve) => {
      worker.on('exit', (code) => {
        // Deno reports the end of a terminated worker immediately, but lets the worker run on while it spins or waits.
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

  files: async () => (await import('./node-file.js')).fileControl,
};
