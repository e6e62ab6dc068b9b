// SPDX-License-Identifier: MIT
/** Blocking calls: an IOThread waits in shared memory for the answer of another thread. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Runtime, withOptions, type IOThread } from 'wasm-aio';
import type { Blocking } from './fixtures/iothread-blocking.js';
import type { ServedWaiter } from './fixtures/iothread-sync.js';
import { failure } from './helpers/errors.js';

const module = new URL('./fixtures/iothread-sync.js', import.meta.url);
type Waiter = IOThread<ServedWaiter>;

let runtime: Runtime;
let a: Waiter;
let b: Waiter;
const start = (name: string): Promise<Waiter> => runtime.iothread<ServedWaiter>(name, { module });
const word = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));
beforeEach(async () => {
  runtime = await Runtime.create();
  [a, b] = await Promise.all([start('a'), start('b')]);
  await a.remote.meet(b.remote);
});
afterEach(() => runtime.close());

test('results and errors are those of a call that is awaited', async () => {
  expect(await a.remote.ask('echo', { list: [1, 'a', null], map: new Map([[1, 2]]) })).toEqual({ list: [1, 'a', null], map: new Map([[1, 2]]) });
  expect(await a.remote.ask('later', 5)).toBe(5);
  expect(await a.remote.askMany(2000)).toBe(2000);
  const error = (await Promise.resolve(a.remote.ask('fail')).catch((reason: unknown) => reason)) as RangeError & { code: string };
  expect(error).toBeInstanceOf(RangeError);
  expect([error.message, error.code]).toEqual(['out of range', 'RANGE']);
});

test('the owner answers, too, in its event loop, and never waits itself', async () => {
  expect(await a.remote.askOwner((value) => [value, 'owner'], 1)).toEqual([1, 'owner']);
  expect(await a.remote.askOwner(async (value) => [value, 'later'], 2)).toEqual([2, 'later']);
  await failure(() => a.remote.sync.echo(1), 'ERR_AIO_WOULD_BLOCK');
  expect(await a.remote.echo(1)).toBe(1);
});

test('what only structured clone carries is refused, as an argument and as a result', async () => {
  const argument = await failure(a.remote.ask('echo', /x/), 'ERR_AIO_INVALID_ARG');
  expect(argument.message).toMatch(/^the arguments of a blocking call must be plain data of at most 16 KiB/);
  const large = await failure(a.remote.ask('echo', new Uint8Array(20_000)), 'ERR_AIO_INVALID_ARG');
  expect(large.message).toMatch(/^the arguments of a blocking call/);
  const result = await failure(a.remote.askOwner(() => /x/, 0), 'ERR_AIO_INVALID_ARG');
  expect(result.message).toMatch(/^the result of a blocking call must be plain data of at most 16 KiB/);
  expect(await a.remote.ask('echo', 'next')).toBe('next');
});

test('a time-out ends the wait, and its late answer is not that of the next call', async () => {
  for (let n = 0; n < 5; n++) {
    const error = await failure(a.remote.ask('held', `late ${n}`, 20), 'ERR_AIO_TIMEOUT');
    expect(error.message).toBe("the blocking call took longer than 20 ms (timeout; IOThread 'b')");
    await b.remote.release();
    expect(await a.remote.ask('echo', n)).toBe(n);
  }
  expect(await a.remote.askOwner((value) => value, 'in time', 10_000)).toBe('in time');
});

test('a call whose time is up is cancelled where it runs', async () => {
  const words = await kept();
  await failure(a.remote.ask('watch', undefined, 20), 'ERR_AIO_TIMEOUT');
  await isSet(words, 1);
});

test('a thread whose wait is over, by an answer or by a time-out, can be waited for', async () => {
  await b.remote.meet(a.remote);
  expect(await a.remote.ask('echo', 1)).toBe(1);
  expect(await b.remote.ask('echo', 2)).toBe(2);
  await failure(a.remote.ask('hang', undefined, 20), 'ERR_AIO_TIMEOUT');
  expect(await b.remote.ask('echo', 3)).toBe(3);
});

test('a signal that is aborted before refuses the call', async () => {
  await expect(a.remote.askAborted()).rejects.toThrow(new RangeError('before'));
  expect(await a.remote.ask('echo', 1)).toBe(1);
});

/** Resolves when another thread has set the word. */
async function isSet(words: Int32Array, at: number): Promise<void> {
  while (Atomics.load(words, at) === 0) await new Promise(setImmediate);
}

/** Words that both threads have. */
async function kept(): Promise<Int32Array> {
  const words = new Int32Array(new SharedArrayBuffer(12));
  await Promise.all([a.remote.keep(words), b.remote.keep(words)]);
  return words;
}

