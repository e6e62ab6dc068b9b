// SPDX-License-Identifier: MIT
import { onAbort, type CallOptions } from '../abort.js';
import { AioError } from '../errors.js';
import { after } from '../runtime/within.js';

/**
 * Calls cancel() with the reason if the signal is aborted, or the time is up, before the call is answered. what: the
 * other side's name.
 */
export function endEarly(answered: Promise<unknown>, { signal, timeout = Infinity }: CallOptions, what: string, cancel: (reason: unknown) => void): void {
  let open = true;
  const end = (reason: unknown): void => {
    if (open) cancel(reason);
    open = false;
  };
  const aborted = (): void => end(signal?.reason);
  const stopTimer = after(timeout, () => end(new AioError('ERR_AIO_TIMEOUT', `the call took longer than ${timeout} ms (timeout; ${what})`)));
  const ignore = onAbort(signal, aborted);
  const settled = (): void => {
    open = false;
    stopTimer();
    ignore();
  };
  answered.then(settled, settled);
  // A getter of the arguments may have aborted it.
  if (signal?.aborted) aborted();
}
