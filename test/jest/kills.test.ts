// SPDX-License-Identifier: MIT
/**
 * A worker is terminated after each step that other threads see of what it does. Either its thread alone ends, and
 * whoever waits for what it did goes on; or it was in the midst of something, and the runtime has failed at once.
 * Nothing hangs.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import { fixture } from './helpers/paths.js';
import type { ThreadPointer } from '../../dist/runtime/exports.js';
import { until, workerOf } from './helpers/workers.js';

const module = fixture('kills');

/** The operations' names and victims, which are the module's. */
const describing = await Runtime.create({ module, reserve: 0 });
const text = (pointer: unknown): string => (pointer === 0 ? '' : describing.instance.memory.string(pointer as never));
const ops = Array.from({ length: describing.call('ops_count') as number }, (_, which) => ({
  which, name: text(describing.call('op_name', which)), thread: text(describing.call('op_thread', which)),
  waits: describing.call('op_waits', which) === 1, released: describing.call('op_is_released', which) === 1,
  ends: describing.call('op_ends', which) === 1,
}));
await describing.close();

/** What a call ended with: a value, or an error's code. */
const outcome = (call: Promise<unknown>): Promise<unknown> => call.then((value) => value, (error: { code?: unknown }) => error.code);

describe.each([['ring', 0], ['scan', 1]] as const)('loops with the %s', (_title, scan) => {
  let runtime: Runtime;
  let third: IOThread;
  let waiter: IOThread;
  /** Its end was heard of, by a promise that was pending. */
  let failed: unknown;

  const start = async (): Promise<void> => {
    runtime = await Runtime.create({ module });
    failed = undefined;
    runtime.closed.catch((error: { code?: unknown }) => (failed = error.code));
    [third, waiter] = await Promise.all([runtime.iothread('third'), runtime.iothread('waiter', { threadPoolMax: 1 })]);
    expect(await waiter.call('prepare', scan)).toBe(1);
    runtime.call('prepare_owner', runtime.context.pointer);
  };
  beforeAll(start);
  afterAll(() => runtime.close());

  const called = (name: string): boolean => runtime.call(name) !== 0;
  /** Waits for it, unless the runtime fails meanwhile. */
  const settled = async (condition: () => boolean): Promise<void> => {
    try {
      await until(condition);
    } catch (error) {
      failed = (error as { code?: unknown }).code;
    }
  };

  /** As somebody from outside would; until its end is known. */
  const terminate = async (thread: ThreadPointer): Promise<void> => {
    const worker = workerOf(runtime, thread);
    worker?.terminate();
    await settled(() => workerOf(runtime, thread) !== worker);
  };

  /** Stops it after so many steps; false: it has not that many. */
  async function round({ which, thread, waits, released, ends }: (typeof ops)[number], n: number): Promise<boolean> {
    const victim = await runtime.iothread('victim');
    const by = thread === '' ? victim : third;
    await third.call('reset', which, n);
    await by.call('before', which);
    let waiting: Promise<unknown> | undefined;
    const wait = async (): Promise<void> => {
      if (!waits) return;
      waiting = outcome(waiter.call('wait_for', which));
      await settled(() => called('waiter_sleeps'));
    };
    if (!released) await wait();
    let over = false;
    const op = outcome(by.call('op', which, n));
    if (thread === '') void op.then(() => (over = true));
    const isStopped = (): boolean => called('is_stopped');
    let release: Promise<unknown> | undefined;
    if (released) {
      await settled(() => isStopped() || over || called('victim_sleeps'));
      await wait();
      release = outcome(third.call('release_both', which));
    }
    // Of another thread the waiter hears, but that thread has steps to make after it has told the waiter.
    if (thread !== '') void waiting?.then(() => (over = true));
    await settled(() => isStopped() || (over && (!ends || called('victim_ended'))));
    // A runtime that has failed by now did because of the thread that is stopped.
    const reached = failed !== undefined || !called('disarm');
    if (failed === undefined && reached) await terminate(runtime.call('stopped_thread') as ThreadPointer);
    expect([1, 'ERR_AIO_CANCELED', 'ERR_AIO_THREAD_LOST', 'ERR_AIO_PANIC']).toContain(await op);
    // What was published is taken although nobody does anything.
    await settled(() => called('all_taken'));
    for (const call of [() => release ?? Promise.resolve(1), () => third.call('kick', which), () => waiting ?? Promise.resolve(1), () => third.call('use_all'), () => waiter.clock(), () => victim.close()]) {
      const ended = await outcome(Promise.resolve().then(call));
      if (ended === 'ERR_AIO_PANIC') failed = ended;
    }
    if (failed !== undefined) {
      expect(failed).toBe('ERR_AIO_PANIC');
      await runtime.close().catch(() => {});
      await start();
    }
    return reached;
  }

  // What is not the loop's is the same with each of them.
  const some = scan === 0 ? ops : ops.filter(({ name }) => /notifier|handlers|bottom half/.test(name));
  test.each(some)('$name', async (op) => {
    let steps = 0;
    // All of them with KILLS=all; otherwise the first ones, and some of those that are much alike.
    const next = (): number => (steps < 6 || process.env['KILLS'] === 'all' ? steps + 1 : steps + 4);
    while (await round(op, steps)) steps = next();
    expect(steps).toBeGreaterThan(0);
  }, 120_000);
});
