// SPDX-License-Identifier: MIT
/** Runtime.iothreads(): what was set comes back, of every IOThread that is open. */
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type AioBuffer } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { pathOf } from './helpers/paths.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create();
});
afterAll(() => runtime.close());

const names = async (): Promise<string[]> => (await runtime.iothreads()).map(({ name }) => name);

test('each with its properties, the defaults and those that were set', async () => {
  expect(await runtime.iothreads()).toEqual([]);
  const a = await runtime.iothread('a', { threadPoolMax: 6 });
  const b = await runtime.iothread('b', { pollMaxNs: 1, pollGrow: 2, pollShrink: 3, aioMaxBatch: 4, threadPoolMin: 5, threadPoolMax: 9 });
  const [first, second] = await runtime.iothreads();
  expect(first).toMatchObject({
    name: 'a', pollMaxNs: 32768, pollGrow: 0, pollShrink: 0, aioMaxBatch: 0, threadPoolMin: 0, threadPoolMax: 6,
  });
  expect(second).toMatchObject({ name: 'b', pollMaxNs: 1, pollGrow: 2, pollShrink: 3, aioMaxBatch: 4, threadPoolMin: 5, threadPoolMax: 9 });

  const changed = { pollMaxNs: 2 ** 40, pollGrow: 7, pollShrink: 6, aioMaxBatch: 5, threadPoolMin: 3, threadPoolMax: 4 };
  await b.set(changed);
  expect((await runtime.iothreads())[1]).toMatchObject({ name: 'b', ...changed });
  // Refused: as before.
  await failure(b.set({ threadPoolMax: 0 }), 'ERR_AIO_INVALID_ARG');
  expect((await runtime.iothreads())[1]).toMatchObject(changed);

  await a.close();
  expect(await names()).toEqual(['b']);
  await b.close();
  expect(await names()).toEqual([]);
});

test('the number of its thread is the one in dump()', async () => {
  const open = await Promise.all(['c', 'd'].map((name) => runtime.iothread(name)));
  for (const { name, threadId } of await runtime.iothreads()) {
    expect(runtime.dump()).toContain(`thread ${threadId} 'IO ${name}'`);
  }
  await Promise.all(open.map((io) => io.close()));
});

test('the counters are those of io.stats()', async () => {
  const io = await runtime.iothread('busy');
  const file = await io.open(pathOf('package.json'));
  for (let i = 0; i < 3; i++) await file.read(0, 10);
  await file.close();
  const [info] = await runtime.iothreads();
  expect(info?.stats.jobs).toBe(3);
  expect(Object.keys(info?.stats ?? {})).toEqual(Object.keys(await io.stats()));
  await io.close();
});

test('while IOThreads end, each that is reported is one that lives: what it has freed is not read', async () => {
  const open = await Promise.all(Array.from({ length: 4 }, (_, n) => runtime.iothread(`ends-${n}`, {
    worker: () => new Worker(new URL('./fixtures/iothread-disk.js', import.meta.url)), pollMaxNs: 1000 + n,
  })));
  const buffers: AioBuffer[] = [];
  let left = open.length;
  for (const io of open) void io.close().then(() => left--);
  while (left > 0) {
    for (const { name, pollMaxNs, stats: { sleeping } } of await runtime.iothreads()) {
      expect(name).toBe(`ends-${pollMaxNs - 1000}`);
      expect(sleeping).toMatch(/^(hosted|blocking)$/);
    }
    expect(runtime.dump()).toContain("thread 0 'owner'");
    // What has been freed is used again.
    buffers.push(...[64, 256, 512, 1024, 2048].map((length) => runtime.allocate(length)));
    for (const { bytes } of buffers.slice(-5)) bytes.fill(0xa5);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await names()).toEqual([]);
  for (const buffer of buffers) buffer.close();
});

test('a runtime that is closed answers no longer', async () => {
  const other = await Runtime.create();
  await other.close();
  await failure(other.iothreads(), 'ERR_AIO_CLOSED');
});
