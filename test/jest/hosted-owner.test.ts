// SPDX-License-Identifier: MIT
/** The owner's context is driven by JavaScript's event loop, and does not starve it. */
import { waits } from './helpers/wait-async.js';
import { expect, test } from '@jest/globals';
import { Runtime } from 'wasm-aio';
import { fixture, pathOf } from './helpers/paths.js';
import { until } from './helpers/workers.js';

const module = fixture('threads');

test('at most one waitAsync is outstanding, and none after close', async () => {
  const runtime = await Runtime.create({ module });
  const io = await runtime.iothread('io0');
  const file = await io.open(pathOf('package.json'));
  for (let round = 0; round < 20; round++) {
    runtime.call('start_owner_timer', round % 3);
    await Promise.all([io.call('echo', round), ...Array.from({ length: 20 }, () => file.read(0, 100))]);
  }
  expect(waits.all).toBeGreaterThan(0);
  expect(waits.most).toBe(1);
  await runtime.close();
  expect(waits.now).toBe(0);
});

test('a bottom half that schedules itself for ever leaves time for everybody else', async () => {
  const runtime = await Runtime.create({ module });
  const io = await runtime.iothread('io0');
  runtime.call('start_restless', 1);
  let timer = 0;
  const interval = setInterval(() => timer++, 1);
  let runs = 0;
  for (let round = 0; round < 50; round++) {
    expect(await io.call('echo', round)).toBe(round);
    await until(() => (runtime.call('runs_of_restless') as number) > runs);
    runs = runtime.call('runs_of_restless') as number;
  }
  await until(() => timer > 3);
  clearInterval(interval);
  runtime.call('stop_restless');
  await runtime.close();
});

test('a timer of the owner fires although nothing else happens', async () => {
  const runtime = await Runtime.create({ module });
  runtime.call('start_owner_timer', 20);
  expect(runtime.call('ticks_of_owner')).toBe(0);
  await until(() => runtime.call('ticks_of_owner') === 1);
  await runtime.close();
});
