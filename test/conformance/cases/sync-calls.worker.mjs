// SPDX-License-Identifier: MIT
/** Makes blocking calls of other threads. */
import { serve, sync } from 'wasm-aio/iothread';

let other;
serve({
  meet: (remote) => void (other = remote),
  echo: (value) => value,
  hang: () => new Promise(() => {}),
  many(times) {
    let right = 0;
    for (let n = 0; n < times; n++) if (other.sync.echo({ n }).n === n) right++;
    return right;
  },
  owner: (work, value) => sync(work)(value),
  until(word, signal) {
    Atomics.store(word, 0, 1);
    try {
      return sync(other, { signal }).hang();
    } catch (error) {
      return error.message;
    }
  },
  late: () => sync(other, { timeout: 20 }).hang(),
  cross(word) {
    if (Atomics.add(word, 0, 1) === 0) Atomics.wait(word, 0, 1);
    else Atomics.notify(word, 0);
    return other.sync.echo('crossed');
  },
  begin(word) {
    Atomics.store(word, 0, 1);
    return other.sync.hang();
  },
}, { blocking: true });
