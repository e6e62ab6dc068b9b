// SPDX-License-Identifier: MIT
import { isObject } from '../check.js';
import { onlyOne } from './only-one.js';
import type { AnyFunction } from './unpack.js';

/** A connection to another thread, as far as its functions can be released. */
interface Connection {
  readonly functions: { release(what: object): void };
}

/** All connections of this thread. */
export const connections = onlyOne('connections', () => new Set<Connection>());

/**
 * Ends the use of a function across threads: one that was passed to another thread, or one that
 * came from there; or of all functions of an object that was passed, or came. Calls from now on
 * are rejected with ERR_AIO_CLOSED, on either side. Without it a function is held until nobody
 * on the other side has it any more and memory was collected there.
 * @throws AioError ERR_AIO_INVALID_ARG: it is neither
 */
export function release(what: AnyFunction | object): void {
  if (typeof what !== 'function') isObject('what', what);
  for (const connection of connections) connection.functions.release(what);
}
