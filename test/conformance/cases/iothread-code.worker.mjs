// SPDX-License-Identifier: MIT
/** An IOThread's code that uses what there is to use. */
import { serve } from 'wasm-aio/iothread';

class OwnError extends Error {
  name = 'OwnError';
}

serve((context) => {
  let answer;
  let ticks = 0;
  const tick = context.bottomHalf('tick', () => {
    ticks++;
    answer.set();
  });
  const timer = context.timer('timer', () => answer.set());
  return {
    tick,
    attach(notifier) {
      answer = notifier;
    },
    ticks: () => ticks,
    arm: (ms) => timer.arm(ms),
    async pour(pipe, bytes) {
      for (let at = 0; at < bytes;) {
        const start = at;
        at += pipe.write(Uint8Array.from({ length: Math.min(1000, bytes - at) }, (_, n) => (start + n) % 251));
        if (at === start) await pipe.drain();
      }
      pipe.end();
    },
    async each(count, tell) {
      for (let n = 0; n < count; n++) await tell(n);
    },
    fail(kind) {
      if (kind === 'range') throw new RangeError('out of range');
      throw Object.assign(new OwnError('own'), { code: 'OWN' });
    },
    // What the worker's JavaScript event loop brings, while its thread sleeps in WebAssembly otherwise.
    later: (ms) => new Promise((resolve) => setTimeout(resolve, ms, 'later')),
  };
});
