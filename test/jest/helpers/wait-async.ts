// SPDX-License-Identifier: MIT
/** Counts what waits in Atomics.waitAsync. To be imported before wasm-aio. */

interface Result {
  async: boolean;
  value: Promise<string>;
}
type WaitAsync = (words: Int32Array, index: number, value: number) => Result;

const atomics = Atomics as unknown as { waitAsync: WaitAsync };
const original = atomics.waitAsync;

export const waits = { now: 0, most: 0, all: 0 };

atomics.waitAsync = (words, index, value) => {
  const result = original(words, index, value);
  if (result.async) {
    waits.all++;
    waits.most = Math.max(waits.most, ++waits.now);
    void result.value.then(() => waits.now--);
  }
  return result;
};
