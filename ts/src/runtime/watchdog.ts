// SPDX-License-Identifier: MIT
import { EVENT_SLEEPING, type ContextPointer, type ThreadPointer } from './exports.js';
import type { Instance } from './instance.js';

/**
 * How often an IOThread that is being closed is examined, and how many times in a row it may make no progress. Examinations
 * are counted instead of time, because the whole process may have been suspended.
 */
const LOOK_MS = 1000;
const LOOKS = 5;

/**
 * Detects an IOThread that was told to end and never will, because its code loops for ever or waits for something that does
 * not happen. A slow disk must not count as that, however slow it is. So the decision depends on what the loop does, and not
 * on time:
 *
 * - While requests are in flight, a loop that serves them sleeps until they complete, or iterates, or the host carries one
 *   out in that thread (aio 'sync'). A loop that does none of these has lost its thread to a function that does not return.
 *   (The loop has been notified of the end, so it would iterate and then sleep again; until it does, its word does not say
 *   that it sleeps.)
 * - When no request is in flight, nothing is left to wait for, and the loop ends by itself. A loop that still sleeps or
 *   iterates is run by a function that waits for ever.
 *
 * Requests that the loop has not taken yet do not count, because a running loop takes them immediately.
 */
export class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** The word that the loop sleeps on; valid while there is a loop. */
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
    // Wake the loop up: an old value of the word does not prove that it sleeps, because JavaScript may drive the loop now.
    exports.rt_notify(context);
    this.arm();
  }

  /** The loop was told to end. Before that it sleeps while others, such as files, are waited for. */
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
    // The worker is still being started.
    if (!exports.rt_thread_attached(thread)) return true;
    const polls = exports.rt_context_polls(context);
    const asleep = Atomics.load(this.word, 0) === EVENT_SLEEPING;
    const active = asleep || polls !== this.polls || exports.rt_thread_in_host_io(thread) !== 0;
    this.polls = polls;
    return active && (!this.told || exports.rt_context_requests(context) > 0);
  }
}

/** The time until a hung IOThread is detected, for messages. */
export const HUNG_AFTER = `${(LOOK_MS * LOOKS) / 1000} s`;
