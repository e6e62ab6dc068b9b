// SPDX-License-Identifier: MIT
/** Deadlines and an interval of an IOThread. */
import { serve } from 'wasm-aio/iothread';
import { count } from './life.interval.mjs';

serve((context) => {
  const fired = [];
  let counts;
  let all;
  return {
    begin(delays, period) {
      ({ counts } = count(context, period));
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
