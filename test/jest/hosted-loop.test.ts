// SPDX-License-Identifier: MIT
/** A loop that JavaScript's event loop drives, on a host whose threads may sleep on although they were notified. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { HostBase } from '../../dist/hosts/host.js';
import type { ContextPointer } from '../../dist/runtime/exports.js';
import type * as hostedFile from '../../dist/runtime/hosted.js';
import type { Instance } from '../../dist/runtime/instance.js';
import { dist } from './helpers/paths.js';

const { HostedLoop } = (await import(dist('runtime/hosted.js'))) as typeof hostedFile;
/** The values of the word that a loop sleeps on. */
const [SET, SLEEPING] = [1, 2];

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A loop whose turns only count. lose(): it is notified, but no promise is resolved. */
function start(oversleeps: boolean): { lose: () => void; turns: () => number; stop: () => Promise<void> } {
  const word = new Int32Array(new SharedArrayBuffer(4));
  let turns = 0;
  const exports = {
    rt_hosted_word: () => 0,
    rt_hosted_turn() {
      turns++;
      Atomics.store(word, 0, SLEEPING);
      return -1;
    },
    rt_notify() {},
  };
  const loop = new HostedLoop({ exports, memory: { word: () => word } } as unknown as Instance, 0 as ContextPointer, { oversleeps } as HostBase, () => {}, (error) => {
    throw error;
  });
  loop.start();
  return { lose: () => void Atomics.store(word, 0, SET), turns: () => turns, stop: () => loop.stop() };
}

test('a wake-up that was lost is made up for, the next one sooner', async () => {
  const loop = start(true);
  for (const [n, ms] of [1000, 500, 250, 125].entries()) {
    loop.lose();
    jest.advanceTimersByTime(ms - 1);
    expect(loop.turns()).toBe(n + 1);
    jest.advanceTimersByTime(1);
    expect(loop.turns()).toBe(n + 2);
  }
  await loop.stop();
  loop.lose();
  jest.advanceTimersByTime(10_000);
  expect(loop.turns()).toBe(5);
  expect(jest.getTimerCount()).toBe(0);
});

test('a thread that nobody has notified is left alone, and so is one that does not oversleep', async () => {
  const idle = start(true);
  const sound = start(false);
  sound.lose();
  jest.advanceTimersByTime(10_000);
  expect([idle.turns(), sound.turns()]).toEqual([1, 1]);
  await Promise.all([idle.stop(), sound.stop()]);
});
