// SPDX-License-Identifier: MIT
import { isSignal, optionsOf } from './check.js';
import type { AbortSignalLike } from './platform.js';

/** An option of everything that waits. */
export interface WaitOptions {
  /** Ends the wait, which rejects with the signal's reason then. */
  signal?: AbortSignalLike | undefined;
}

/** The signal of options that have nothing else. */
export function signalOf(options: WaitOptions): AbortSignalLike | undefined {
  return optionsOf(options, { signal: isSignal }).signal;
}

/** The signal of the call that is being begun: who begins it does not hear its end once that is aborted. */
export const begun: { by?: AbortSignalLike | undefined } = {};

/**
 * What work comes to, or the signal's reason if that is there first; work is not begun if it
 * is there already. late gets what still comes after that, to undo it.
 */
export async function abortable<T>(
  signal: AbortSignalLike | undefined, work: () => Promise<T>, late: (result: T) => unknown = () => {},
): Promise<T> {
  signal?.throwIfAborted();
  begun.by = signal;
  // What it throws at once, too, comes from the promise.
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
