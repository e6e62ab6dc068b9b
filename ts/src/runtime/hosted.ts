// SPDX-License-Identifier: MIT
import { messageOf } from '../errors.js';
import type { HostBase, KeepAlive } from '../hosts/host.js';
import { EVENT_SLEEPING, type ContextPointer } from './exports.js';
import type { Instance } from './instance.js';
import { makeWaiter, type StartHelper, type Waiter } from './waiter.js';

/** Takes what other threads have sent, at the end of turns. */
export interface Taker {
  /** Called before a turn: what is sent later is taken after the next one. */
  mark(): void;
  /** Takes what is due, or some of it. Returns whether there is more to take. */
  take(): boolean;
}

/** How often, in ms, a thread that may oversleep is given something to do; at most, after it has overslept. */
const TICK_MS = 1000;
const QUICK_TICK_MS = 30;
/** No healthy event loop takes so many ms to wake up. */
const OVERSLEPT_MS = 5;

/**
 * Drives a context from this thread's JavaScript event loop, in place of GLib's main loop: prepare, wait for the
 * notifier, check, dispatch.
 *
 * At most one wait is outstanding at a time. It stays until it fires, even if something else causes a turn before.
 */
export class HostedLoop {
  private readonly waiter: Waiter;
  private readonly alive: KeepAlive | undefined;
  private readonly word: Int32Array;
  private armed = false;
  /** A turn is queued. */
  queued = false;
  stopped = true;
  /** When the latest turn began, in ms; not counting those that answers.ts causes, which are no tasks of the event loop. */
  lastTask = 0;
  private abandoned = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ticks: ReturnType<typeof setInterval> | undefined;
  private whenFired: (() => void) | undefined;
  readonly takers = new Set<Taker>();

  /** onError gets an error that a turn threw, or that keeps the loop from being woken up. The loop has stopped then. */
  constructor(
    private readonly instance: Instance, private readonly context: ContextPointer,
    private readonly host: HostBase, startHelper: StartHelper, private readonly onError: (error: unknown) => void,
  ) {
    this.word = instance.memory.word(instance.exports.rt_hosted_word(context));
    this.waiter = makeWaiter(this.word, startHelper, this.fired, (error) => {
      this.fail(new Error(`cannot start the helper worker that stands in for Atomics.waitAsync: ${messageOf(error)}`));
    });
    this.alive = host.keepAlive?.();
  }

  /** Starts the loop, also after stop(). */
  start(): void {
    this.stopped = false;
    if (this.host.oversleeps) this.tick(TICK_MS);
    this.run();
  }

  /** Lets the event loop wake up now and then, which is what a wake-up that was lost needs; the more often, the more of them were. */
  private tick(ms: number): void {
    clearInterval(this.ticks);
    this.ticks = setInterval(() => {
      const wasNotified = this.armed && Atomics.load(this.word, 0) !== EVENT_SLEEPING;
      if (!wasNotified || performance.now() - this.lastTask < OVERSLEPT_MS) return;
      if (ms > QUICK_TICK_MS) this.tick(ms / 2);
      this.run();
    }, ms);
  }

  /** Sets whether the loop keeps the process alive, on hosts that have a process. At first it does not. */
  keepAlive(on: boolean): void {
    if (on) this.alive?.ref();
    else this.alive?.unref();
  }

  /** Stops the loop, and resolves when no wait of it is outstanding. */
  async stop(): Promise<void> {
    this.halt();
    if (this.armed && !this.abandoned) {
      // The promise that is awaited here does not keep the process alive by itself.
      this.keepAlive(true);
      const fired = new Promise<void>((resolve) => (this.whenFired = resolve));
      this.instance.exports.rt_notify(this.context);
      // If a turn was cut short, the word still says that the loop is awake, so that rt_notify() did not notify it.
      Atomics.notify(this.word, 0);
      await fired;
    }
    this.keepAlive(false);
  }

  /** Stops the loop for good. */
  async close(): Promise<void> {
    await this.stop();
    this.waiter.close();
  }

  /** Stops the loop without a call into the module, after the runtime has failed. */
  abandon(): void {
    this.abandoned = true;
    this.halt();
    this.keepAlive(false);
    this.whenFired?.();
    this.waiter.close();
  }

  private halt(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearInterval(this.ticks);
  }

  private fail(error: unknown): void {
    this.abandon();
    this.onError(error);
  }

  /** Runs a turn now. */
  readonly run = (): void => {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastTask = performance.now();
    try {
      this.turn();
    } catch (error) {
      this.fail(error);
    }
  };

  private turn(): void {
    for (const taker of this.takers) taker.mark();
    const timeout = this.instance.exports.rt_hosted_turn(this.context);
    let more = timeout === 0;
    for (const taker of this.takers) more = taker.take() || more;
    if (this.stopped) return;
    if (more || !(this.armed ||= this.waiter.arm(EVENT_SLEEPING))) return this.queue();
    if (timeout > 0) this.sleep(timeout);
  }

  private sleep(ms: number): void {
    this.timer = setTimeout(this.run, ms);
    // Only keepAlive() decides whether the process stays alive. (In a page a timer is a number.)
    (this.timer as { unref?(): void }).unref?.();
  }

  private readonly fired = (): void => {
    this.armed = false;
    this.whenFired?.();
    this.run();
  };

  /** Schedules the next turn after all other tasks that are waiting. */
  private queue(): void {
    if (this.queued) return;
    this.queued = true;
    void this.host.turn().then(() => {
      this.queued = false;
      this.run();
    });
  }
}
