// SPDX-License-Identifier: MIT
/** Runtime.iothreads(): what was set comes back, of every IOThread that is open. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime } from 'wasm-aio';
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

test('a runtime that is closed answers no longer', async () => {
  const other = await Runtime.create();
  await other.close();
  await failure(other.iothreads(), 'ERR_AIO_CLOSED');
});
