// SPDX-License-Identifier: MIT
import { EVENT_SLEEPING, type ContextPointer, type ThreadPointer } from './exports.js';
import type { Instance } from './instance.js';

/** How often an IOThread that is being closed is looked at, and at how many looks in a row
 * it may be found to do nothing towards its end. Looks, not time: where the whole process
 * stood still, nobody is late. */
const LOOK_MS = 1000;
const LOOKS = 5;

/**
 * Finds out that an IOThread will never end, although it was told to: its code runs in
 * circles, or waits for what does not come. A slow disk is no reason, however slow; so it is
 * not time that tells them apart but what its loop does:
 *
 * - While requests are in flight, a loop that serves them either sleeps until they complete, or
 *   iterates, or has handed one to the host, which serves it in that thread (aio 'sync'). One
 *   that does none of these has lost its thread to a function that does not return: it is
 *   notified for the end, so it would iterate, or sleep anew; while it does not, its word is not
 *   that of a sleeper.
 * - When none is in flight, there is nothing left to wait for, and the loop ends by itself: one
 *   that sleeps or iterates then is a function's own, which waits for ever.
 *
 * Requests that the loop has not taken yet do not count: a loop that runs takes them at once.
 */
export class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** What the loop sleeps on; asked for while there is a loop. */
  private readonly word: Int32Array;
  private polls: number;
  private looks = 0;
  private told = false;
  private stopped = false;

  constructor(
    private readonly instance: Instance, private readonly thread: ThreadPointer,
    private readonly context: ContextPointer, private readonly hung: () => void,
  ) {
    const { exports, memory } = instance;
    this.word = memory.word(exports.rt_hosted_word(context));
    this.polls = exports.rt_context_polls(context);
    // A word that says so from before proves no sleep: JavaScript may have driven the loop then.
    exports.rt_notify(context);
    this.arm();
  }

  /** The loop was told to end. Until then it sleeps while others (files) are waited for. */
  leaving(): void {
    this.told = true;
    this.looks = 0;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private arm(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.stopped) return;
      this.looks = this.reacts() ? 0 : this.looks + 1;
      if (this.looks < LOOKS) this.arm();
      else this.hung();
    }, LOOK_MS);
  }

  private reacts(): boolean {
    const { thread, context, instance: { exports } } = this;
    // Its worker is still being started.
    if (!exports.rt_thread_attached(thread)) return true;
    const polls = exports.rt_context_polls(context);
    const asleep = Atomics.load(this.word, 0) === EVENT_SLEEPING;
    const active = asleep || polls !== this.polls || exports.rt_thread_in_host_io(thread) !== 0;
    this.polls = polls;
    return active && (!this.told || exports.rt_context_requests(context) > 0);
  }
}

/** For messages. */
export const HUNG_AFTER = `${(LOOK_MS * LOOKS) / 1000} s`;
