// SPDX-License-Identifier: MIT
/** All threads read one monotonic clock: deadlines cross threads. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import type { OwnerHost } from '../../dist/hosts/host.js';
import { dist, fixture } from './helpers/paths.js';

const { ownerHost } = (await import(dist('hosts/node-owner.js'))) as { ownerHost: OwnerHost };

/** ns: the origin of a thread's clock is measured, to within a scheduling of it. */
const ROUNDING = 1000;

let runtime: Runtime;
let threads: IOThread[];

beforeAll(async () => {
  runtime = await Runtime.create();
  threads = await Promise.all(['a', 'b', 'c'].map((name) => runtime.iothread(name)));
});
afterAll(() => runtime.close());

test('what is read after a hand-over is not earlier', async () => {
  let last = ownerHost.monotonic();
  for (let round = 0; round < 300; round++) {
    for (const io of threads) {
      const now = await io.clock();
      expect(now).toBeGreaterThanOrEqual(last - ROUNDING);
      last = now;
      const mine = ownerHost.monotonic();
      expect(mine).toBeGreaterThanOrEqual(last - ROUNDING);
      last = mine;
    }
  }
});

test("it is the machine's monotonic clock", () => {
  const before = Number(process.hrtime.bigint());
  const mine = ownerHost.monotonic();
  const after = Number(process.hrtime.bigint());
  expect(mine).toBeGreaterThanOrEqual(before - ROUNDING);
  expect(mine).toBeLessThanOrEqual(after + ROUNDING);
});

test('in C too: the owner, two IOThreads and a thread of a program hand on a ball', async () => {
  const own = await Runtime.create({ module: fixture('threads') });
  const [a, b, c] = await Promise.all([own.iothread('a'), own.iothread('b'), own.iothread('c')]);
  const players = 4;
  const rounds = 1000;
  expect(await c.call('start_guest', 2, players, rounds)).toBe(0);
  const others = [
    a.call('relay_clock', 0, players, rounds), b.call('relay_clock', 1, players, rounds), c.call('join_guest'),
  ];
  let backwards = 0;
  for (let round = 0; round < rounds;) {
    const seen = own.call('relay_in_owner', 3, players);
    if (seen === 0) {
      await new Promise(setImmediate);
    } else {
      round++;
      if (seen === -1) backwards++;
    }
  }
  expect([backwards, ...(await Promise.all(others))]).toEqual([0, 0, 0, 0]);
  await own.close();
});
