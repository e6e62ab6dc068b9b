// SPDX-License-Identifier: MIT
onmessage = ({ data: words }: MessageEvent<Int32Array>) => {
  for (let done = 0; ; done++) {
    Atomics.wait(words, 0, done);
    words[2] = 2 * (words[2] ?? 0);
    Atomics.store(words, 1, done + 1);
    Atomics.notify(words, 1);
  }
};
