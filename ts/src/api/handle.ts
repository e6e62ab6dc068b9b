// SPDX-License-Identifier: MIT
import { checkThat, type Check } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError } from '../errors.js';
import { inspect } from '../face.js';
import type { Pointer } from '../runtime/exports.js';
import { cString } from '../runtime/instance.js';
import { otherVersion, VERSION } from '../version.js';
import type { Handle, HandleKind, Slot } from '../wire/handle.js';
import type { HomeThread } from './home.js';

export type { Handle, Slot };

// The 32-bit numbers of C arrive signed or unsigned.
const is32Bits = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32;

const slotsOf = new Map<unknown, number>([['bottom half', 1], ['notifier', 1], ['pipe', 3], ['iothread', 1]]);

const looksLikeHandle = checkThat('what toHandle() returned in another thread', (value) => {
  const { aio, name, slots } = value as Handle;
  return Array.isArray(slots) && slots.length === slotsOf.get(aio) && typeof name === 'string'
    && slots.every((slot: Slot) => is32Bits(slot.number) && is32Bits(slot.generation));
});

/** Checks a handle, and that this version of the package made it: the meaning of its slots may change. @internal */
export const isHandle: Check = (name, value) => {
  looksLikeHandle(name, value);
  const { version } = value as Handle;
  if (version !== VERSION) throw otherVersion(name, version);
};

/** Makes a handle, which console.log shows in one line; its content is for fromHandle() alone. @internal */
export function makeHandle<Kind extends HandleKind>(aio: Kind, name: string, slots: readonly Slot[]): Handle<Kind> {
  const handle = { aio, name, slots, version: VERSION };
  return Object.defineProperty(handle, inspect, { value: () => `Handle of ${aio} ${JSON.stringify(name)}` });
}

/** Creates an entry of the table of shared objects; make() gets the name as a C string. @internal */
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

/** Closes an entry of the table for all threads. Closing it twice does nothing. @internal */
export function closeSlot(thread: HomeThread, { number, generation }: Slot): void {
  if (thread.over) return;
  thread.run(() => thread.instance.exports.rt_handle_close(number, generation));
}

/**
 * Schedules the bottom half or sets the notifier of a slot; false if that is closed. This is a hot path: it calls the
 * module directly, because that call cannot throw and the error handling of run() would cost more than the call.
 * @internal
 */
export function signalSlot(thread: HomeThread, { number, generation }: Slot): boolean {
  const { over } = thread;
  if (over) throw over;
  return thread.instance.exports.rt_handle_signal(number, generation) !== 0;
}
