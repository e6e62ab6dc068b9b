// SPDX-License-Identifier: MIT
/**
 * Hearing that a word in shared memory was notified, on a thread that goes on with
 * JavaScript meanwhile: by Atomics.waitAsync, or where there is none (Firefox before
 * 145) by a helper, a worker that sleeps on the word and posts a message.
 */

export interface Waiter {
  /**
   * woken is called once, later, when the word has been notified or is not `value` any
   * more. False: it is not now, and woken is not called. One at a time: neither kind of
   * wait can be cancelled, so it stays until it fires.
   */
  arm(value: number): boolean;
  /** Gives up what it holds; what is outstanding may still fire. Nothing is armed any more. */
  close(): void;
}

/** waitAsync, which lib.es2024 types for a promise that may already be there. */
interface WaitAsync {
  (words: Int32Array, index: number, value: number): { async: false } | { async: true; value: Promise<string> };
}
const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;

/** Whether waiting takes a helper here. */
export const needsHelper = waitAsync === undefined;

/** What a helper and its waiter share: how often it was armed, for which value, and
 * whether it is over. */
export const HelperWord = { armed: 0, value: 1, stop: 2 } as const;

/** Makes a worker a helper. */
export interface HelperInit {
  type: 'wait';
  word: Int32Array;
  words: Int32Array;
  /** Where it says so; absent: to the thread that made the worker. */
  port?: MessagePort;
}

/**
 * Starts a helper. Only the owner can: a worker that another one made does not start in
 * Chromium once its maker blocks, as an IOThread does between two hosted phases, and
 * the caller's way to make workers is a function, which cannot be sent to another thread.
 */
export type StartHelper = (init: HelperInit, woken: () => void, failed: (error: unknown) => void) => void;

/** failed: no helper could be had, and none will; what is outstanding never fires. */
export function makeWaiter(
  word: Int32Array, startHelper: StartHelper, woken: () => void, failed: (error: unknown) => void,
): Waiter {
  if (!waitAsync) return new HelperWaiter(word, startHelper, woken, failed);
  return {
    arm(value) {
      const wait = waitAsync(word, 0, value);
      if (wait.async) void wait.value.then(woken);
      return wait.async;
    },
    close() {
      // The engine keeps the promise of a wait that is outstanding, and so woken, the
      // instance and its memory, until the word is notified.
      Atomics.notify(word, 0);
    },
  };
}

class HelperWaiter implements Waiter {
  private words: Int32Array | undefined;

  constructor(
    private readonly word: Int32Array, private readonly startHelper: StartHelper,
    private readonly woken: () => void, private readonly failed: (error: unknown) => void,
  ) {}

  arm(value: number): boolean {
    if (Atomics.load(this.word, 0) !== value) return false;
    const words = (this.words ??= this.start());
    Atomics.store(words, HelperWord.value, value);
    Atomics.add(words, HelperWord.armed, 1);
    Atomics.notify(words, HelperWord.armed);
    return true;
  }

  private start(): Int32Array {
    const words = new Int32Array(new SharedArrayBuffer(12));
    this.startHelper({ type: 'wait', word: this.word, words }, this.woken, this.failed);
    return words;
  }

  close(): void {
    if (this.words) stopHelper(this.words);
  }
}

/** Ends a helper that sleeps until it is armed. */
export function stopHelper(words: Int32Array): void {
  Atomics.store(words, HelperWord.stop, 1);
  Atomics.add(words, HelperWord.armed, 1);
  Atomics.notify(words, HelperWord.armed);
}

/** The helper's life. Whatever it misses on its way to sleep has changed the word. */
export function waitForOthers({ word, words }: HelperInit, woken: () => void): void {
  for (let seen = 0; ;) {
    Atomics.wait(words, HelperWord.armed, seen);
    seen = Atomics.load(words, HelperWord.armed);
    if (Atomics.load(words, HelperWord.stop)) return;
    Atomics.wait(word, 0, Atomics.load(words, HelperWord.value));
    if (Atomics.load(words, HelperWord.stop)) return;
    woken();
  }
}
