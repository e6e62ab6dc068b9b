// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import { browserBase, LOCK } from './browser.js';
import type { OwnerHost } from './host.js';
import { NOT_ISOLATED } from './isolation.js';
import { answerClock } from './thread-clock.js';

const partial = ['', ''];

/** Whole lines go to the console. */
function toConsole(fd: number, bytes: Uint8Array): undefined {
  const lines = (partial[fd - 1] + new TextDecoder().decode(bytes.slice())).split('\n');
  partial[fd - 1] = lines.pop() ?? '';
  for (const line of lines) (fd === 1 ? console.log : console.error)(line);
}

export const ownerHost: OwnerHost = {
  ...browserBase,
  cpus: navigator.hardwareConcurrency || 1,
  filesAreOwned: true,
  killsCleanly: false,

  warn: (text) => console.warn(`wasm-aio: ${text}`),

  checkSupport() {
    if (!crossOriginIsolated) throw new AioError('ERR_AIO_UNSUPPORTED', NOT_ISOLATED);
  },

  async readModule(url) {
    const response = await fetch(url);
    if (!response.ok) throw new AioError('ERR_AIO_MODULE', `${url.href}: HTTP status ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  },

  startWorker(name, events, make) {
    // Bundlers know a worker by exactly this expression.
    const worker = make ? (make() as Worker) : new Worker(new URL('../iothread/worker-browser.js', import.meta.url), { type: 'module', name });
    let held = false;
    let ended = (): void => {};
    const gone = new Promise<void>((resolve) => (ended = resolve));
    // No event tells of a worker's end, but the lock that it holds for its life is free then.
    const isLock = (message: { type?: unknown; name?: unknown } | null): boolean => {
      if (message?.type !== LOCK) return false;
      held = true;
      void navigator.locks.request(String(message.name), () => {
        ended();
        events.exit(true);
      });
      return true;
    };
    worker.onmessage = ({ data }: MessageEvent<unknown>) => void (answerClock(data, worker) || isLock(data as object | null) || events.message(data));
    worker.onmessageerror = () => events.unreadable();
    worker.onerror = (event) => {
      // It is told by us, not by the page's own `error` event.
      event.preventDefault();
      events.error(new Error(event.message || "the worker's script did not load"));
    };
    return {
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      terminate() {
        worker.terminate();
        // It holds its lock before it begins anything.
        if (!held) ended();
      },
      ...(navigator.locks && { gone }),
      keepAlive() {},
    };
  },

  write: toConsole,
  pread: () => 'ENOTSUP',
  pwrite: () => 'ENOTSUP',
  preadv: () => 'ENOTSUP',
  pwritev: () => 'ENOTSUP',
  fdatasync: () => 'ENOTSUP',
  open: () => Promise.reject(new Error('files are opened by their worker')),
  close: () => Promise.reject(new Error('files are closed by their worker')),
};