test('a signal of another thread ends the wait when it is aborted', async () => {
  for (let round = 0; round < 10; round++) {
    const words = await kept();
    const controller = new AbortController();
    const asked = a.remote.askUntil(controller.signal);
    await isSet(words, 0);
    // They are in the ring before the abort, and are handled after the wait.
    const others = round % 2 === 0 ? [] : Array.from({ length: 20 }, (_, n) => a.remote.echo({ n, text: 'x'.repeat(1000) }));
    controller.abort(new RangeError(`round ${round}`));
    expect(await asked).toEqual(['in the listener', new RangeError(`round ${round}`)]);
    expect((await Promise.all(others)).map((value) => (value as { n: number }).n)).toEqual(others.map((_, n) => n));
    // The callee was told.
    await isSet(words, 1);
    expect(await a.remote.ask('echo', round)).toBe(round);
  }
});

test("the signal of the call that is being served ends the wait when its caller cancels it", async () => {
  const words = await kept();
  const controller = new AbortController();
  const asked = a.remote.with({ signal: controller.signal }).askUntilCancelled();
  await isSet(words, 0);
  controller.abort(new RangeError('cancelled'));
  await expect(asked).rejects.toThrow(new RangeError('cancelled'));
  await isSet(words, 2);
  await isSet(words, 1);
  expect(await a.remote.ask('echo', 'next')).toBe('next');
});

test('the signal may come from the thread that is called', async () => {
  const controller = new AbortController();
  const asked = a.remote.askOwnerUntil(() => {
    controller.abort(new RangeError('by the callee'));
    return new Promise(() => {});
  }, controller.signal);
  await expect(asked).rejects.toThrow(new RangeError('by the callee'));
  expect(await a.remote.askOwner((value) => value, 'next')).toBe('next');
});

test('a reason that only a message can carry ends the wait by another one', async () => {
  const controller = new AbortController();
  const asked = a.remote.askOwnerUntil(() => {
    controller.abort(new Uint8Array(20_000));
    return new Promise(() => {});
  }, controller.signal);
  await expect(asked).rejects.toMatchObject({ name: 'AbortError', message: 'aborted with a reason that only a message can carry' });
  expect(await a.remote.ask('echo', 'next')).toBe('next');
});

test.each([
  ['a signal', 'in the ring', new RangeError('in the ring')],
  ['a signal', 'in a message', /x/],
  ['the call', 'in the ring', new RangeError('in the ring')],
  ['the call', 'in a message', /x/],
] as const)('%s that was aborted while the ring was full ends the wait that begins later (its reason would go %s)', async (which, _, reason) => {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const controller = new AbortController();
  const { signal } = controller;
  const asked = which === 'a signal' ? a.remote.askLater(words, signal) : a.remote.with({ signal }).askLater(words);
  const ended = Promise.resolve(asked).catch((error: unknown) => error);
  await isSet(words, 0);
  const others = Array.from({ length: 40 }, (_, n) => a.remote.echo({ n, text: 'x'.repeat(1000) }));
  controller.abort(reason);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  const error = await ended;
  if (which === 'the call') expect(error).toEqual(reason);
  else if (reason instanceof Error) expect(error).toEqual(reason);
  else expect(error).toMatchObject({ name: 'AbortError' });
  // The callee of a call that was cancelled waits no longer, either.
  await isSet(words, 2);
  expect((await Promise.all(others)).map((value) => (value as { n: number }).n)).toEqual(others.map((_, n) => n));
  expect(await a.remote.ask('echo', 'next')).toBe('next');
});

test('a signal that is aborted while a call waits for room in the ring ends that wait', async () => {
  const words = new Int32Array(new SharedArrayBuffer(12));
  const controller = new AbortController();
  const asked = a.remote.askUntilRoom(words, controller.signal);
  await isSet(words, 0);
  controller.abort(new RangeError('no room'));
  await expect(asked).rejects.toThrow(new RangeError('no room'));
  // The other thread goes on.
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  expect(await a.remote.ask('echo', 'next')).toBe('next');
});

test('other answers and calls that come meanwhile are kept, and none is lost', async () => {
  expect(await a.remote.afterMany(50)).toEqual(['blocking', 50]);
  expect(await a.remote.burstThenAsk(3000)).toEqual([3000, 40]);
  await b.remote.meet(a.remote);
  const [many, others] = await Promise.all([a.remote.askMany(500), Promise.all(Array.from({ length: 300 }, (_, n) => a.remote.echo(n)))]);
  expect([many, others]).toEqual([500, Array.from({ length: 300 }, (_, n) => n)]);
});

