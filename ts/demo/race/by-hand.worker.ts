// SPDX-License-Identifier: MIT
onmessage = ({ data: words }: MessageEvent<Int32Array>) => {
  for (let done = 0; ; done++) {
    // A late notification of the call before may end the wait, so the condition is looked at again.
    while (Atomics.load(words, 0) === done) Atomics.wait(words, 0, done);
    words[2] = 2 * (words[2] ?? 0);
    Atomics.store(words, 1, done + 1);
    Atomics.notify(words, 1);
  }
};
