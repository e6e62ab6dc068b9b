// SPDX-License-Identifier: MIT
/** Finds out whether the event loop of a worker in Node has something to do besides the runtime's work. */
import { executionAsyncId } from 'node:async_hooks';
import type { MessagePort } from 'node:worker_threads';
import type { HostBase, OtherWork } from './host.js';

/** process.emit(), as far as this file uses it. */
interface Emitter {
  emit(event: string, ...args: unknown[]): boolean;
}

/**
 * Node itself knows when an event loop has nothing left to do: it emits `beforeExit` then. So the port to the owner, which
 * keeps the worker alive, is unreferenced until that happens, and the event is kept from the listeners of the user's code,
 * because the worker does not exit. (process.getActiveResourcesInfo() knows nothing of what runs in libuv's thread pool.)
 *
 * Timers, requests and handles each take a number of the counter that Node has for asynchronous resources, and so does the
 * immediate of turn(). If it gets the number after the latest one, nothing was begun in between.
 */
export function nodeWork(port: MessagePort): { otherWork: OtherWork } & Pick<HostBase, 'turn'> {
  let open = true;
  let latest = 0;
  let watcher: (() => void) | undefined;
  const emitter = process as unknown as Emitter;
  let patched = false;

  const patch = (): void => {
    patched = true;
    const { emit } = emitter;
    emitter.emit = function (this: Emitter, event, ...args) {
      const over = watcher;
      if (event !== 'beforeExit' || !over) return emit.call(this, event, ...args);
      watcher = undefined;
      port.ref();
      // The immediate also keeps the event loop from ending in case that its function unreferences the port again.
      setImmediate(() => {
        latest = executionAsyncId();
        open = false;
        over();
      });
      return true;
    };
  };
  return {
    turn: () => new Promise((resolve) => {
      setImmediate(() => {
        const number = executionAsyncId();
        open ||= number !== latest + 1;
        latest = number;
        resolve();
      });
    }),
    otherWork: {
      get mayBeOpen() {
        return open;
      },
      whenOver(over) {
        if (!patched) patch();
        watcher = over;
        port.unref();
        return () => {
          if (watcher === over) watcher = undefined;
          port.ref();
        };
      },
    },
  };
}
