// SPDX-License-Identifier: MIT
/** IOThreads call each other: the object of one is passed to another, which calls it without a thread in between. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import type { ServedPeer } from './fixtures/iothread-peer.js';
import { failure } from './helpers/errors.js';
import { seeded } from './helpers/random.js';
import { asleep, until } from './helpers/workers.js';

const { random } = seeded();
const module = new URL('./fixtures/iothread-peer.js', import.meta.url);
type Peer = IOThread<ServedPeer>;

let runtime: Runtime;
let a: Peer;
let b: Peer;
const start = (name: string): Promise<Peer> => runtime.iothread<ServedPeer>(name, { module });
beforeEach(async () => {
  runtime = await Runtime.create({ maximumMemory: 64 << 20 });
  [a, b] = await Promise.all([start('a'), start('b')]);
  await a.remote.meet(b.remote);
});
afterEach(() => runtime.close());

test('values, functions and errors cross as they do between owner and IOThread', async () => {
  expect(await a.remote.ask('echo', { x: [1, new Date(5), new Map([[1, 'a']])] })).toEqual({ x: [1, new Date(5), new Map([[1, 'a']])] });
  expect(await a.remote.ask('later', 'later')).toBe('later');
  expect(await a.remote.askEach(200)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  const error = (await a.remote.askOf('fail').catch((reason: unknown) => reason)) as RangeError & { code: string };
  expect(error).toBeInstanceOf(RangeError);
  expect([error.message, error.code]).toEqual(['out of range', 'RANGE']);
});

test('what only structured clone carries, and what has no room in the ring, keeps its place in the order', async () => {
  const values = Array.from({ length: 400 }, (_, n) => (random() < 0.2 ? /x/ : random() < 0.1 ? new Uint8Array(20_000).fill(n) : n));
  const expected = values.map((value) => (value instanceof RegExp ? 'message' : value));
  expect(await a.remote.askInOrder(values)).toEqual(expected);
});

test('the owner takes no part: its event loop may stand still', async () => {
  const done = a.remote.askMany(200);
  const before = (await b.stats()).polls;
  // Nothing but the two threads can do this while the owner runs this loop.
  const { exports } = runtime.instance;
  const polls = (): number => exports.rt_context_polls(b.context);
  while (polls() < before + 100) continue;
  expect(await done).toBe(200);
});

test('both threads sleep inside WebAssembly between their calls', async () => {
  for (let n = 0; n < 100; n++) {
    await Promise.all([asleep(runtime, a), asleep(runtime, b)]);
    expect(await a.remote.ask('echo', n)).toBe(n);
  }
  expect(await Promise.all([a.remote.mode(), b.remote.mode()])).toEqual(['blocking', 'blocking']);
});

test('both look at their counters at the same time', async () => {
  expect(await Promise.all([a.remote.count(20_000), b.remote.count(20_000)])).toEqual([20_000, 20_000]);
});

test('both call each other at the same time, over one connection', async () => {
  await b.remote.meet(a.remote);
  expect(await Promise.all([a.remote.askMany(500), b.remote.askMany(500), a.remote.askAll(500), b.remote.askAll(500)])).toEqual([500, 500, 500, 500]);
});

test('the object is the same each time, also when it comes back to where it is from', async () => {
  expect(await a.remote.met()).toBe(b.remote);
  await a.remote.meet(b.remote, 'again');
  expect(await a.remote.ask('echo', 1, 'again')).toBe(1);
  await b.remote.meet(b.remote, 'self');
  expect(await b.remote.ask('echo', 2, 'self')).toBe(2);
  expect((await b.remote.met('self')).echo).toBe(b.remote.echo);
});

test('an IOThread cannot pass on the object of another one, and says what to do', async () => {
  const c = await start('c');
  await a.remote.meet(c.remote, 'c');
  const error = await failure(a.remote.passOn('c'), 'ERR_AIO_UNSUPPORTED');
  expect(error.message).toBe("the object of IOThread 'c' cannot be used here: the thread that owns the runtime has to pass io.remote to this thread");
});

test('several threads call each other at once', async () => {
  const threads = [a, b, ...(await Promise.all(['c', 'd'].map(start)))];
  for (const caller of threads) for (const other of threads) if (caller !== other) await caller.remote.meet(other.remote, other.name);
  const storms = threads.flatMap((caller) => threads.filter((other) => other !== caller).map((other) => caller.remote.askMany(150, other.name)));
  const bursts = threads.flatMap((caller) => threads.filter((other) => other !== caller).map((other) => caller.remote.askAll(150, other.name)));
  expect(await Promise.all([...storms, ...bursts])).toEqual(Array.from({ length: 24 }, () => 150));
});

test.each(['terminate', 'close'] as const)('%s() of one rejects the calls of the other, which goes on', async (end) => {
  const hung = a.remote.askOf('hang');
  const caught = hung.catch((error: unknown) => error);
  let until10!: () => void;
  const began = new Promise<void>((resolve) => (until10 = resolve));
  const storm = a.remote.askUntilItFails(until10);
  await began;
  await b[end]();
  const code = end === 'close' ? 'ERR_AIO_CLOSED' : 'ERR_AIO_THREAD_LOST';
  expect(await caught).toMatchObject({ code });
  expect(await storm).toMatchObject({ code });
  await failure(a.remote.ask('echo', 1), code);
  await failure(a.remote.meet(b.remote), code);
  expect(await a.remote.echo('goes on')).toBe('goes on');
  // One of the same name is another thread.
  b = await start('b');
  await a.remote.meet(b.remote);
  expect(await a.remote.ask('echo', 2)).toBe(2);
});

test('a thread that is ending ends, although it is not told any more that the other one has', async () => {
  expect(await a.remote.ask('echo', 1)).toBe(1);
  const controller = new AbortController();
  await a.remote.hold(controller.signal);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const blocked = a.remote.block(words);
  await until(() => Atomics.load(words, 0) === 1);
  const closing = a.close();
  await b.close();
  // In the ring, behind a message that was not sent.
  controller.abort();
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  await closing;
  await blocked;
});

test('the caller may be terminated in the middle of its calls', async () => {
  let until10!: () => void;
  const began = new Promise<void>((resolve) => (until10 = resolve));
  const storm = a.remote.askUntilItFails(until10).catch((error: unknown) => error);
  await began;
  await a.terminate();
  expect(await storm).toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
  expect(await b.remote.echo('goes on')).toBe('goes on');
});

test('the memory of a connection is given back when either end has ended', async () => {
  const { exports } = runtime.instance;
  /** How many more connections there is memory for. */
  const room = (): number => {
    const blocks: ReturnType<typeof exports.rt_malloc>[] = [];
    for (let block = exports.rt_malloc(1 << 16); block !== 0; block = exports.rt_malloc(1 << 16)) blocks.push(block);
    for (const block of blocks) exports.rt_free(block);
    return blocks.length;
  };
  const life = async (end: 'terminate' | 'close'): Promise<void> => {
    const c = await start('c');
    await a.remote.meet(c.remote, 'c');
    expect(await a.remote.ask('echo', 1, 'c')).toBe(1);
    await c[end]();
  };
  await life('close');
  const before = room();
  for (let n = 0; n < 10; n++) await life(n % 2 ? 'terminate' : 'close');
  // The last connection is freed when the other thread has said that it does not use it any more.
  await until(() => room() > before - 5);
});
