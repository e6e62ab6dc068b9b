// SPDX-License-Identifier: MIT
/** Deadlines and an interval of an IOThread. */
import { serve } from 'wasm-aio/iothread';

serve((context) => {
  const fired = [];
  const counts = { turns: 0, periods: 0 };
  let all;
  return {
    begin(delays, period) {
      void (async () => {
        for await (const periods of context.interval(period)) {
          counts.turns++;
          counts.periods += periods;
        }
      })();
      all = Promise.all(delays.map((delay) => new Promise((resolve) => {
        context.timer(`${delay}`, () => {
          fired.push(delay);
          resolve();
        }).arm(delay);
      })));
    },
    async end() {
      await all;
      return { fired, ...counts };
    },
    never: () => new Promise(() => {}),
    twice: (n) => 2 * n,
  };
});
