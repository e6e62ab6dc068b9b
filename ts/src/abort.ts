// SPDX-License-Identifier: MIT
import { isSignal, optionsOf } from './check.js';
import { reportUncaught } from './errors.js';
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

/** What is to be called when a signal is aborted, and the one listener that does it. */
interface Heard {
  readonly all: Set<() => void>;
  /** Removes the listener. */
  end(): void;
}
const heard = new WeakMap<AbortSignalLike, Heard>();

/**
 * Calls work() when the signal is aborted. Returns how to stop that. All that wait for a signal share one listener: Node warns of a
 * leak where a signal has more than ten, and thousands of requests may have the same.
 */
export function onAbort(signal: AbortSignalLike | undefined, work: () => void): () => void {
  if (!signal) return () => {};
  let known = heard.get(signal);
  if (!known) {
    const all = new Set<() => void>();
    const end = (): void => {
      heard.delete(signal);
      signal.removeEventListener('abort', fire);
    };
    const fire = (): void => {
      end();
      for (const one of [...all]) {
        try {
          if (all.delete(one)) one();
        } catch (error) {
          reportUncaught(error);
        }
      }
    };
    heard.set(signal, (known = { all, end }));
    signal.addEventListener('abort', fire);
  }
  const { all, end } = known;
  all.add(work);
  return () => {
    all.delete(work);
    if (all.size === 0 && heard.get(signal)?.all === all) end();
  };
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
      ignore();
      stop();
      settle(value);
    };
    const fail = end<unknown>(reject);
    const stop = begin(end<void>(resolve), fail);
    const ignore = onAbort(signal, () => fail(signal?.reason));
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
    const ignore = onAbort(signal, () => {
      over = true;
      reject(signal.reason as Error);
    });
    promise.then(
      (result) => {
        ignore();
        if (!over) return resolve(result);
        Promise.resolve(late(result)).catch(() => {});
      },
      (error: unknown) => {
        ignore();
        reject(error as Error);
      },
    );
  });
}