test('two threads that would wait for each other: the later call is refused, and the earlier one is answered', async () => {
  await b.remote.meet(a.remote, 'a');
  await a.remote.meet(b.remote, 'b');
  for (let round = 0; round < 20; round++) {
    const met = word();
    const ends = await Promise.allSettled([a.remote.cross(met, 'b'), b.remote.cross(met, 'a')]);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused).toHaveLength(1);
    const { reason } = refused[0] as { reason: Error };
    expect(reason).toMatchObject({ code: 'ERR_AIO_DEADLOCK' });
    expect(reason.message).toMatch(/^IOThread '(a|b)' cannot wait for an answer of IOThread '(?!\1)[ab]': IOThread '[ab]' waits for an answer of IOThread '\1' \(sync\)/);
    expect(ends.filter((end) => end.status === 'fulfilled')).toEqual([{ status: 'fulfilled', value: 'crossed' }]);
  }
});

test('a cycle of three is found, and a chain of three is none', async () => {
  const c = await start('c');
  await Promise.all([a.remote.meet(b.remote, 'b'), b.remote.meet(c.remote, 'c'), c.remote.meet(a.remote, 'a')]);
  expect(await a.remote.chain(['b', 'c'])).toBe('the end');
  const error = await failure(a.remote.chain(['b', 'c', 'a']), 'ERR_AIO_DEADLOCK');
  expect(error.message).toBe("IOThread 'c' cannot wait for an answer of IOThread 'a': IOThread 'b' waits for an answer of IOThread 'c', and 'a' for that (sync); await one of the calls");
  expect(await a.remote.chain(['b', 'c'])).toBe('the end');
});

test.each(['terminate', 'close'] as const)('%s() of the thread that is waited for ends the wait', async (end) => {
  const begun = word();
  const waits = Promise.resolve(a.remote.askSigned(begun, 'hang')).catch((error: unknown) => error);
  while (Atomics.load(begun, 0) === 0) await new Promise(setImmediate);
  await b[end]();
  expect(await waits).toMatchObject({ code: end === 'close' ? 'ERR_AIO_CLOSED' : 'ERR_AIO_THREAD_LOST' });
  expect(await a.remote.echo('goes on')).toBe('goes on');
});

test('a thread that waits can be terminated', async () => {
  const begun = word();
  const waits = Promise.resolve(a.remote.askSigned(begun, 'hang')).catch((error: unknown) => error);
  while (Atomics.load(begun, 0) === 0) await new Promise(setImmediate);
  await a.terminate();
  expect(await waits).toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
  expect(await b.remote.echo('goes on')).toBe('goes on');
});

test.each(['terminate', 'close'] as const)('functions of a thread that was ended by %s() say so when they are bound afterwards', async (end) => {
  const code = end === 'close' ? 'ERR_AIO_CLOSED' : 'ERR_AIO_THREAD_LOST';
  expect(await a.remote.ask('echo', 1)).toBe(1);
  const { remote } = b;
  await b[end]();
  // The thread that has its functions hears of it in a turn of its own.
  let error: unknown;
  do error = await Promise.resolve(a.remote.ask('echo', 1)).catch((reason: unknown) => reason);
  while (error === 1);
  expect(error).toMatchObject({ code });
  await failure(a.remote.ask('echo', 1), code);
  await failure(a.remote.askMany(1), code);
  await failure(withOptions(remote, { timeout: 1000 }).echo(1), code);
  await failure(withOptions(remote.echo, { timeout: 1000 })(1), code);
});

describe('a thread that polls', () => {
  let polling: IOThread<Blocking>;
  beforeEach(async () => {
    // Far more than any gap between two calls, so that it polls from the second gap on.
    polling = await runtime.iothread<Blocking>('polling', { module: new URL('./fixtures/iothread-blocking.js', import.meta.url), pollMaxNs: 1e9 });
    const { pollHits } = await polling.stats();
    do await a.remote.askTurns(polling.remote, 10, 0);
    while ((await polling.stats()).pollHits === pollHits);
  });

  test("leaves out turns of JavaScript's event loop between calls that follow each other closely", async () => {
    const { pollMisses } = await polling.stats();
    const [first, last] = await a.remote.askTurns(polling.remote, 5000, 0);
    const missed = (await polling.stats()).pollMisses - pollMisses;
    // It has one when it has waited for 1 ms, or when the loop is about to sleep, and perhaps had one before.
    expect(last.turns - first.turns).toBeLessThanOrEqual(last.at - first.at + missed + 2);
  });

  test('puts a turn off by 1 ms at most', async () => {
    const [, { late }] = await a.remote.askTurns(polling.remote, 200, 0.1);
    // One that the loop took out just before, and the one after which the turn was due.
    expect(late).toBeLessThanOrEqual(2);
  });
});
