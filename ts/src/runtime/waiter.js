// SPDX-License-Identifier: MIT
/**
 * Waits for a word in shared memory to be notified, without blocking the thread: by Atomics.waitAsync or, where that does not
 * exist (Firefox before 145), by a helper, which is a worker that sleeps on the word and posts a message.
 */
const waitAsync = Atomics.waitAsync;
/** Whether waiting needs a helper on this platform. */
export const needsHelper = waitAsync === undefined;
/**
 * The words that a helper and its waiter share: how often it was armed, for which value, and whether it has to stop.
 */
export const HelperWord = { armed: 0, value: 1, stop: 2 };
/** Makes a waiter. failed() is called if no helper can be started; an outstanding wait never fires then. */
export function makeWaiter(word, startHelper, woken, failed) {
    if (!waitAsync)
        return new HelperWaiter(word, startHelper, woken, failed);
    return {
        arm(value) {
            const wait = waitAsync(word, 0, value);
            if (wait.async)
                void wait.value.then(woken);
            return wait.async;
        },
        close() {
            // Until the word is notified, the engine keeps the promise of an outstanding wait alive, and with it woken(), the
            // instance and its memory.
            Atomics.notify(word, 0);
        },
    };
}
class HelperWaiter {
    word;
    startHelper;
    woken;
    failed;
    words;
    constructor(word, startHelper, woken, failed) {
        this.word = word;
        this.startHelper = startHelper;
        this.woken = woken;
        this.failed = failed;
    }
    arm(value) {
        if (Atomics.load(this.word, 0) !== value)
            return false;
        const words = (this.words ??= this.start());
        Atomics.store(words, HelperWord.value, value);
        Atomics.add(words, HelperWord.armed, 1);
        Atomics.notify(words, HelperWord.armed);
        return true;
    }
    start() {
        const words = new Int32Array(new SharedArrayBuffer(12));
        this.startHelper({ type: 'wait', word: this.word, words }, this.woken, this.failed);
        return words;
    }
    close() {
        if (this.words)
            stopHelper(this.words);
    }
}
/** Ends a helper that sleeps until it is armed. */
export function stopHelper(words) {
    Atomics.store(words, HelperWord.stop, 1);
    Atomics.add(words, HelperWord.armed, 1);
    Atomics.notify(words, HelperWord.armed);
}
/**
 * The helper's loop. A notification that it misses on its way to sleep has changed the word, so that it does not
 * sleep.
 */
export function waitForOthers({ word, words }, woken) {
    for (let seen = 0;;) {
        Atomics.wait(words, HelperWord.armed, seen);
        seen = Atomics.load(words, HelperWord.armed);
        if (Atomics.load(words, HelperWord.stop))
            return;
        Atomics.wait(word, 0, Atomics.load(words, HelperWord.value));
        if (Atomics.load(words, HelperWord.stop))
            return;
        woken();
    }
}
//# sourceMappingURL=waiter.js.map