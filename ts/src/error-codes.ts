// SPDX-License-Identifier: MIT
// Made by `node test/api/generate.mjs` from wasm/port/error-codes.def; do not edit.

/** What an AioError is about; stable. */
export type AioErrorCode =
  /** A thread of the runtime died: nothing in it can be trusted any longer. */
  | 'ERR_AIO_PANIC'
  /** The call would block the owner's thread. */
  | 'ERR_AIO_WOULD_BLOCK'
  /** The object, or the runtime, is closed. */
  | 'ERR_AIO_CLOSED'
  /** The thread that served the request ended; `errno` is `ECANCELED`. */
  | 'ERR_AIO_CANCELED'
  /** No worker could be had: the limit is reached or its start was refused. */
  | 'ERR_AIO_THREAD_LIMIT'
  /** A file, a directory or a socket: the operation failed; `errno` says why. */
  | 'ERR_AIO_IO'
  /** An argument is out of range, of the wrong kind, or a name is taken. */
  | 'ERR_AIO_INVALID_ARG'
  /** The time that was given is over. */
  | 'ERR_AIO_TIMEOUT'
  /** The shared memory has no room, or there could be none of that size. */
  | 'ERR_AIO_NO_MEMORY'
  /** This page, JavaScript engine or system lacks what is needed. */
  | 'ERR_AIO_UNSUPPORTED'
  /** What was to be the WebAssembly module is none, or not one of ours. */
  | 'ERR_AIO_MODULE'
  /** The IOThread ended by a failure of its own; `cause` is its worker's error. */
  | 'ERR_AIO_THREAD_LOST';

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
];
