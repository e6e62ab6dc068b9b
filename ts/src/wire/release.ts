// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import { invalid, isObject } from '../check.js';
import { onlyOne } from './only-one.js';
import type { AnyFunction } from './unpack.js';

/** A connection to another thread, whose functions can be released. */
interface Connection {
  readonly functions: {
    release(what: object): void;
    /** Returns undefined if nothing of that came over this connection. */
    withOptions(what: object, options: CallOptions): object | undefined;
    /** The same. */
    sync(what: object, options: CallOptions): object | undefined;
  };
}

/** All connections of this thread to other threads. */
export const connections = /* @__PURE__ */ onlyOne('connections', () => new Set<Connection>());

/** Those of connections that have ended, by the functions that came over them: their calls tell why it has ended. */
export const ended = /* @__PURE__ */ onlyOne('ended', () => new WeakMap<AnyFunction, Connection['functions']>());

function findEnded(what: unknown, seen: Set<unknown>): Connection['functions'] | undefined {
  if (typeof what === 'function') return ended.get(what as AnyFunction);
  if (typeof what !== 'object' || what === null || seen.has(what)) return undefined;
  seen.add(what);
  for (const member of Object.values(what)) {
    const found = findEnded(member, seen);
    if (found) return found;
  }
  return undefined;
}

/** Binds functions of another thread, or those in an object, to options. */
export function bind(what: object, options: CallOptions, how: 'withOptions' | 'sync'): object {
  for (const { functions } of connections) {
    const found = functions[how](what, options);
    if (found) return found;
  }
  const found = findEnded(what, new Set())?.[how](what, options);
  if (!found) throw invalid('what', 'a function that came from another thread, or an object with such functions', what);
  return found;
}

/**
 * Ends the use of a function across threads, either one that was sent to another thread or one that came from there;
 * or of all functions of an object that was sent or came. Later calls on either side reject with AioError
 * ERR_AIO_CLOSED. A function that is not released is kept alive until the other side's garbage collector has found it
 * unused.
 * @throws AioError ERR_AIO_INVALID_ARG: the argument is neither a function nor an object
 */
export function release(what: AnyFunction | object): void {
  if (typeof what !== 'function') isObject('what', what);
  for (const connection of connections) connection.functions.release(what);
}

/**
 * Returns a function that calls the given function of another thread with these options, or an object whose functions,
 * also those of objects in it, are called with them: `withOptions(tell, { timeout: 500 })(1)`. When the signal is
 * aborted, or the time is up, the call's promise rejects at once. A call that has not begun is taken back, and its
 * function never runs; the function of a call that has begun finds that out by {@link currentSignal}.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong options, or nothing in `what` has come from another thread
 */
export function withOptions<T extends object>(what: T, options: CallOptions): T {
  return bind(what, options, 'withOptions') as T;
}
