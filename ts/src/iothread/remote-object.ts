// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import { VERSION } from '../version.js';
import { define } from '../wire/define.js';
import type { Handle, Slot } from '../wire/handle.js';
import type { Correspondent } from '../wire/unpack.js';
import type { Functions } from './functions.js';

/**
 * Completes an object that another thread serves. It gets with() and sync, unless the user's code serves something of that name, and
 * can be sent to other IOThreads, which then call its functions without a thread in between. loop: the handle of the thread that
 * serves it. meet(): called before it is sent.
 */
export function completeRemote(api: object, functions: Functions, name: string, loop: Slot, meet: (by: Correspondent) => void = () => {}): object {
  if (!('with' in api)) define(api, 'with', (options: CallOptions) => functions.withOptions(api, options) ?? api, false);
  if (!('sync' in api)) Object.defineProperty(api, 'sync', { get: () => functions.sync(api, {}) ?? api, configurable: true });
  if (!('toHandle' in api)) {
    const handle = { aio: 'iothread', name, slots: [loop], version: VERSION } as unknown as Handle;
    define(api, 'toHandle', (by: Correspondent) => {
      meet(by);
      return handle;
    }, false);
  }
  return api;
}

/** Whether two handles stand for the same thread. */
export const isSameLoop = (a: Slot, b: Slot): boolean => a.number === b.number && a.generation === b.generation;
