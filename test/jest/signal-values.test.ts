// SPDX-License-Identifier: MIT
/** An AbortSignal within a value is one in the other thread, too, for as long as somebody can abort it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { release, Runtime, type IOThread } from 'wasm-aio';
import type { Signals } from './fixtures/iothread-signals.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

interface Connection {
  lives: { signals: { size: number } };
  functions: { held: Map<number, unknown> };
}

let runtime: Runtime;
let io: IOThread<Signals>;
/** What is held when nothing was sent. */
let base: string;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await start('signals');
  base = JSON.stringify(await counts());
});
afterAll(() => runtime.close());

const start = (name: string): Promise<IOThread<Signals>> => runtime.iothread<Signals>(name, { module: new URL('./fixtures/iothread-signals.js', import.meta.url) });
const connections = (): Connection[] => [...(globalThis as unknown as Record<symbol, Set<Connection>>)[Symbol.for('wasm-aio.connections')] as Set<Connection>];
const here = (): { received: number; held: number } => ({ received: connections()[0]?.lives.signals.size ?? -1, held: connections()[0]?.functions.held.size ?? -1 });
const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const aborted = (signal: AbortSignal): Promise<unknown> => new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason), { once: true }));
const counts = async (): Promise<unknown> => ({ here: here(), there: await io.remote.counts() });

/** Whether nothing is held any more, now or after what was under way. */
async function nothingIsLeft(): Promise<boolean> {
  await io.remote.echo(1);
  return JSON.stringify(await counts()) === base;
}

/** Collects on both sides until nothing is held; the tests' time limit is its only end. */
async function collected(): Promise<void> {
  do {
    gc();
    await io.remote.collect();
    await new Promise((resolve) => setImmediate(resolve));
  } while (!(await nothingIsLeft()));
}

test.each<[string, (value: unknown) => unknown]>([['in the ring', (value) => value], ['in a message', (value) => [value, /x/]]])('it is aborted with the same reason: %s', async (_how, beside) => {
  const controller = new AbortController();
  let told!: (reason: unknown) => void;
  const reason = new Promise<unknown>((resolve) => (told = resolve));
  await io.remote.echo(beside(controller.signal));
  await io.remote.listen(controller.signal, told);
  expect(await io.remote.look(controller.signal)).toEqual([true, false, undefined]);
  controller.abort(Object.assign(new RangeError('enough'), { code: 'E_ENOUGH' }));
  expect(await reason).toMatchObject({ name: 'RangeError', message: 'enough', code: 'E_ENOUGH' });
  expect(listeners(controller.signal)).toBe(0);
});

test('one that is aborted already arrives aborted, whatever its reason is', async () => {
  const cause = new TypeError('why');
  for (const reason of [7, { plain: ['data'] }, new Error('failed', { cause })]) {
    expect(await io.remote.look(AbortSignal.abort(reason))).toEqual([true, true, reason]);
    const [signal] = (await io.remote.echo([AbortSignal.abort(reason), /x/])) as [AbortSignal];
    expect([signal instanceof AbortSignal, signal.aborted, signal.reason]).toEqual([true, true, reason]);
  }
  expect(((await io.remote.echo(AbortSignal.abort())) as AbortSignal).reason).toMatchObject({ name: 'AbortError' });
  const timeout = AbortSignal.timeout(1);
  await aborted(timeout);
  expect((await io.remote.look(timeout))[2]).toMatchObject({ name: 'TimeoutError' });
});

test('the same signal is the same signal there, in one value and in several', async () => {
  const { signal } = new AbortController();
  expect(await io.remote.same({ signal }, new Map([['signal', signal]]))).toBe(true);
  expect(listeners(signal)).toBe(1);
  await io.remote.echo([signal, { signal }]);
  expect(listeners(signal)).toBe(1);
  release(signal);
  expect(listeners(signal)).toBe(0);
});

test('a signal of the other side is one here, and can be sent back', async () => {
  const { signal } = await io.remote.give();
  expect([signal instanceof AbortSignal, signal.aborted]).toEqual([true, false]);
  let told!: (reason: unknown) => void;
  const back = new Promise<unknown>((resolve) => (told = resolve));
  await io.remote.listen(signal, told);
  const here = aborted(signal);
  await io.remote.abortGiven('over there');
  expect(await here).toBe('over there');
  expect(await back).toBe('over there');
  await io.remote.forgetGiven();
  await collected();
});

test('is released on both sides when it is aborted, collected, or released by either', async () => {
  await collected();
  // Aborted.
  const controllers = Array.from({ length: 100 }, () => new AbortController());
  await Promise.all(controllers.map(({ signal }) => io.remote.keep(signal)));
  expect(await io.remote.counts()).toMatchObject({ received: 100 });
  expect(here()).toMatchObject({ held: 100 });
  for (const controller of controllers) controller.abort();
  expect(await nothingIsLeft()).toBe(true);
  // Released there, while the same signal is sent once more.
  const { signal } = new AbortController();
  await io.remote.keep(signal);
  await Promise.all([io.remote.releaseKept(), io.remote.keep(signal)]);
  expect(await io.remote.counts()).toMatchObject({ received: 1 });
  expect(listeners(signal)).toBe(1);
  await io.remote.releaseKept();
  expect(await nothingIsLeft()).toBe(true);
  expect(listeners(signal)).toBe(0);
  // Released here.
  await io.remote.keep(signal);
  release(signal);
  expect(await nothingIsLeft()).toBe(true);
  // Collected here: nobody can abort it any more.
  for (let n = 0; n < 100; n++) await io.remote.keep(new AbortController().signal);
  await collected();
});

test('a listener alone keeps it: it is not collected while its original can be aborted', async () => {
  const controller = new AbortController();
  let told!: (reason: unknown) => void;
  const reason = new Promise<unknown>((resolve) => (told = resolve));
  await io.remote.listen(controller.signal, told);
  for (let n = 0; n < 10; n++) {
    gc();
    await io.remote.collect();
  }
  controller.abort('after the collections');
  expect(await reason).toBe('after the collections');
});

test('the end of the IOThread takes the listeners from signals that it was sent', async () => {
  const other = await start('ends');
  const { signal } = new AbortController();
  await other.remote.keep(signal);
  expect(listeners(signal)).toBe(1);
  await other.close();
  expect(listeners(signal)).toBe(0);
});

test('a value with a signal that cannot be sent leaves no listener', async () => {
  const { signal } = new AbortController();
  await expect(io.remote.echo([signal, Symbol('no')])).rejects.toMatchObject({ name: 'DataCloneError' });
  expect(listeners(signal)).toBe(0);
});
