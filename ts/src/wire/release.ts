// SPDX-License-Identifier: MIT
import { isObject } from '../check.js';
import { onlyOne } from './only-one.js';
import type { AnyFunction } from './unpack.js';

/** A connection to another thread, whose functions can be released. */
interface Connection {
  readonly functions: { release(what: object): void };
}

/** All connections of this thread to other threads. */
export const connections = onlyOne('connections', () => new Set<Connection>());

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
