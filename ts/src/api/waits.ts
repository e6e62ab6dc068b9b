// SPDX-License-Identifier: MIT
import { until } from '../abort.js';
import { closedError } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { Callback } from '../runtime/callbacks.js';
import type { HomeThread, Watchable } from './home.js';

/** The context of the waits. */
interface Watcher {
  readonly thread: HomeThread;
  watch(notifier: Watchable, what: string, run: Callback, whenClosed: () => void): { close(): void };
}

/** The waits for one notifier, which end together. */
interface Shared {
  readonly watch: { close(): void };
  readonly all: Set<{ resolve(): void; reject(error: unknown): void }>;
}

/** The promises of a context that wait for notifiers: all that wait for one share its place in the loop. @internal */
export class Waits {
  /** By the numbers of the notifiers' slots. */
  readonly #shared = new Map<number, Shared>();
  readonly #context: Watcher;

  constructor(context: Watcher) {
    this.#context = context;
  }

  /** Whether something waits for the notifier. */
  has(notifier: Watchable): boolean {
    return this.#shared.has(notifier.slot.number);
  }

  /** Resolves when the loop finds the notifier set, which it clears; rejects when it is closed, or by the signal. */
  wait(notifier: Watchable, signal: AbortSignalLike | undefined): Promise<void> {
    return until(signal, (resolve, reject) => {
      const { number } = notifier.slot;
      const { watch, all } = this.#shared.get(number) ?? this.#first(notifier);
      const one = { resolve, reject };
      all.add(one);
      return () => {
        all.delete(one);
        if (all.size > 0) return;
        this.#shared.delete(number);
        watch.close();
      };
    });
  }

  #first(notifier: Watchable): Shared {
    const { thread } = this.#context;
    const all: Shared['all'] = new Set();
    const watch = this.#context.watch(
      notifier, `wait for notifier '${notifier.name}'`,
      () => all.forEach(({ resolve }) => resolve()),
      () => all.forEach(({ reject }) => reject(thread.over ?? closedError(`notifier '${notifier.name}'`))),
    );
    const shared = { watch, all };
    this.#shared.set(notifier.slot.number, shared);
    return shared;
  }
}
