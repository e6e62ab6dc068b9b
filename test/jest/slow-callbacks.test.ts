// SPDX-License-Identifier: MIT
/** Runtime.onSlowCallback(): what is slow is reported with its name and place, also while it runs; nothing else is. */
import { afterEach, expect, test } from '@jest/globals';
import { Runtime, type SlowCallback } from 'wasm-aio';
import type { Slow } from './fixtures/iothread-slow.js';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

let runtime: Runtime;
afterEach(() => runtime.close());

/** What was reported, and a way to wait for it. */
class Reports {
  readonly all: SlowCallback[] = [];
  readonly #waiting = new Set<() => void>();
  readonly listener = (slow: SlowCallback): void => {
    this.all.push(slow);
    for (const look of this.#waiting) look();
  };

  of(name: string, running = false): Promise<SlowCallback> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.all.find((slow) => slow.name === name && slow.running === running);
        if (!found) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** Takes more than 5 ms. */
function beSlow(): void {
  const begun = performance.now();
  while (performance.now() - begun <= 5.1);
}

test('call-backs of the owner are reported by their names, with the place where they were registered', async () => {
  runtime = await Runtime.create({ reserve: 0 });
  const other = runtime.createContext('other');
  const early = runtime.context.bottomHalf('early', beSlow);
  const reports = new Reports();
  const slow = await runtime.onSlowCallback(5, reports.listener);
  // Nothing takes that long, however busy the machine is.
  const slower = new Reports();
  await runtime.onSlowCallback(1e6, slower.listener);
  function registerHere(): void {
    runtime.context.timer('a timer', beSlow).arm(0);
    const notifier = runtime.context.notifier('flag');
    runtime.context.onSet(notifier, beSlow);
    notifier.set();
    const once = other.bottomHalf('once', () => {
      beSlow();
      // What is not there any more when it is reported.
      once.close();
    });
    once.schedule();
  }
  registerHere();
  early.schedule();
  for (const [name, kind, loop] of [['a timer', 'timer', 'owner'], ["handler of notifier 'flag'", 'handler', 'owner'], ['once', 'bottom half', 'other']] as const) {
    const report = await reports.of(name);
    expect(report).toMatchObject({ kind, loop, thread: 'owner', running: false });
    expect(report.duration).toBeGreaterThan(5);
    expect(report.registered).toMatch(/registerHere/);
    expect(report.registered).not.toMatch(/dist\/(whole|runtime|api)\//);
    expect(report.dump).toBeUndefined();
  }
  expect(await reports.of('early')).not.toHaveProperty('registered');
  expect(slow.lost).toBe(0);
  slow.close();
  // It reads for the last time then.
  await runtime.close();
  expect(slower.all).toEqual([]);
});

test('one that still runs is reported by the owner with a dump, and again when it has ended', async () => {
  runtime = await Runtime.create({ reserve: 1 });
  const reports = new Reports();
  await runtime.onSlowCallback(5, reports.listener);
  const io = await runtime.iothread<Slow>('io0', { module: new URL('./fixtures/iothread-slow.js', import.meta.url) });
  for (const [method, name, kind] of [['hold', 'hold', 'call'], ['holdInBottomHalf', 'held', 'bottom half']] as const) {
    const word = new Int32Array(new SharedArrayBuffer(4));
    try {
      const held = io.remote[method](word);
      const seen = await reports.of(name, true);
      expect(seen).toMatchObject({ kind, thread: 'IO io0', loop: 'io0' });
      expect(seen.duration).toBeGreaterThan(5);
      expect(seen.dump).toContain("'IO io0'");
      expect(reports.all.filter((report) => report.name === name)).toHaveLength(1);
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
      await held;
      expect((await reports.of(name)).duration).toBeGreaterThanOrEqual(seen.duration);
    } finally {
      Atomics.store(word, 0, 1);
      Atomics.notify(word, 0);
    }
  }
});

test('coroutines and C functions have their names', async () => {
  runtime = await Runtime.create({ module: fixture('coroutine'), reserve: 0 });
  const reports = new Reports();
  await runtime.onSlowCallback(0, reports.listener);
  await runtime.coroutine('add_in_turns', 3);
  expect(await reports.of('add_in_turns')).toMatchObject({ kind: 'coroutine', thread: 'owner', loop: 'owner' });
  await runtime.coroutine('sleep_ms', 1);
  // A timer of C, which has no name of its own.
  expect(await reports.of('wake_cb')).toMatchObject({ kind: 'timer', thread: 'owner' });
});

test('closed, it costs nothing and reports nothing; several do not know of each other; the listener may close it', async () => {
  runtime = await Runtime.create({ reserve: 0 });
  const { core } = runtime as unknown as { core: { instance: { exports: { rt_trace_word(): number }; memory: { word(at: number): Int32Array } }; callbacks: { wraps: Set<unknown> } } };
  const word = core.instance.memory.word(core.instance.exports.rt_trace_word());
  const reports = new Reports();
  let calls = 0;
  const first = await runtime.onSlowCallback(5, () => {
    calls++;
    first.close();
  });
  await runtime.onSlowCallback(1e6, () => calls++);
  const third = await runtime.onSlowCallback(5, reports.listener);
  expect(word[0]).toBe(3);
  const bh = runtime.context.bottomHalf('twice', beSlow);
  const again = runtime.context.bottomHalf('again', beSlow);
  again.schedule();
  bh.schedule();
  await Promise.all([reports.of('twice'), reports.of('again')]);
  expect(calls).toBe(1);
  third.close();
  third.close();
  const told = reports.all.length;
  expect([word[0], core.callbacks.wraps.size]).toEqual([1, 1]);
  await runtime.close();
  expect([word[0], core.callbacks.wraps.size]).toEqual([0, 0]);
  expect(reports.all).toHaveLength(told);
  await failure(runtime.onSlowCallback(1, reports.listener), 'ERR_AIO_CLOSED');
});
