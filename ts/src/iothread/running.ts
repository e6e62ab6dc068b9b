// SPDX-License-Identifier: MIT
import { AioError } from '../errors.js';
import type { PlatformSignal } from '../platform.js';
import { onlyOne } from '../wire/only-one.js';

/** What is known of a call that this thread serves, if its signal was asked for or if its caller may cancel it. */
interface Served {
  controller?: AbortController;
  /** Set when the caller does not wait for the answer any more. */
  cancelled?: { reason: unknown };
}

/** The calls that this thread serves over one connection and has not answered yet. */
export class Running {
  private readonly calls = new Map<number, Served>();

  get size(): number {
    return this.calls.size;
  }

  private entry(id: number): Served {
    let served = this.calls.get(id);
    if (!served) this.calls.set(id, (served = {}));
    return served;
  }

  /** A call begins that its caller may cancel. */
  begin(id: number): void {
    this.entry(id);
  }

  signalOf(id: number): AbortSignal {
    const served = this.entry(id);
    if (!served.controller) {
      served.controller = new AbortController();
      if (served.cancelled) served.controller.abort(served.cancelled.reason);
    }
    return served.controller.signal;
  }

  /** The caller has given up. A call that was answered meanwhile is not here any more. */
  cancel(id: number, reason: unknown): void {
    const served = this.calls.get(id);
    if (!served || served.cancelled) return;
    served.cancelled = { reason };
    served.controller?.abort(reason);
  }

  /** The call has ended. Returns whether its caller waits for the answer. */
  end(id: number): boolean {
    if (this.calls.size === 0) return true;
    const served = this.calls.get(id);
    this.calls.delete(id);
    return !served?.cancelled;
  }

  /** No answer can be sent any more. */
  close(reason: unknown): void {
    for (const id of [...this.calls.keys()]) this.cancel(id, reason);
    this.calls.clear();
  }
}

/** The call that this thread is serving just now, by its connection and its number. */
export const now = onlyOne('serving', () => ({ running: undefined as Pick<Running, 'signalOf'> | undefined, id: 0 }));

/**
 * Returns the signal of the call that is being served: it is aborted, with the caller's reason, when the caller cancels
 * the call by {@link CallOptions}, and when the connection to the caller ends. Ask for it before the first `await` of a
 * function that another thread has called, and pass it on: `fetch(url, { signal: currentSignal() })`.
 * @throws AioError ERR_AIO_INVALID_ARG: no call is being served, or its function has awaited something already
 */
export function currentSignal(): PlatformSignal {
  if (!now.running) throw new AioError('ERR_AIO_INVALID_ARG', 'currentSignal(): no call is being served; ask for the signal at the beginning of the served function, before its first await');
  return now.running.signalOf(now.id);
}
