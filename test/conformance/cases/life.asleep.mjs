// SPDX-License-Identifier: MIT
/** What has to be true after a time in which nothing of a program ran, or only slowly. */
import { Runtime } from 'wasm-aio';
import { count } from './life.interval.mjs';

const PERIOD_MS = 20;
/** Deadlines, in the order in which they are armed. Some pass meanwhile, some afterwards. */
const DELAYS_MS = [700, 100, 1700, 400, 401, 1200, 150];

/**
 * Does that for so many ms: each deadline passes once, in order; an interval does not make up for what it missed; calls and their
 * time-outs end once. stopped: nothing runs meanwhile. Resolves with false if it cannot be done here.
 */
export async function asleep({ check, drive, makeWorker }, what, ms, stopped) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./life.worker.mjs', import.meta.url)) });
  const { context } = aio;
  const fired = [];
  const begun = performance.now();
  const { counts, counting } = count(context, PERIOD_MS);
  await io.remote.begin(DELAYS_MS, PERIOD_MS);
  const all = Promise.all(DELAYS_MS.map((delay) => new Promise((resolve) => {
    context.timer(`${delay}`, () => {
      fired.push(delay);
      resolve();
    }).arm(delay);
  })));
  const late = io.remote.with({ timeout: 300 }).never().catch((error) => error.code);
  const done = drive(what, ms);
  const called = Promise.all(Array.from({ length: 100 }, (_, n) => io.remote.twice(n)));
  if (!(await done)) {
    await aio.close();
    return false;
  }

  await all;
  const there = await io.remote.end();
  // What fires a second time has done so before this.
  await context.sleep(2 * PERIOD_MS);
  const right = String([...DELAYS_MS].sort((a, b) => a - b));
  check(String(fired) === right, `the owner's deadlines passed as ${fired}`);
  check(String(there.fired) === right, `the IOThread's deadlines passed as ${there.fired}`);
  check(String(await called) === String(Array.from({ length: 100 }, (_, n) => 2 * n)), 'calls have other answers');
  check((await late) === 'ERR_AIO_TIMEOUT', `a call that takes too long: ${await late}`);
  const most = (performance.now() - begun - (stopped ? ms : 0)) / PERIOD_MS + 3;
  for (const [who, { turns, periods, madeUp }] of [['owner', counts], ['IOThread', there]]) {
    // Frozen is the page, and not a thread that waits in WebAssembly.
    if (what === 'sleep' || who === 'owner') check(turns <= most, `${turns} turns of the ${who}'s interval, of ${most} at most`);
    check(madeUp === '', `the ${who}'s interval: ${madeUp}`);
    check(periods >= turns && periods <= (performance.now() - begun) / PERIOD_MS + 1, `${periods} periods in ${turns} turns of the ${who}'s interval`);
  }
  await aio.close();
  await counting;
  return `${counts.turns} turns of an interval of ${counts.periods} periods, ${Math.round(counts.longest)} ms between two of them at most`;
}
