// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import { browserBase } from './browser.js';
import type { MadeWorker, OwnerHost } from './host.js';
import { webWorker } from './web-worker.js';
import type { WorkerScript } from './worker-script.js';

const partial = ['', ''];

/** Writes complete lines to the console. */
function toConsole(fd: number, bytes: Uint8Array): undefined {
  const lines = (partial[fd - 1] + new TextDecoder().decode(bytes.slice())).split('\n');
  partial[fd - 1] = lines.pop() ?? '';
  for (const line of lines) (fd === 1 ? console.log : console.error)(line);
}

/** Calls make(), and finds out the script of the worker that it creates, which the Worker object does not tell. */
function noteScript(make: () => MadeWorker): { worker: Worker; script: WorkerScript | undefined } {
  const { Worker } = globalThis;
  let script: WorkerScript | undefined;
  globalThis.Worker = new Proxy(Worker, {
    construct(target, given: ConstructorParameters<typeof Worker>, derived) {
      script = { url: given[0], isModule: given[1]?.type === 'module' };
      return Reflect.construct(target, given, derived) as object;
    },
  });
  try {
    return { worker: make() as Worker, script };
  } finally {
    globalThis.Worker = Worker;
  }
}

/** The error that an `error` event of a worker tells. */
async function errorOf(event: ErrorEvent, script: WorkerScript | undefined): Promise<unknown> {
  try {
    return await (await import('./worker-script.js')).errorOf(event, script);
  } catch {
    // That file cannot be loaded either.
    return new Error(event.message || "the worker's script did not load");
  }
}

export const ownerHost: OwnerHost = {
  ...browserBase,
  cpus: navigator.hardwareConcurrency || 1,
  filesAreOwned: true,
  errorsEnd: false,
  killsCleanly: false,

  warn: (text) => console.warn(`wasm-aio: ${text}`),

  async checkSupport() {
    // Service workers cannot start workers, and shared workers outlive their pages.
    if (!('Worker' in globalThis) || 'onconnect' in globalThis) throw new AioError('ERR_AIO_UNSUPPORTED', 'a runtime needs a page or a dedicated worker');
    if (!crossOriginIsolated) throw new AioError('ERR_AIO_UNSUPPORTED', (await import('./isolation.js')).NOT_ISOLATED);
  },

  async readModule(url) {
    const response = await fetch(url);
    if (!response.ok) throw new AioError('ERR_AIO_MODULE', `${url.href}: HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  },

  startWorker(name, events, make) {
    // Bundlers recognise a worker by exactly this expression.
    const { worker, script } = noteScript(() => (make ? make(name) : new Worker(new URL('../iothread/worker-browser.js', import.meta.url), { type: 'module', name })));
    return webWorker(worker, events, (event) => errorOf(event, script));
  },

  write: toConsole,
  pread: () => 'ENOTSUP',
  pwrite: () => 'ENOTSUP',
  preadv: () => 'ENOTSUP',
  pwritev: () => 'ENOTSUP',
  fdatasync: () => 'ENOTSUP',
};
