// SPDX-License-Identifier: MIT
// One thread: what an atomic operation, a notification and a clock read cost, and
// how quick JavaScript's own queues are (yardsticks and peers of a_*).
import { BUDGET_NS, expect, measure, nextTurn, now, printSamples, sharedWord, wants } from './common.mjs';

const BATCH_NS = 200_000;
const WARMUP_NS = 100e6;
const word = sharedWord();

// As bench_lines() of bench.h: batches, one of each line in turn.
const lines = {
  y_atomic_add(n) {
    const before = Atomics.load(word, 0);
    for (let i = 0; i < n; i++) Atomics.add(word, 0, 1);
    expect('additions', (Atomics.load(word, 0) - before) | 0, n | 0);
  },
  y_notify_no_waiter(n) {
    let woken = 0;
    for (let i = 0; i < n; i++) woken += Atomics.notify(word, 0, 1);
    expect('woken', woken, 0);
  },
  y_clock(n) {
    let last = 0;
    let backwards = 0;
    for (let i = 0; i < n; i++) {
      const time = performance.now();
      if (time < last) backwards++;
      last = time;
    }
    expect('clock reads that went backwards', backwards, 0);
  },
};

const time = (run, n) => {
  const start = now();
  run(n);
  return now() - start;
};

const chosen = Object.entries(lines).filter(([name]) => wants(name)).map(([name, run]) => {
  let batch = 1;
  for (const end = now() + WARMUP_NS; now() < end;) {
    const ns = time(run, batch);
    if (ns < BATCH_NS / 2) batch *= 2;
    else if (ns > BATCH_NS * 2 && batch > 1) batch /= 2;
  }
  return { name, run, batch, samples: [] };
});
for (const end = now() + chosen.length * BUDGET_NS; chosen.length > 0 && now() < end;) {
  for (const line of chosen) line.samples.push(time(line.run, line.batch) / line.batch);
}
for (const { name, samples } of chosen) printSamples(name, 'ns', samples);

const HOPS = 1000;
await measure('p_setimmediate_a_oneshot_schedule_poll', 'ns', 100, () => new Promise((resolve) => {
  let hops = 0;
  const start = now();
  const hop = () => {
    if (++hops === HOPS) resolve((now() - start) / HOPS);
    else setImmediate(hop);
  };
  setImmediate(hop);
}));

await measure('p_microtask_a_oneshot_batch1000', 'ns', 1000, async () => {
  let ran = 0;
  let end = 0;
  const task = () => {
    if (++ran === HOPS) end = now();
  };
  const start = now();
  for (let i = 0; i < HOPS; i++) queueMicrotask(task);
  await nextTurn();
  expect('microtasks', ran, HOPS);
  return (end - start) / HOPS;
});
