// SPDX-License-Identifier: MIT

/** What an {@link AioError} is about; stable. */
export type AioErrorCode =
  /** A thread of the runtime died: nothing in it can be trusted any longer. */
  | 'ERR_AIO_PANIC'
  /** The call would block the owner's thread. */
  | 'ERR_AIO_WOULD_BLOCK'
  /** The object, or the runtime, is closed. */
  | 'ERR_AIO_CLOSED'
  /** The thread that served the request ended. */
  | 'ERR_AIO_CANCELED'
  /** No worker could be had: the limit is reached or its start was refused. */
  | 'ERR_AIO_THREAD_LIMIT'
  /** A file operation failed; `errno` says why. */
  | 'ERR_AIO_IO'
  | 'ERR_AIO_INVALID_ARG'
  /** The time that was given is over. */
  | 'ERR_AIO_TIMEOUT'
  /** The shared memory has no room. */
  | 'ERR_AIO_NO_MEMORY'
  /** The page is not cross-origin isolated, or the JavaScript engine too old. */
  | 'ERR_AIO_UNSUPPORTED'
  /** What was to be the WebAssembly module is none, or not one of ours. */
  | 'ERR_AIO_MODULE';

/** Every error that this package throws by itself. */
export class AioError extends Error {
  readonly code: AioErrorCode;
  /** The errno's name (`ENOENT`), where there is one. */
  readonly errno: string | undefined;

  constructor(code: AioErrorCode, message: string, options: { errno?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AioError';
    this.code = code;
    this.errno = options.errno;
  }
}

/** A thrown value as one line of text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The errno's name in a host's error: Node's `code`, a DOMException's name. */
export function hostErrno(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === 'string') return code;
  const known: Record<string, string> = {
    NotFoundError: 'ENOENT',
    TypeMismatchError: 'EISDIR',
    NoModificationAllowedError: 'EBUSY',
    QuotaExceededError: 'ENOSPC',
    NotAllowedError: 'EACCES',
    InvalidStateError: 'EBADF',
  };
  return (typeof name === 'string' && known[name]) || 'EIO';
}
