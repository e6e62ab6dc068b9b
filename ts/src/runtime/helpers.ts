// SPDX-License-Identifier: MIT
import type { HostWorker, MadeWorker, OwnerHost } from '../hosts/host.js';
import { stopHelper, type HelperInit, type StartHelper } from './waiter.js';
import { within } from './within.js';

/** The messages of a helper. */
export type FromHelper = { type: 'woken' } | { type: 'ended' };

/**
 * The owner's helpers: workers that sleep on a word for threads without Atomics.waitAsync. They are not threads of
 * the runtime, do not keep the process alive, and end with the owner.
 */
export class Helpers {
  private readonly all = new Map<HelperInit, HostWorker>();
  private whenNone: (() => void) | undefined;

  constructor(private readonly host: OwnerHost, private readonly makeWorker?: (name: string) => MadeWorker) {}

  readonly start: StartHelper = (init, woken, failed) => {
    const gone = (): boolean => {
      const there = this.all.delete(init);
      if (this.all.size === 0) this.whenNone?.();
      return there;
    };
    const worker = this.host.startWorker('waiter', {
      message: (data) => ((data as FromHelper).type === 'woken' ? woken() : void gone()),
      unreadable: () => void (gone() && failed(new Error('the helper worker that stands in for Atomics.waitAsync sent a message that cannot be read'))),
      error: (error) => void (gone() && failed(error)),
      exit: () => void (gone() && failed(new Error('the helper worker that stands in for Atomics.waitAsync ended'))),
    }, this.makeWorker);
    this.all.set(init, worker);
    worker.keepAlive(false);
    worker.post(init, init.port ? [init.port] : []);
  };

  /** Ends all helpers; terminates those that are left after ms. */
  async close(ms: number): Promise<void> {
    if (this.all.size === 0) return;
    // A helper that is just about to sleep on its word misses the wake-up, so it is repeated.
    const stop = (): void => {
      for (const { word, words } of this.all.keys()) {
        stopHelper(words);
        Atomics.notify(word, 0);
      }
    };
    const again = setInterval(stop, 10);
    stop();
    await within(ms, new Promise<void>((resolve) => (this.whenNone = resolve)));
    clearInterval(again);
    for (const worker of this.all.values()) worker.terminate();
    this.all.clear();
  }
}
