// SPDX-License-Identifier: MIT
// Made by `node test/api/generate.mjs` from wasm/port/error-codes.def; do not edit.

/** The code of an AioError, which says what kind of error it is. A code keeps its meaning in later versions. */
export type AioErrorCode =
  /** A thread of the runtime failed, so that its shared state can no longer be trusted. */
  | 'ERR_AIO_PANIC'
  /** The call would block the owner's thread. */
  | 'ERR_AIO_WOULD_BLOCK'
  /** The object, or the runtime, is closed. */
  | 'ERR_AIO_CLOSED'
  /** The thread that served the request has ended; `errno` is `ECANCELED`. */
  | 'ERR_AIO_CANCELED'
  /** No worker is available: the limit is reached, or the host refused to start one. */
  | 'ERR_AIO_THREAD_LIMIT'
  /** An operation on a file, a directory or a socket failed; `errno` says why. */
  | 'ERR_AIO_IO'
  /** An argument is out of range or of the wrong kind, or a name is in use. */
  | 'ERR_AIO_INVALID_ARG'
  /** Something took longer than its time-out. */
  | 'ERR_AIO_TIMEOUT'
  /** The shared memory is full, too many objects are open, or no shared memory of the wanted size can be created. */
  | 'ERR_AIO_NO_MEMORY'
  /** The page, the JavaScript engine or the system lacks something that is needed. */
  | 'ERR_AIO_UNSUPPORTED'
  /** The file is not a WebAssembly module, or `aiocc` did not build it, or built it for another version. */
  | 'ERR_AIO_MODULE'
  /** The IOThread has ended because of a failure; `cause` is the error of its worker. */
  | 'ERR_AIO_THREAD_LOST'
  /** A pool has as many waiting tasks as it may have. */
  | 'ERR_AIO_QUEUE_FULL'
  /** A blocking call would wait for a thread that waits for the caller. */
  | 'ERR_AIO_DEADLOCK';

/** By the number that C has for each. @internal */
export const errorCodes: readonly AioErrorCode[] = [
  'ERR_AIO_PANIC',
  'ERR_AIO_WOULD_BLOCK',
  'ERR_AIO_CLOSED',
  'ERR_AIO_CANCELED',
  'ERR_AIO_THREAD_LIMIT',
  'ERR_AIO_IO',
  'ERR_AIO_INVALID_ARG',
  'ERR_AIO_TIMEOUT',
  'ERR_AIO_NO_MEMORY',
  'ERR_AIO_UNSUPPORTED',
  'ERR_AIO_MODULE',
  'ERR_AIO_THREAD_LOST',
  'ERR_AIO_QUEUE_FULL',
  'ERR_AIO_DEADLOCK',
];
