// SPDX-License-Identifier: MIT
import { isSignal, optionsOf } from './check.js';
import type { AbortSignalLike } from './platform.js';

/** Options of methods that wait for something. */
export interface WaitOptions {
  /** Ends the wait when it is aborted: the promise then rejects with the signal's reason. */
  signal?: AbortSignalLike | undefined;
}

/** Options of a call to another thread. */
export interface CallOptions extends WaitOptions {
  /**
   * How long the call may take, in ms. After that it is cancelled, and its promise rejects with AioError
   * ERR_AIO_TIMEOUT.
   */
  timeout?: number | undefined;
}

/** Returns the signal of options that have no other properties. */
export function signalOf(options: WaitOptions): AbortSignalLike | undefined {
  return optionsOf(options, { signal: isSignal }).signal;
}

/**
 * Returns a promise that the functions given to begin() settle, or that an aborted signal rejects. In each case stop(),
 * which begin() returns, is called first. begin() must not settle the promise before it returns.
 */
export function until(
  signal: AbortSignalLike | undefined, begin: (resolve: () => void, reject: (error: unknown) => void) => () => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const end = <T>(settle: (value: T) => void) => (value: T): void => {
      signal?.removeEventListener('abort', aborted);
      stop();
      settle(value);
    };
    const fail = end<unknown>(reject);
    const aborted = (): void => fail(signal?.reason);
    const stop = begin(end<void>(resolve), fail);
    signal?.addEventListener('abort', aborted);
  });
}

/** The signal of the call that is being started. If it is aborted, the caller does not learn how the call ends. */
export const begun: { by?: AbortSignalLike | undefined } = {};

/**
 * Runs work() and returns its result, or rejects with the signal's reason if the signal is aborted before; if it is
 * aborted already, work() is not called. late() gets a result that arrives after the abort, in order to undo it.
 */
export async function abortable<T>(
  signal: AbortSignalLike | undefined, work: () => Promise<T>, late: (result: T) => unknown = () => {},
): Promise<T> {
  signal?.throwIfAborted();
  begun.by = signal;
  // The async function turns an error that work() throws synchronously into a rejection.
  const promise = (async () => work())();
  begun.by = undefined;
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    let over = false;
    const aborted = (): void => {
      over = true;
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(
      (result) => {
        signal.removeEventListener('abort', aborted);
        if (!over) return resolve(result);
        Promise.resolve(late(result)).catch(() => {});
      },
      (error: unknown) => {
        signal.removeEventListener('abort', aborted);
        reject(error as Error);
      },
    );
  });
}
