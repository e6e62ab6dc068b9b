// SPDX-License-Identifier: MIT
import type { MessagePort } from 'node:worker_threads';
import { holdLock } from './life-lock.js';

/** The global scope of a worker of the web's kind. */
interface Scope {
  addEventListener(type: string, listener: (event: MessageEvent<unknown>) => void): void;
  postMessage(message: unknown, transfer?: readonly Transferable[]): void;
}

/**
 * The way to its owner for a worker of the web's kind in Deno, which has no parentPort: what a worker uses of one. (In Bun such a
 * worker has a parentPort.) Undefined in any other thread. Messages are handled when the worker holds its lock.
 */
export function webPort(): Pick<MessagePort, 'on' | 'postMessage'> | undefined {
  if (!('DedicatedWorkerGlobalScope' in globalThis)) return undefined;
  const scope = globalThis as unknown as Scope;
  const alive = holdLock((message) => scope.postMessage(message));
  const port = {
    on: (type: string, listener: (data: unknown) => void) => scope.addEventListener(type, ({ data }) => void alive.then(() => listener(data))),
    postMessage: (message: unknown, transfer?: readonly Transferable[]) => scope.postMessage(message, transfer),
  };
  return port as unknown as Pick<MessagePort, 'on' | 'postMessage'>;
}
