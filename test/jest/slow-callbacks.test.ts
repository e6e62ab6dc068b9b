// SPDX-License-Identifier: MIT
/** Runtime.onSlowCallback(): what is slow is reported with its name and place, also while it runs; nothing else is. */
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime, type SlowCallback } from 'wasm-aio';
import type * as scanning from '../../dist/trace/callback-scan.js';
import type { Batch } from '../../dist/trace/recording.js';
import type { Slow } from './fixtures/iothread-slow.js';
import { runScript, scratch, spawned } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { dist, fixture, pathOf } from './helpers/paths.js';

const { CallbackScan } = (await import(dist('trace/callback-scan.js'))) as typeof scanning;
const dir = scratch();
afterAll(dir.remove);

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

test('C functions of a module with lines have their place', async () => {
  writeFileSync(join(dir.path, 'lines.c'), `#include "block/aio.h"

static void never_called(void *opaque) {
    aio_bh_schedule_oneshot(opaque, never_called, NULL);
}

static void be_slow(void *opaque) {
    aio_notify(opaque);
}

__attribute__((export_name("start"))) void start(AioContext *ctx) {
    aio_bh_schedule_oneshot(ctx, be_slow, ctx);
    if (!ctx) {
        never_called(ctx);
    }
}

int main(void) {
    return 0;
}
`);
  // Without optimisation the code begins with storing the argument.
  for (const [level, line] of [['-O0', 7], ['-O2', 8]] as const) {
    expect(await spawned(pathOf('wasm/aiocc'), ['-g', level, '-o', 'lines.wasm', 'lines.c'], { cwd: dir.path })).toMatchObject({ code: 0, stderr: '' });
    runtime = await Runtime.create({ module: pathToFileURL(join(dir.path, 'lines.wasm')), reserve: 0 });
    const reports = new Reports();
    await runtime.onSlowCallback(0, reports.listener);
    runtime.call('start', runtime.context.pointer);
    expect(await reports.of('be_slow')).toMatchObject({ kind: 'bottom half', registered: `be_slow (lines.c:${line})` });
    await runtime.close();
  }
});

test('closed, it costs nothing and reports nothing; several do not know of each other; the listener may close it', async () => {
  runtime = await Runtime.create({ reserve: 0 });
  const { core } = runtime as unknown as { core: { instance: { exports: { rt_trace_word(): number }; memory: { word(at: number): Int32Array } }; callbacks: { wraps: Set<unknown> } } };
  const word = core.instance.memory.word(core.instance.exports.rt_trace_word());
  const reports = new Reports();
  let calls = 0;
  let tell = (): void => {};
  const firstWasTold = new Promise<void>((resolve) => (tell = resolve));
  const first = await runtime.onSlowCallback(5, () => {
    calls++;
    first.close();
    tell();
  });
  await runtime.onSlowCallback(1e6, () => calls++);
  const third = await runtime.onSlowCallback(5, reports.listener);
  expect(word[0]).toBe(3);
  const bh = runtime.context.bottomHalf('twice', beSlow);
  const again = runtime.context.bottomHalf('again', beSlow);
  again.schedule();
  bh.schedule();
  await Promise.all([reports.of('twice'), reports.of('again'), firstWasTold]);
  third.close();
  third.close();
  const told = reports.all.length;
  expect([word[0], core.callbacks.wraps.size]).toEqual([1, 1]);
  await runtime.close();
  expect([word[0], core.callbacks.wraps.size]).toEqual([0, 0]);
  expect([calls, reports.all.length]).toEqual([1, told]);
  await failure(runtime.onSlowCallback(1, reports.listener), 'ERR_AIO_CLOSED');
});

test('nothing is read after the listener has closed it, and what was lost can be asked for', async () => {
  runtime = await Runtime.create({ reserve: 0 });
  const { exports } = (runtime as unknown as { core: { instance: { exports: Record<string, (...args: unknown[]) => unknown> } } }).core.instance;
  const { rt_trace_read: read, rt_trace_free: free } = exports;
  const done: string[] = [];
  exports.rt_trace_read = (...args) => (done.push('read'), read?.(...args));
  exports.rt_trace_free = (...args) => (done.push('free'), free?.(...args));
  let told = 0;
  const slow = await runtime.onSlowCallback(5, () => {
    told++;
    done.length = 0;
    slow.close();
  });
  runtime.context.bottomHalf('slow', beSlow).schedule();
  while (told === 0) await runtime.context.sleep(1);
  await runtime.close();
  expect(told).toBe(1);
  expect(done).toEqual(['free']);
  expect(slow.lost).toBe(0);
});

test('what a listener throws is an uncaught error, and the next call-back is reported', async () => {
  const { code, stdout, stderr } = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    process.on('uncaughtException', (error) => console.log('uncaught: ' + error.message));
    const runtime = await Runtime.create({ reserve: 0 });
    let last;
    const ended = new Promise((resolve) => (last = resolve));
    await runtime.onSlowCallback(5, ({ name }) => {
      // On a busy machine others may be slow, too.
      if (!['first', 'second'].includes(name)) return;
      if (name === 'second') last();
      throw new Error(name);
    });
    const beSlow = () => {
      const begun = performance.now();
      while (performance.now() - begun <= 5.1);
    };
    const second = runtime.context.bottomHalf('second', beSlow);
    runtime.context.bottomHalf('first', () => (beSlow(), second.schedule())).schedule();
    await ended;
    await runtime.close();
    console.log('closed');`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe('uncaught: first\nuncaught: second\nclosed\n');
});

test('the end of a call-back is that of the same object; what has begun in it has ended with it', () => {
  const kinds = ['qemu_aio_coroutine_enter', 'qemu_coroutine_yield', 'aio_bh_begin', 'aio_bh_end'];
  const types = kinds.map((name) => ({ name, phase: /enter|begin/.test(name) ? 'begin' as const : 'end' as const, object: 'object', value: '' }));
  const batch = (lost: number, ...all: (readonly [string, object: number])[]): Batch => {
    const events = new DataView(new ArrayBuffer(64 * all.length));
    all.forEach(([name, object], n) => {
      events.setUint32(64 * n, 100 + n, true);
      events.setUint32(64 * n + 8, 4711, true);
      events.setUint32(64 * n + 16, object, true);
      events.setUint16(64 * n + 32, kinds.indexOf(name), true);
      events.setUint16(64 * n + 34, 1, true);
    });
    return { ring: 0, lost, events, count: all.length };
  };
  const scan = new CallbackScan(types);
  const objects = (...batches: Batch[]): number[] => [...scan.ended(batches)].map(({ begin }) => begin.object);
  const running = (): number[] => [...scan.running()].map(({ begin }) => begin.object);
  // A coroutine enters another one, which ends first; then one ends of which nothing is known.
  const [enter, leave, begin, end] = kinds as [string, string, string, string];
  expect(objects(batch(0, [enter, 1], [enter, 2], [leave, 3], [leave, 2]))).toEqual([2]);
  expect(running()).toEqual([1]);
  // The end of 5 and 6 is not among the events.
  expect(objects(batch(0, [begin, 5], [enter, 6], [leave, 1]))).toEqual([1]);
  expect(running()).toEqual([]);
  // The same object as another kind of call-back is another one; what ran before a gap may have ended in it.
  expect(objects(batch(0, [begin, 7], [leave, 7]))).toEqual([]);
  expect(running()).toEqual([7]);
  expect(objects(batch(3, [end, 7]))).toEqual([]);
  expect(scan.lost).toBe(3);
});
