// SPDX-License-Identifier: MIT
/** Call-backs of the user's in an IOThread's loop, and objects that go between threads. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import type { Loop } from './fixtures/iothread-loop.js';
import { failure } from './helpers/errors.js';
import { asleep, until } from './helpers/workers.js';

const code = { module: new URL('./fixtures/iothread-loop.js', import.meta.url) };
let runtime: Runtime;
let io: IOThread<Loop>;
beforeEach(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await runtime.iothread<Loop>('loop', code);
});
afterEach(() => runtime.close());

const count = (which: number): number => Atomics.load(io.remote.counts, which);

test('a bottom half of the IOThread is there at once, and is run by schedule()', async () => {
  const { flush } = io.remote.handles;
  expect(flush.name).toBe('flush');
  expect(io.remote.name).toBe('loop');
  for (let i = 1; i <= 100; i++) {
    await asleep(runtime, io);
    flush.schedule();
    await until(() => count(0) === i);
  }
});

test('what a call-back leaves to microtasks is done before the loop sleeps', async () => {
  for (let i = 1; i <= 100; i++) {
    io.remote.handles.chain.schedule();
    await until(() => count(1) === i);
  }
  await asleep(runtime, io);
});

test('a call-back may be async: while its promise is open JavaScript has its turns', async () => {
  for (let i = 0; i < 20; i++) {
    io.remote.handles.work.schedule();
    await io.remote.done.wait();
    expect(await io.remote.seen()).toEqual(['worked']);
  }
  await asleep(runtime, io);
});

test('timers', async () => {
  await io.remote.arm(1);
  await io.remote.done.wait();
  expect(await io.remote.seen()).toEqual(['timer']);
});

test('handles of the owner as arguments: scheduled, set and read there', async () => {
  let runs = 0;
  const bh = runtime.context.bottomHalf('mine', () => void runs++);
  await io.remote.schedule(bh);
  await until(() => runs === 1);
  const pipe = runtime.context.pipe('bytes', { capacity: 16 });
  const end = runtime.context.notifier('end');
  const sum = io.remote.forward(pipe, end);
  let written = 0;
  for (let i = 0; i < 1000; i++) {
    while (pipe.write(Uint8Array.of(i % 7)) === 0) await pipe.drain();
    written += i % 7;
  }
  pipe.end();
  await end.wait();
  expect(await sum).toBe(written);
  for (const each of [bh, pipe, end]) each.close();
});

test('one that goes there and back', async () => {
  await io.remote.schedule(io.remote.handles.flush);
  await until(() => count(0) === 1);
});

test('after close() its objects are closed', async () => {
  const { flush } = io.remote.handles;
  await io.close();
  await failure(() => flush.schedule(), 'ERR_AIO_CLOSED');
  await failure(() => io.remote.done.set(), 'ERR_AIO_CLOSED');
});

test.each(['throws', 'rejects'] as const)('a call-back that %s ends its IOThread, with the error as cause', async (how) => {
  const open = failure(io.remote.forward(runtime.context.pipe('p'), runtime.context.notifier('n')), 'ERR_AIO_THREAD_LOST');
  io.remote.handles[how].schedule();
  const error = await open;
  expect(error.message).toMatch(/^IOThread 'loop' ended: uncaught error in its worker: (RangeError: )?out of bounds/);
  expect((error.cause as Error).name).toBe('RangeError');
  expect((error.cause as Error).stack).toContain('iothread-loop');
});
