// SPDX-License-Identifier: MIT
// What suspends a function elsewhere: Emscripten's fibers, generators, await (peers of f_*).
import { BUDGET_NS, expect, measure, now, printSamples, wants } from './common.mjs';

const BATCH = 2000;

if (wants('p_fibers_f_co_enter_yield')) {
  const { default: load } = await import('../../../build/bench/fibers/fibers.mjs');
  const fibers = await load();
  const swap = async (n) => {
    const before = fibers._fibers_count();
    fibers._fibers_swap(n);
    // The swaps unwind through JavaScript and are over some turns later.
    while (fibers._fibers_count() !== before + n) await new Promise(setImmediate);
    await new Promise(setImmediate);
    return (fibers._fibers_time() * 1e6) / n;
  };
  fibers._fibers_init();
  await measure('p_fibers_f_co_enter_yield', 'ns', 100, () => swap(BATCH));
}

function* yieldForEver(state) {
  for (;;) {
    state.count++;
    yield;
  }
}

if (wants('p_generator_f_co_enter_yield')) {
  const state = { count: 0 };
  const generator = yieldForEver(state);
  const samples = [];
  for (const end = now() + BUDGET_NS; now() < end;) {
    const before = state.count;
    const start = now();
    for (let i = 0; i < BATCH; i++) generator.next();
    samples.push((now() - start) / BATCH);
    expect('times it was entered', state.count - before, BATCH);
  }
  printSamples('p_generator_f_co_enter_yield', 'ns', samples);
}

await measure('p_await_f_co_enter_yield', 'ns', 100, async () => {
  const start = now();
  for (let i = 0; i < BATCH; i++) await undefined;
  return (now() - start) / BATCH;
});
