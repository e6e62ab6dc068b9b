// SPDX-License-Identifier: MIT
/** All threads read one monotonic clock: deadlines cross threads. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Runtime, type IOThread } from 'wasm-aio';
import type { OwnerHost } from '../../dist/hosts/host.js';
import type * as threadClocks from '../../dist/hosts/thread-clock.js';
import type { OwnClock } from './fixtures/own-clock.js';
import { dist, fixture } from './helpers/paths.js';

const { answerClock, threadClock } = (await import(dist('hosts/thread-clock.js'))) as typeof threadClocks;
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

/** Reads the clock of a worker that has one of its own; how far that is at most from what it
 * can be, in ns, and how often it went backwards in the worker. */
async function readOwnClock(clock: OwnClock): Promise<{ off: number; backwards: number }> {
  const worker = new Worker(new URL('./fixtures/own-clock.js', import.meta.url), { workerData: clock });
  // Late, so that the time of the answer tells little.
  worker.on('message', (data) => void setTimeout(() => answerClock(data, worker), 20));
  let data: { backwards?: number };
  do [data] = (await once(worker, 'message')) as [{ backwards?: number }]; while (data.backwards === undefined);
  let off = 0;
  for (let round = 0; round < 100; round++) {
    const before = threadClock();
    worker.postMessage('read');
    const [there] = (await once(worker, 'message')) as [number];
    off = Math.max(off, before - there, there - threadClock());
  }
  await worker.terminate();
  return { off, backwards: data.backwards };
}

test('a thread whose clock counts from its own start takes the difference from the time origins', async () => {
  expect(await readOwnClock({ age: 5000, wrong: 0, varies: 0 })).toEqual({ off: 0, backwards: 0 });
});

test.each([-3_600_000, 3_600_000])('and from what its owner says where these are wrong by %d ms', async (wrong) => {
  const { off, backwards } = await readOwnClock({ age: 5000, wrong, varies: 0 });
  expect(backwards).toBe(0);
  // As long as the quickest question took: a hundredth of what is wrong is never reached.
  expect(off).toBeLessThan(36e9);
});

test('a time origin that is another one at each look does not move the clock', async () => {
  expect(await readOwnClock({ age: 5000, wrong: 0, varies: 20 })).toMatchObject({ backwards: 0 });
});
