// SPDX-License-Identifier: MIT
// JavaScript's timers, as timer.c's: 10,000 of them, durations random over a range
// of 200 ms (whole milliseconds: setTimeout knows no others); and how late a time-out
// of 1 ms is, setTimeout's and Atomics.wait's.
import { expect, measure, nextTurn, now, sharedWord } from './common.mjs';

const MANY = 10_000;
const RANGE_MS = 200;
const FAR_MS = 1_000_000;
const WARMUP = 5;
const FIRE_WARMUP = 4;

const draw = (base) => Array.from({ length: MANY }, () => base + Math.floor(Math.random() * RANGE_MS) + 1);
const noop = () => {};

function arm(durations, callback) {
  const timers = new Array(durations.length);
  for (let i = 0; i < durations.length; i++) timers[i] = setTimeout(callback, durations[i]);
  return timers;
}

await measure('p_settimeout_d_timer_arm_10k', 'ns', WARMUP, async () => {
  const durations = draw(FAR_MS);
  const start = now();
  const timers = arm(durations, noop);
  const ns = now() - start;
  expect('timers', timers.length, MANY);
  timers.forEach(clearTimeout);
  await nextTurn();
  return ns / MANY;
});

await measure('p_refresh_d_timer_rearm_10k', 'ns', WARMUP, async () => {
  const timers = arm(draw(FAR_MS), noop);
  const start = now();
  for (const timer of timers) timer.refresh();
  const ns = now() - start;
  timers.forEach(clearTimeout);
  await nextTurn();
  return ns / MANY;
});

// All are due when the event loop gets its turn: from the first call-back to the last.
await measure('p_settimeout_d_timer_fire_10k', 'ns', FIRE_WARMUP, () => new Promise((resolve) => {
  let fired = 0;
  let start = 0;
  arm(draw(0), () => {
    if (++fired === 1) start = now();
    if (fired === MANY) resolve((now() - start) / (MANY - 1));
  });
  const due = now() + (RANGE_MS + 2) * 1e6;
  while (now() < due);
}));

await measure('p_settimeout_d_timer_late_1ms', 'ns', WARMUP, () => new Promise((resolve) => {
  const deadline = now() + 1e6;
  setTimeout(() => resolve(now() - deadline), 1);
}));

const word = sharedWord();
await measure('y_wait_late_1ms', 'ns', WARMUP, () => {
  const deadline = now() + 1e6;
  const how = Atomics.wait(word, 0, 0, 1);
  expect('how the wait ended', how, 'timed-out');
  return now() - deadline;
});
