// SPDX-License-Identifier: MIT
/** Calls to another thread are cancelled by a signal or after a time: one that has not begun never runs, and nothing of it is left. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { AioError, currentSignal, release, Runtime, withOptions, type AbortSignalLike, type CallOptions, type IOThread } from 'wasm-aio';
import type { Cancel } from './fixtures/iothread-cancel.js';
import { failure } from './helpers/errors.js';

interface Connection {
  running: { size: number };
  functions: { held: Map<number, unknown> };
}

let runtime: Runtime;
let io: IOThread<Cancel>;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await start('cancel');
});
afterAll(() => runtime.close());

const start = (name: string): Promise<IOThread<Cancel>> => runtime.iothread<Cancel>(name, { module: new URL('./fixtures/iothread-cancel.js', import.meta.url) });

/** Makes the IOThread busy until the function that it resolves with is called. */
async function busy(): Promise<() => Promise<void>> {
  const word = new Int32Array(new SharedArrayBuffer(8));
  const blocked = io.remote.block(word);
  await (Atomics as unknown as { waitAsync(word: Int32Array, index: number, value: number): { value: unknown } }).waitAsync(word, 1, 0).value;
  return async () => {
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
    await blocked;
  };
}

/** A promise, and the function that resolves it. */
function event(): { happened: Promise<unknown>; happen: (value?: unknown) => void } {
  let happen!: (value?: unknown) => void;
  const happened = new Promise<unknown>((resolve) => (happen = resolve));
  return { happened, happen };
}

/** Resolves when the IOThread serves no call that it has to remember. */
async function allEnded(): Promise<void> {
  while ((await io.remote.counts()).running !== 0);
}

const rejected = (work: Promise<unknown>): Promise<unknown> => work.then((value) => Promise.reject(new Error(`answered ${String(value)}`)), (reason: unknown) => reason);
const here = (): Connection => [...(globalThis as unknown as Record<symbol, Set<Connection>>)[Symbol.for('wasm-aio.connections')] as Set<Connection>][0] as Connection;

/** A signal that counts its listeners. */
class CountingSignal implements AbortSignalLike {
  aborted = false;
  reason: unknown;
  readonly listeners = new Set<() => void>();
  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    for (const listener of [...this.listeners]) listener();
  }
}

describe('a call that has not begun', () => {
  test('is not sent if its signal is aborted already', async () => {
    const reason = { my: 'reason' };
    expect(await rejected(io.remote.with({ signal: AbortSignal.abort(reason) }).run('never'))).toBe(reason);
    expect(await io.remote.ran()).toEqual([]);
  });

  test.each<[string, (n: number) => unknown]>([
    ['in the ring', (n) => n],
    ['sent as a message', (n) => [/x/, n]],
    ['more than the ring has room for', (n) => `${n} ${'x'.repeat(1000)}`],
  ])('is taken back: %s', async (_what, value) => {
    const carryOn = await busy();
    const controller = new AbortController();
    const values = Array.from({ length: 100 }, (_, n) => value(n));
    const cancelled: Promise<unknown>[] = [];
    const answered: Promise<unknown>[] = [];
    for (const [n, each] of values.entries()) {
      if (n % 2 === 0) cancelled.push(rejected(io.remote.with({ signal: controller.signal }).run(each)));
      else answered.push(io.remote.run(each));
    }
    controller.abort(new RangeError('no longer wanted'));
    expect(new Set(await Promise.all(cancelled))).toEqual(new Set([controller.signal.reason]));
    await carryOn();
    await Promise.all(answered);
    expect(await io.remote.ran()).toEqual(values.filter((_, n) => n % 2 === 1));
    await io.remote.forget();
  });

  test('is taken back when its time is up, and gives its functions back', async () => {
    const carryOn = await busy();
    const before = here().functions.held.size;
    const calls = Array.from({ length: 20 }, (_, n) => failure(io.remote.with({ timeout: 1 }).run([() => n, ...(n % 2 ? [/x/] : [])]), 'ERR_AIO_TIMEOUT'));
    expect(here().functions.held.size).toBe(before + 20);
    for (const error of await Promise.all(calls)) expect(error.message).toBe("the call took longer than 1 ms (timeout; IOThread 'cancel')");
    expect(here().functions.held.size).toBe(before);
    await carryOn();
    expect(await io.remote.ran()).toEqual([]);
  });

  test('is taken back if a getter of its arguments aborts the signal', async () => {
    const carryOn = await busy();
    const controller = new AbortController();
    const value = { get bad() { controller.abort('in the getter'); return 1; } };
    expect(await rejected(io.remote.with({ signal: controller.signal }).run(value))).toBe('in the getter');
    await carryOn();
    expect(await io.remote.ran()).toEqual([]);
  });
});

