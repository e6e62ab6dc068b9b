// SPDX-License-Identifier: MIT

/**
 * Counters of one event loop since it was created, from QEMU's `AioContext`. The loop's own thread updates them; each
 * number is exact there and recent elsewhere.
 */
export interface LoopStats {
  /** Iterations of the loop: calls of `aio_poll`, or turns on JavaScript's event loop. */
  polls: number;
  /** Iterations in which the loop went to sleep because it had nothing to do. */
  sleeps: number;
  /** Bottom halves that were run. */
  bottomHalves: number;
  /** Call-backs of notifiers, pipes and file descriptors that were run. */
  handlers: number;
  /** Call-backs of timers that were run. */
  timers: number;
  /** Requests that were completed, whichever engine carried them out. */
  jobs: number;
  /** Notifications (`aio_notify`) that found the loop asleep and woke it up. */
  wakeupsSent: number;
  /** Notifications (`aio_notify`) that found the loop awake, so that no wake-up was needed. This number is approximate. */
  wakeupsSaved: number;
  /**
   * Iterations in which busy polling (`pollMaxNs`) found work before the loop had to sleep; of a hosted loop, looks for an answer that
   * found one.
   */
  pollHits: number;
  /** Iterations in which the loop polled, or looks of a hosted loop in which it found nothing, and went to sleep after all. */
  pollMisses: number;
  /**
   * Where the loop's thread sleeps: `hosted` is in JavaScript's event loop, which goes on meanwhile, and `blocking` is
   * inside WebAssembly. The loops of the owner are always hosted; those of IOThreads change as their code needs it.
   */
  sleeping: 'hosted' | 'blocking';
}
