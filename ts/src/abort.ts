// SPDX-License-Identifier: MIT
import { isSignal, optionsOf } from './check.js';

/** An option of everything that waits. */
export interface WaitOptions {
  /** Ends the wait, which rejects with the signal's reason then. */
  signal?: AbortSignal | undefined;
}

/** The signal of options that have nothing else. */
export function signalOf(options: WaitOptions): AbortSignal | undefined {
  return optionsOf(options, { signal: isSignal }).signal;
}

/**
 * What work comes to, or the signal's reason if that is there first; work is not begun if it
 * is there already. late gets what still comes after that, to undo it.
 */
export async function abortable<T>(
  signal: AbortSignal | undefined, work: () => Promise<T>, late: (result: T) => unknown = () => {},
): Promise<T> {
  signal?.throwIfAborted();
  const promise = work();
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