describe('a call that runs', () => {
  test.each<[string, unknown, object]>([
    ['the default', undefined, { name: 'AbortError' }],
    ['an error', Object.assign(new RangeError('enough'), { code: 'E_ENOUGH' }), { name: 'RangeError', message: 'enough', code: 'E_ENOUGH' }],
    ['a value', { why: ['plain', 'data'] }, { why: ['plain', 'data'] }],
    ['what cannot be sent', Symbol('no'), { name: 'AbortError', message: 'aborted with a reason that cannot be sent to another thread' }],
  ])('sees its signal, and the reason is %s', async (_what, reason, seen) => {
    const [begun, ended] = [event(), event()];
    const controller = new AbortController();
    const call = rejected(io.remote.with({ signal: controller.signal }).untilCancelled(begun.happen, ended.happen));
    await begun.happened;
    controller.abort(reason);
    expect(await call).toBe(controller.signal.reason);
    expect(await ended.happened).toMatchObject(seen);
    await allEnded();
  });

  test('sees that its time is up', async () => {
    const ended = event();
    // On a busy machine the time may be up before it has begun.
    let begun = false;
    while (!begun) await failure(io.remote.with({ timeout: 50 }).untilCancelled(() => void (begun = true), ended.happen), 'ERR_AIO_TIMEOUT');
    expect(await ended.happened).toMatchObject({ name: 'AioError', code: 'ERR_AIO_TIMEOUT' });
  });

  test('may throw the reason: nobody is told of it twice', async () => {
    const { happened, happen } = event();
    const controller = new AbortController();
    const call = rejected(io.remote.with({ signal: controller.signal }).failWhenCancelled(happen));
    await happened;
    controller.abort();
    expect(await call).toBe(controller.signal.reason);
    await allEnded();
  });

  test('has a signal also if its caller gave none', async () => {
    expect([await io.remote.isCancelled(), await io.remote.sameSignal(), await io.remote.with({ timeout: 1e9 }).isCancelled()]).toEqual([false, true, false]);
    expect(await io.remote.counts()).toMatchObject({ running: 0 });
    await failure(io.remote.lateSignal(), 'ERR_AIO_INVALID_ARG');
    await failure(async () => currentSignal(), 'ERR_AIO_INVALID_ARG');
  });

  test('of a function of this side is cancelled, too, also by the end of the IOThread', async () => {
    const signals: AbortSignal[] = [];
    const { happened, happen } = event();
    const work = (): Promise<void> => {
      const signal = currentSignal();
      signals.push(signal);
      if (isLast) happen();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
    };
    let isLast = false;
    // On a busy machine the time may be up before it has begun.
    while (signals.length === 0) {
      const error = await failure(io.remote.callBack(work, 50), 'ERR_AIO_TIMEOUT');
      expect(error.message).toMatch(/^the call took longer than 50 ms/);
    }
    // The time-out of the call-back was told before its caller's answer.
    expect(signals[0]).toMatchObject({ aborted: true, reason: { code: 'ERR_AIO_TIMEOUT' } });
    const other = await start('ends');
    isLast = true;
    const last = signals.length;
    const call = failure(other.remote.callBack(work, 1e9), 'ERR_AIO_THREAD_LOST');
    await happened;
    expect(signals[last]?.aborted).toBe(false);
    await other.terminate();
    await call;
    expect(signals[last]).toMatchObject({ aborted: true, reason: { code: 'ERR_AIO_THREAD_LOST' } });
  });
});

