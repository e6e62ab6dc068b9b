// SPDX-License-Identifier: MIT
/** An IOThread's code whose calls carry what calls can carry. */
import { currentSignal, serve, withOptions } from 'wasm-aio/iothread';

const noted = [];

serve({
  async untilCancelled(begun, ended) {
    const signal = currentSignal();
    void begun();
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    void ended(signal.reason);
  },
  block(word) {
    Atomics.store(word, 1, 1);
    Atomics.wait(word, 0, 0);
  },
  note: (what) => noted.push(what),
  noted: () => noted.splice(0),
  echoOf: (work, timeout) => withOptions(work, { timeout })().then(() => 'answered', ({ code }) => code),
  look: (signal) => [signal instanceof AbortSignal, signal.aborted, signal.reason],
  listen: (signal, tell) => signal.addEventListener('abort', () => void tell(signal.reason)),
  make: () => (value) => value,
});
