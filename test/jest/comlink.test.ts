// SPDX-License-Identifier: MIT
/** comlink's own wrap(), expose() and proxy() work over an IOThread's connection, whose loop sleeps in WebAssembly. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { proxy, releaseProxy, transfer, wrap, type Remote } from 'comlink';
import { Runtime, type IOThread } from 'wasm-aio';
import { endpoint } from 'wasm-aio/comlink';
import type { Api } from './fixtures/iothread-comlink.js';
import type { Uses } from './fixtures/iothread-comlink-sync.js';
import { failure } from './helpers/errors.js';
import { asleep } from './helpers/workers.js';

let runtime: Runtime;
let io: IOThread;
let api: Remote<Api>;
beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread('comlink', { module: new URL('./fixtures/iothread-comlink.js', import.meta.url) });
  api = wrap<Api>(endpoint(io));
});
afterAll(() => runtime.close());

test('calls, properties, classes and errors', async () => {
  expect(await api.echo({ a: [1, 'x'] })).toEqual({ a: [1, 'x'] });
  expect(await api.limit).toBe(7);
  const counter = await new api.Counter(3);
  expect(await counter.add(4)).toBe(7);
  counter[releaseProxy]();
  await expect(api.fail()).rejects.toMatchObject({ message: 'as it should' });
  expect(await api.echo(1)).toBe(1);
});

test('each time the loop was fast asleep', async () => {
  for (let n = 0; n < 100; n++) {
    await asleep(runtime, io);
    expect(await api.echo(n)).toBe(n);
  }
});

test('a call-back by proxy() is called 1,000 times, and none is lost', async () => {
  const seen: number[] = [];
  expect(await api.back(proxy((n: number) => (seen.push(n), n)), 1000)).toBe(499_500);
  expect(seen).toEqual(Array.from({ length: 1000 }, (_, n) => n));
});

test('an object by proxy() of the IOThread, one call while it sleeps, and its release on both sides', async () => {
  const before = await api.held();
  const counter = await api.counter(10);
  await asleep(runtime, io);
  expect(await counter.add(1)).toBe(11);
  await asleep(runtime, io);
  expect(await counter.add(2)).toBe(13);
  expect(await api.held()).not.toEqual(before);
  counter[releaseProxy]();
  // The release is a call like others, which the next one follows.
  for (let n = 0; n < 100 && String(await api.held()) !== String(before); n++) await asleep(runtime, io);
  expect(await api.held()).toEqual(before);
});

test('what cannot be cloned rejects its call, in both directions', async () => {
  await expect(api.echo(Symbol('s'))).rejects.toThrow(/cannot be sent/);
  await expect(api.symbol()).rejects.toThrow(/cannot be sent/);
  expect(await api.echo(2)).toBe(2);
});

test('a port of one\'s own is transferred, also beside a proxy', async () => {
  const { port1, port2 } = new MessageChannel();
  const got = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  await api.post(transfer(port2 as never, [port2]), proxy(() => 'from the owner'));
  expect(await got).toBe('from the owner');
  port1.close();
});

test('a buffer is transferred', async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  expect(await api.echo(transfer(bytes, [bytes.buffer]))).toEqual(new Uint8Array([1, 2, 3]));
  expect(bytes.length).toBe(0);
});

test('an IOThread that serves no endpoint is refused by name', async () => {
  const other = await runtime.iothread('other', { module: new URL('./fixtures/iothread-order.js', import.meta.url) });
  expect(() => endpoint(other)).toThrow(/'other' serves no endpoint/);
  await other.close();
});

describe('exposeSync() and wrapSync()', () => {
  let user: IOThread<Uses>;
  beforeAll(async () => {
    user = await runtime.iothread<Uses>('user', { module: new URL('./fixtures/iothread-comlink-sync.js', import.meta.url) });
    await user.remote.use(io.remote as object);
  });

  test('properties are read and written, and functions called, at once', async () => {
    expect(await user.remote.values()).toEqual([7, 1, [1, 'x', null]]);
    expect(await user.remote.add(100)).toBe(4950);
    expect(await user.remote.later({ a: 1 })).toEqual({ a: 1 });
    expect(await user.remote.set(8)).toBe(8);
    // comlink's own object is exposed by the same endpoint.
    expect(await api.limit).toBe(7);
  });

  test('errors are thrown, and what cannot be sent is refused', async () => {
    await expect(user.remote.fail()).rejects.toThrow(new RangeError('as it should'));
    await failure(user.remote.symbol(), 'ERR_AIO_INVALID_ARG');
    await user.remote.use(io.remote as object, 20);
    await failure(user.remote.hang(), 'ERR_AIO_TIMEOUT');
    await failure(user.remote.use({}), 'ERR_AIO_INVALID_ARG');
    await user.remote.use(io.remote as object);
    expect(await user.remote.later(1)).toBe(1);
  });
});