test('options are given to nested functions, to results, and to what has a function `with` itself', async () => {
  const signal = AbortSignal.abort('no');
  expect(await rejected(io.remote.with({ signal }).nested.deep.echo(1))).toBe('no');
  expect(await io.remote.with({ timeout: 1e9 }).nested.deep.echo(1)).toBe(1);
  const made = await io.remote.make();
  const bound = withOptions(made, { signal });
  expect(await rejected(bound(1))).toBe('no');
  expect(await withOptions(bound, {})(2)).toBe(2);
  // It stands for the same function.
  expect(await io.remote.nested.deep.echo(bound)).toBe(made);
  release(bound);
  await failure(bound(1), 'ERR_AIO_CLOSED');
  await failure(made(1), 'ERR_AIO_CLOSED');
});

test('wrong arguments are named', async () => {
  const options = (given: unknown) => () => io.remote.with(given as CallOptions);
  expect((await failure(options({ signal: 1 }), 'ERR_AIO_INVALID_ARG')).message).toBe('options.signal must be an AbortSignal, not 1');
  expect((await failure(options({ timeout: -1 }), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^options\.timeout must be a number of ms from 0/);
  expect((await failure(options({ timeOut: 1 }), 'ERR_AIO_INVALID_ARG')).message).toMatch(/did you mean 'timeout'/);
  expect((await failure(options(undefined), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^options must be an object/);
  for (const what of [() => 1, {}, 7]) {
    expect((await failure(() => withOptions(what as object, {}), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^what must be a function that came from another thread/);
  }
});

test('nothing is left of 100,000 cancelled calls', async () => {
  const before = { here: here().functions.held.size, there: await io.remote.counts() };
  const kept = new CountingSignal();
  const begun = event();
  const long = io.remote.with({ signal: kept }).never(begun.happen);
  await begun.happened;
  for (let round = 0; round < 100; round++) {
    const signal = new CountingSignal();
    const remote = io.remote.with({ signal, timeout: 1e6 });
    const calls = Array.from({ length: 1000 }, (_, n) => rejected(n % 10 === 0 ? remote.never() : remote.run(n % 3 ? n : () => n)));
    // Some of them begin.
    if (round % 2) await io.remote.isCancelled();
    expect(signal.listeners.size).toBeLessThanOrEqual(1000);
    signal.abort('cancelled');
    await Promise.all(calls.map((call) => call.catch(() => {})));
    expect(signal.listeners.size).toBe(0);
  }
  expect(kept.listeners.size).toBe(1);
  kept.abort('the last one');
  expect(await rejected(long)).toBe('the last one');
  expect(kept.listeners.size).toBe(0);
  const after = await io.remote.counts();
  // never() does not end, so that the IOThread still knows of these calls.
  expect(after.running).toBeGreaterThan(0);
  expect(after.held).toBe(before.there.held);
  expect(here().running.size).toBe(0);
  await io.remote.forget();
});

test('errors of a cancelled call have the class of the reason', async () => {
  const signal = AbortSignal.timeout(5);
  expect(await rejected(io.remote.with({ signal }).never())).toMatchObject({ name: 'TimeoutError' });
  expect(await failure(io.remote.with({ timeout: 0 }).never(), 'ERR_AIO_TIMEOUT')).toBeInstanceOf(AioError);
});

test('any number of waits may have one signal: it has one listener, which is gone when they are over', async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  const file = await io.open(process.execPath);
  const notifier = runtime.context.notifier('never');
  for (const aborts of [true, false]) {
    const goOn = await busy();
    const controller = new AbortController();
    const { signal } = controller;
    const waits = Array.from({ length: 100 }, (_, n) => [
      io.clock({ signal }), io.remote.with({ signal }).run(n), runtime.context.sleep(aborts ? 1e6 : 1, { signal }), notifier.wait({ signal }), file.read(n, 1, { signal }),
    ]).flat();
    const ends = Promise.allSettled(waits);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    if (aborts) controller.abort(new RangeError('all'));
    else notifier.set();
    await goOn();
    const settled = await ends;
    // A read may be quicker.
    const rejected = settled.filter((end) => end.status === 'rejected');
    if (aborts) expect(rejected.length).toBeGreaterThanOrEqual(400);
    expect(rejected.map(({ reason }) => reason as unknown)).toEqual(rejected.map(() => new RangeError('all')));
    if (!aborts) expect(rejected).toHaveLength(0);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  }
  notifier.close();
  await file.close();
  await new Promise(setImmediate);
  process.off('warning', warned);
  expect(warnings).toEqual([]);
});
