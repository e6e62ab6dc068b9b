// SPDX-License-Identifier: MIT
import type { CallOptions } from '../abort.js';
import { bind } from '../wire/release.js';
import type { Sync } from './remote.js';

/**
 * Returns an object whose functions, also those of objects in it, are called in another thread while this thread waits for the
 * answer in shared memory: `const bytes = sync(disk, { timeout: 500 }).read(4096)`. Or a function, if it is given one. It is for
 * IOThreads: while one waits, it does nothing else, and takes no calls and no call-backs. Arguments and results are what the
 * ring carries: plain data of at most 16 KiB. A signal that came from another thread, as a value or by {@link currentSignal}, ends
 * the wait when it is aborted there; any other signal counts only if it is aborted before the call.
 * @throws AioError ERR_AIO_INVALID_ARG: wrong options, or nothing in `what` has come from another thread. The functions
 * throw what the function in the other thread throws; ERR_AIO_DEADLOCK: that thread waits for this one; ERR_AIO_TIMEOUT;
 * ERR_AIO_CLOSED, ERR_AIO_THREAD_LOST: it has ended; ERR_AIO_WOULD_BLOCK: this thread is the owner
 */
export function sync<R extends object>(what: R, options: CallOptions = {}): Sync<R> {
  return bind(what, options, 'sync') as Sync<R>;
}
