// SPDX-License-Identifier: MIT
import { until } from '../abort.js';
import { unlessClosed } from '../errors.js';
import type { AbortSignalLike } from '../platform.js';
import type { AioContext } from '../api/context.js';
import type { IOThreadHome } from '../api/home.js';
import type { Notifier } from '../api/notifier.js';
import type { Watch } from '../api/watch.js';
import type { Callback } from '../runtime/callbacks.js';

/**
 * One thing that promises and a call-back of the loop wait for: that a socket can be read, for example. The call-back is the
 * handler of a notifier, which is made for the first one. @internal
 */
export class Readiness {
  readonly #waiting = new Set<{ resolve(): void; reject(error: unknown): void }>();
  #notifier: Notifier | undefined;

  /** isSo: whether the call-back is to run again. what: its name in messages. */
  constructor(private readonly context: AioContext, private readonly what: string, private readonly isSo: () => boolean) {}

  /** It has become so. */
  tell(): void {
    for (const { resolve } of [...this.#waiting]) resolve();
    this.#set();
  }

  #set(): void {
    const { thread } = this.context;
    if (!this.#notifier || thread.over) return;
    try {
      this.#notifier.set();
    } catch (error) {
      return unlessClosed(error);
    }
    // A call-back is a part of a turn of the loop, which goes on.
    if (!thread.callbacks.running) (thread as Partial<IOThreadHome>).arrived?.();
  }

  /** Resolves when it becomes so; rejects by the signal or by fail(). */
  wait(signal: AbortSignalLike | undefined): Promise<void> {
    return until(signal, (resolve, reject) => {
      const one = { resolve, reject };
      this.#waiting.add(one);
      return () => this.#waiting.delete(one);
    });
  }

  /** Runs the call-back in the loop again and again while it is so. @throws AioError */
  watch(run: Callback): Watch {
    const { context, what } = this;
    const notifier = (this.#notifier ??= context.notifier(what));
    const again = (): void => {
      if (this.isSo()) this.#set();
    };
    const watch = context.watch(notifier, what, () => {
      try {
        return run();
      } finally {
        again();
      }
    });
    again();
    return watch;
  }

  /** It will not become so any more. */
  fail(error: unknown): void {
    for (const { reject } of [...this.#waiting]) reject(error);
    this.#notifier?.close();
  }
}
