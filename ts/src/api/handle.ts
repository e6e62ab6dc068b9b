// SPDX-License-Identifier: MIT
import { checkThat, type Check } from '../check.js';
import { errnoName } from '../errno.js';
import { AioError } from '../errors.js';
import { inspect } from '../face.js';
import type { Callbacks } from '../runtime/callbacks.js';
import type { Pointer } from '../runtime/exports.js';
import { cString, type Instance } from '../runtime/instance.js';
import { otherVersion, VERSION } from '../version.js';
import type { AioContext } from './context.js';

/** A place in the runtime's table of what threads share, and whose turn it is there.
 * @internal */
export interface Place {
  number: number;
  generation: number;
}

// C's numbers come with or without a sign.
const is32Bits = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 32;

const placesOf = new Map<unknown, number>([['bottom half', 1], ['notifier', 1], ['pipe', 3]]);

const looksLikeHandle = checkThat('what toHandle() returned in another thread', (value) => {
  const { aio, name, places } = value as Handle;
  return Array.isArray(places) && places.length === placesOf.get(aio) && typeof name === 'string'
    && places.every((place: Place) => is32Bits(place.number) && is32Bits(place.generation));
});

/** Checks a handle, which must be of this version of the package: what the places mean may change. @internal */
export const isHandle: Check = (name, value) => {
  looksLikeHandle(name, value);
  const { version } = value as Handle;
  if (version !== VERSION) throw otherVersion(name, version);
};

/**
 * What stands for a bottom half, a notifier or a pipe in a message: plain data that can
 * be posted to other threads of the same runtime. AioContext.fromHandle makes an object
 * of it there.
 */
export interface Handle {
  readonly aio: 'bottom half' | 'notifier' | 'pipe';
  readonly name: string;
  /** @internal */
  readonly places: readonly Place[];
  /** @internal */
  readonly version: string;
}

/** console.log shows a handle in one line; what it is made of is for fromHandle alone. @internal */
export function makeHandle(aio: Handle['aio'], name: string, places: readonly Place[]): Handle {
  const handle = { aio, name, places, version: VERSION };
  return Object.defineProperty(handle, inspect, { value: () => `Handle of ${aio} ${JSON.stringify(name)}` });
}

/** A thread of the runtime as the objects that it uses need it. @internal */
export interface HomeThread {
  readonly instance: Instance;
  readonly callbacks: Callbacks;
  /** Its own context, in which it waits. */
  readonly context: AioContext;
  /** Calls into the module. Throws if the runtime has failed, or is closed. */
  run<T>(work: () => T): T;
  /** Why nothing is left to close: the runtime has failed, or is closed. */
  readonly over: AioError | undefined;
}

/** A new place of the table; make gets the name in C. @internal */
export function makePlace(thread: HomeThread, what: string, name: string, make: (name: Pointer<'bytes'>) => number): Place {
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

/** Closes it for all threads. Idempotent. @internal */
export function closePlace(thread: HomeThread, { number, generation }: Place): void {
  if (thread.over) return;
  thread.run(() => thread.instance.exports.rt_handle_close(number, generation));
}

/**
 * Schedules the bottom half, sets the notifier: false if it is closed. Without run(), whose care
 * for what may throw costs more than all of this: it cannot. @internal
 */
export function signal(thread: HomeThread, { number, generation }: Place): boolean {
  const { over } = thread;
  if (over) throw over;
  return thread.instance.exports.rt_handle_signal(number, generation) !== 0;
}
