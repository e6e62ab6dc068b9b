// SPDX-License-Identifier: MIT
import type { HostBase } from '../hosts/host.js';
import { EVENT_SLEEPING, type ContextPointer } from './exports.js';
import type { Instance } from './instance.js';

/** waitAsync, which lib.es2024 types for a promise that may already be there. */
interface WaitAsync {
  (words: Int32Array, index: number, value: number): { async: false } | { async: true; value: Promise<string> };
}
const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;

/**
 * Drives a context from this thread's JavaScript event loop, in the place of
 * GLib: prepare, wait on the notifier, check, dispatch.
 *
 * At most one waitAsync is outstanding; it cannot be cancelled and an abandoned
 * one leaks, so it stays armed until it fires, whatever else brings about a turn.
 */
export class HostedLoop {
  private readonly word: Int32Array;
  private armed = false;
  private queued = false;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private whenFired: (() => void) | undefined;

  /** onError gets what a turn threw; the loop has stopped then. */
  constructor(
    private readonly instance: Instance, private readonly context: ContextPointer,
    private readonly host: HostBase, private readonly onError: (error: unknown) => void,
  ) {
    this.word = instance.memory.word(instance.exports.rt_hosted_word(context));
  }

  start(): void {
    this.stopped = false;
    this.run();
  }

  /** Resolves when nothing of it is left waiting. */
  async stop(): Promise<void> {
    this.abandon();
    if (this.armed) {
      const fired = new Promise<void>((resolve) => (this.whenFired = resolve));
      this.instance.exports.rt_notify(this.context);
      await fired;
    }
  }

  /** Stops without a word: the runtime has failed. */
  abandon(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private readonly run = (): void => {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    let timeout;
    try {
      timeout = this.instance.exports.rt_hosted_turn(this.context);
    } catch (error) {
      this.abandon();
      this.onError(error);
      return;
    }
    if (this.stopped) return;
    if (timeout === 0) return this.queue();
    if (!this.armed) {
      const wait = waitAsync(this.word, 0, EVENT_SLEEPING);
      if (!wait.async) return this.queue();
      this.armed = true;
      void wait.value.then(this.fired);
    }
    if (timeout > 0) this.timer = setTimeout(this.run, timeout);
  };

  private readonly fired = (): void => {
    this.armed = false;
    this.whenFired?.();
    this.run();
  };

  /** The next turn, after everybody else's. */
  private queue(): void {
    if (this.queued) return;
    this.queued = true;
    void this.host.turn().then(() => {
      this.queued = false;
      this.run();
    });
  }
}
