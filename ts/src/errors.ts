// SPDX-License-Identifier: MIT
import type { AioErrorCode } from './error-codes.js';

export type { AioErrorCode };

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

  /**
   * Also one of another copy of the package: what workers load is a bundle with a class of its
   * own, and a file that both sides import may name either entry. Not so for derived classes.
   * @internal
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return super[Symbol.hasInstance](value) || (Object.getPrototypeOf(this) === Error && value instanceof Error && value.name === 'AioError');
  }
}

/** What using something after its close() is. */
export function closedError(what: string): AioError {
  return new AioError('ERR_AIO_CLOSED', `${what} is closed`);
}

/** What has no room in the shared memory. */
export function noMemory(what: string): AioError {
  return new AioError('ERR_AIO_NO_MEMORY', `no room for ${what} in the shared memory (maximumMemory)`, { errno: 'ENOMEM' });
}

/**
 * Gives an error that nobody caught to this thread's handler of such errors, from a task of its
 * own: process.on('uncaughtException'), or an `error` event as by reportError().
 */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
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
