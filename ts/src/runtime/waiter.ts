// SPDX-License-Identifier: MIT
/**
 * Waits for a word in shared memory to be notified, without blocking the thread: by Atomics.waitAsync or, where that does not
 * exist (Firefox before 145), by a helper, which is a worker that sleeps on the word and posts a message.
 */

export interface Waiter {
  /**
   * Waits. woken() is called once, later, when the word has been notified or differs from `value`. Returns false, and
   * does not call woken(), if it differs already. Only one wait at a time: neither kind of wait can be cancelled, so
   * it stays until it fires.
   */
  arm(value: number): boolean;
  /** Frees what the waiter holds. An outstanding wait may still fire. arm() must not be called any more. */
  close(): void;
}

/** Atomics.waitAsync, whose type in lib.es2024 differs in that its result may be no promise. */
interface WaitAsync {
  (words: Int32Array, index: number, value: number): { async: false } | { async: true; value: Promise<string> };
}
const waitAsync = (Atomics as unknown as { waitAsync?: WaitAsync }).waitAsync;

/** Whether waiting needs a helper on this platform. */
export const needsHelper = waitAsync === undefined;

/**
 * The words that a helper and its waiter share: how often it was armed, for which value, and whether it has to stop.
 */
export const HelperWord = { armed: 0, value: 1, stop: 2 } as const;

/** The message that makes a worker a helper. */
export interface HelperInit {
  type: 'wait';
  word: Int32Array;
  words: Int32Array;
  /** The port to which it posts its messages; absent: it posts them to the thread that created the worker. */
  port?: MessagePort;
}

/**
 * Starts a helper. Only the owner can: in Chromium a worker that another worker has created does not start while its
 * creator blocks, as an IOThread does between two hosted phases; and the user's way to create workers is a function,
 * which cannot be sent to another thread.
 */
export type StartHelper = (init: HelperInit, woken: () => void, failed: (error: unknown) => void) => void;

/** Makes a waiter. failed() is called if no helper can be started; an outstanding wait never fires then. */
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
      // Until the word is notified, the engine keeps the promise of an outstanding wait alive, and with it woken(), the
      // instance and its memory.
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

/**
 * The helper's loop. A notification that it misses on its way to sleep has changed the word, so that it does not
 * sleep.
 */
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
