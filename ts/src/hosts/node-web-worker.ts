// SPDX-License-Identifier: MIT
/** Workers of the web's kind in Deno and Bun, which have them beside those of node:worker_threads. */
import { putTogether } from '../wire/error.js';
import type { HostWorker, MadeWorker, WorkerEvents } from './host.js';
import { isLock } from './life-lock.js';
import { webWorker } from './web-worker.js';

/** What Bun's workers have in addition. */
interface BunWorker {
  ref?(): void;
  unref?(): void;
}

/** Whether what a user's code has made is of the web's kind. */
export const isWebWorker = (made: MadeWorker): made is Worker => !('on' in made);

/**
 * The error that was thrown in a worker, made from what its `error` event says. Deno puts words before the class, Bun the source
 * before it and the stack behind the message.
 */
function thrownIn({ message, filename, lineno, colno }: ErrorEvent): Error {
  const [, name = 'Error', text = message, at = `\n    at ${filename}:${lineno}:${colno}`] =
    /^(?:\d+ \|.*?\n)?(?:Uncaught (?:\(.*?\) )?)?(\w*Error): (.*?)(\n +at .*)?$/s.exec(message) ?? [];
  return putTogether({ base: name, name, message: text, stack: `${name}: ${text}${at}`, fields: {} });
}

/** A worker of this kind, as its owner sees it. */
export function startWebWorker(worker: Worker & BunWorker, events: WorkerEvents): HostWorker {
  let held = false;
  const host = webWorker(worker, {
    ...events,
    error(error) {
      events.error(error);
      // Each error that was not caught ends a worker. In Deno only its lock tells that, and it has none before it loads the package.
      if (navigator.locks && !held) events.exit(true);
    },
    // What the worker has sent, and its error, may be delivered after its lock in the same turn of the event loop.
    exit: (...how) => void setImmediate(() => events.exit(...how)),
  }, thrownIn);
  worker.addEventListener('message', ({ data }) => void (held ||= isLock(data) && data.name !== ''));
  // Bun has no locks, but an event for the end of a worker.
  const gone = host.gone ?? new Promise<void>((resolve) => {
    worker.addEventListener('close', (event) => {
      resolve();
      events.exit(true, (event as Event & { code?: number }).code);
    });
  });
  return { ...host, gone, keepAlive: (on) => (on ? worker.ref?.() : worker.unref?.()) };
}
