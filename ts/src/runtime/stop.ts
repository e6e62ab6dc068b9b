// SPDX-License-Identifier: MIT
import type { Exports, ThreadPointer } from './exports.js';

/** How often, and how many times, a thread that is to be terminated is looked at: a section that others
 * wait for takes microseconds. */
const LOOK_MS = 5;
const LOOKS = 200;

/**
 * Resolves when the thread is in no section that others rely on, and comes into none any more: it can be
 * terminated, and nothing but itself is lost. Or after a second: then it holds a lock for longer, and the
 * runtime is lost with it. wasm/runtime/lost.c has the other side.
 */
export async function outOfSections(exports: Exports, thread: ThreadPointer): Promise<void> {
  exports.rt_thread_stop(thread);
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (exports.rt_thread_holds(thread) === 0) return;
  }
}
