// SPDX-License-Identifier: MIT
/** An IOThread's code whose calls carry what calls can carry. */
import { currentSignal, registerError, serve, withOptions } from 'wasm-aio/iothread';

class TheirQueryError extends RangeError {}
registerError(TheirQueryError, 'query');

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
  echo: (value) => value,
  failQuery() {
    throw Object.assign(new TheirQueryError('no such table'), { line: 3 });
  },
  async *rows(count) {
    try {
      for (let n = 0; n < count; n++) yield { n };
    } finally {
      if (count === 1e9) noted.push('finally');
    }
  },
  async *later(count) {
    for (let n = 0; n < count; n++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield n;
    }
  },
  async *fails() {
    yield 1;
    throw Object.assign(new RangeError('no more'), { code: 'E_ROWS' });
  },
  async sum(numbers) {
    let sum = 0;
    for await (const n of numbers) sum += n;
    return sum;
  },
  make: () => (value) => value,
});
