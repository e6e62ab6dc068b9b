// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { PlatformSignal } from '../platform.js';
import { onlyOne } from '../wire/only-one.js';

/** The call that this thread is serving just now, by its connection and its number. */
export const now = /* @__PURE__ */ onlyOne('serving', () => ({ by: undefined as { signalOf(id: number): AbortSignal } | undefined, id: 0 }));

/**
 * Returns the signal of the call that is being served: it is aborted, with the caller's reason, when the caller cancels
 * the call by {@link CallOptions}, and when the connection to the caller ends. Ask for it before the first `await` of a
 * function that another thread has called, and pass it on: `fetch(url, { signal: currentSignal() })`.
 * @throws AioError ERR_AIO_INVALID_ARG: no call is being served, or its function has awaited something already
 */
export function currentSignal(): PlatformSignal {
  if (!now.by) throw new AioError('ERR_AIO_INVALID_ARG', 'currentSignal(): no call is being served; call it before the first await of the served function');
  return now.by.signalOf(now.id);
}
