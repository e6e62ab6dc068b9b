// SPDX-License-Identifier: MIT
/** A worker of the web's kind, `Worker`, as its owner sees it: every worker in browsers, and those that a user's code makes in Deno and Bun. */
import type { HostWorker, WorkerEvents } from './host.js';
import { isLock } from './life-lock.js';
import { answerClock } from './thread-clock.js';

/** errorOf: the error that an `error` event of the worker tells. */
export function webWorker(worker: Worker, events: WorkerEvents, errorOf: (event: ErrorEvent) => unknown): HostWorker {
  let held = false;
  let silent = true;
  let ended = (): void => {};
  const gone = new Promise<void>((resolve) => (ended = resolve));
  const over = (): void => {
    ended();
    events.exit(true);
  };
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    silent = false;
    if (isLock(data)) {
      if (!data.name) return;
      held = true;
      // WebKit gives it up when the page is left, and the page may be shown again.
      const wait = (): void => void navigator.locks.request(data.name, over).catch(() => setTimeout(wait, 100));
      wait();
    } else if (!answerClock(data, worker)) events.message(data);
  };
  worker.onmessageerror = () => events.unreadable();
  worker.onerror = (event) => {
    // The package reports the error, so the owner's thread gets no `error` event for it.
    event.preventDefault();
    void Promise.resolve(errorOf(event)).then((error) => events.error(error));
  };
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    terminate() {
      worker.terminate();
      // A worker takes its lock before it does anything else.
      if (!held) ended();
    },
    ...(navigator.locks && { gone, isSilent: () => silent }),
    keepAlive() {},
  };
}
