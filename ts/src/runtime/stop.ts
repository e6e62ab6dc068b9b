// SPDX-License-Identifier: MIT
import type { Exports, ThreadPointer } from './exports.js';

/**
 * How often, and how many times, a thread that is to be terminated is examined. A section that other threads wait for
 * takes microseconds.
 */
const LOOK_MS = 5;
const LOOKS = 200;

/**
 * Resolves when the thread is in no section that other threads rely on, and will enter none: it can then be
 * terminated without harm to others. Also resolves after a second; a thread that holds a lock for so long takes the
 * runtime with it. wasm/runtime/lost.c is the C side of this.
 */
export async function outOfSections(exports: Exports, thread: ThreadPointer): Promise<void> {
  exports.rt_thread_stop(thread);
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (exports.rt_thread_holds(thread) === 0) return;
  }
}
