// SPDX-License-Identifier: MIT
import { checkThat, type Check } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError } from '../errors.js';
import { inspect } from '../face.js';
import type { Pointer } from '../runtime/exports.js';
import { cString } from '../runtime/instance.js';
import { otherVersion, VERSION } from '../version.js';
import type { Handle, Slot } from '../wire/handle.js';
import type { HomeThread } from './home.js';

export type { Handle, Slot };

// C's numbers come with or without a sign.
const is32Bits = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32;

const slotsOf = new Map<unknown, number>([['bottom half', 1], ['notifier', 1], ['pipe', 3]]);

const looksLikeHandle = checkThat('what toHandle() returned in another thread', (value) => {
  const { aio, name, slots } = value as Handle;
  return Array.isArray(slots) && slots.length === slotsOf.get(aio) && typeof name === 'string'
    && slots.every((slot: Slot) => is32Bits(slot.number) && is32Bits(slot.generation));
});

/** Checks a handle, which must be of this version of the package: what the slots mean may change. @internal */
export const isHandle: Check = (name, value) => {
  looksLikeHandle(name, value);
  const { version } = value as Handle;
  if (version !== VERSION) throw otherVersion(name, version);
};

/** console.log shows a handle in one line; what it is made of is for fromHandle alone. @internal */
export function makeHandle(aio: Handle['aio'], name: string, slots: readonly Slot[]): Handle {
  const handle = { aio, name, slots, version: VERSION };
  return Object.defineProperty(handle, inspect, { value: () => `Handle of ${aio} ${JSON.stringify(name)}` });
}

/** A new slot of the table; make gets the name in C. @internal */
export function makeSlot(thread: HomeThread, what: string, name: string, make: (name: Pointer<'bytes'>) => number): Slot {
  const { exports } = thread.instance;
  return thread.run(() => {
    const text = cString(thread.instance, name);
    const number = make(text);
    exports.rt_free(text);
    if (number < 0) {
      throw new AioError('ERR_AIO_NO_MEMORY', `no room for ${what} '${name}': the shared memory is full (maximumMemory), or too many are open`, { errno: errnoName(-number) });
    }
    return { number, generation: exports.rt_handle_generation(number) };
  });
}

/** Closes a slot for all threads. Idempotent. @internal */
export function closeSlot(thread: HomeThread, { number, generation }: Slot): void {
  if (thread.over) return;
  thread.run(() => thread.instance.exports.rt_handle_close(number, generation));
}

/**
 * Schedules the bottom half, sets the notifier: false if it is closed. Without run(), whose care
 * for what may throw costs more than all of this: it cannot. @internal
 */
export function signalSlot(thread: HomeThread, { number, generation }: Slot): boolean {
  const { over } = thread;
  if (over) throw over;
  return thread.instance.exports.rt_handle_signal(number, generation) !== 0;
}
