// SPDX-License-Identifier: MIT
/** A message reaches a loop that sleeps in WebAssembly, every time. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type IOThread } from 'wasm-aio';
import type { HostWorker } from '../../dist/hosts/host.js';
import type { ThreadPointer } from '../../dist/runtime/exports.js';
import type { Disk } from './fixtures/iothread-disk.js';
import { failure } from './helpers/errors.js';
import { fixture, pathOf } from './helpers/paths.js';
import { Fault } from './helpers/offsets.js';
import { asleep, faults, replaceStartWorker, startTestWorker } from './helpers/workers.js';

interface Started {
  worker: HostWorker;
}
interface Connection {
  call(of: number, args: unknown[]): Promise<unknown>;
}
interface Internals {
  threads: { all: Map<ThreadPointer, Started> };
}

/** What a loop's word is while it sleeps: wasm/port/wasm-port.h. */
const EVENT_SLEEPING = 2;

let runtime: Runtime;
let io: IOThread;
beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread('io');
});
afterAll(() => runtime.close());

test('10,000 calls of 10,000, one after the other', async () => {
  let answered = 0;
  for (let i = 0; i < 10_000; i++) {
    if ((await io.clock()) > 0) answered++;
  }
  expect(answered).toBe(10_000);
});

test('10,000 calls of 10,000, 64 in flight', async () => {
  let answered = 0;
  const lane = async (calls: number): Promise<void> => {
    for (let i = 0; i < calls; i++) {
      if ((await io.clock()) > 0) answered++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, (_, n) => lane(n < 16 ? 157 : 156)));
  expect(answered).toBe(10_000);
});

test('each time the loop was fast asleep', async () => {
  for (let i = 0; i < 500; i++) {
    await asleep(runtime, io);
    expect(await io.clock()).toBeGreaterThan(0);
  }
});

test('calls and reads at the same time', async () => {
  const file = await io.open(pathOf('package.json'));
  const start = (await file.read(0, 100)).join();
  for (let i = 0; i < 300; i++) {
    const [bytes, now] = await Promise.all([file.read(0, 100), io.clock()]);
    expect(bytes.join()).toBe(start);
    expect(now).toBeGreaterThan(0);
  }
  await file.close();
});

test('a message that is there before it is counted does not keep the loop from its work', async () => {
  const restore = replaceStartWorker(startTestWorker);
  const own = await Runtime.create({ reserve: 0 });
  const thread = await own.iothread('early');
  restore();
  const { exports, memory } = own.instance;
  const [[pointer, { worker }]] = [...(own as unknown as Internals).threads.all] as [[ThreadPointer, Started]];
  const posted = memory.word(exports.rt_thread_posted(pointer));
  const word = memory.word(exports.rt_hosted_word(thread.context));
  const { post } = worker;
  let slept = false;
  worker.post = (message, transfer) => {
    const end = Date.now() + 5000;
    const before = Atomics.load(faults, Fault.received);
    post(message, transfer);
    // Counted so that it is received, then for a while as if it were not yet.
    Atomics.add(posted, 0, 1);
    exports.rt_notify(thread.context);
    while (Atomics.load(faults, Fault.received) === before && Date.now() < end);
    Atomics.sub(posted, 0, 1);
    while (!slept && Date.now() < end) slept = Atomics.load(word, 0) === EVENT_SLEEPING;
  };
  // A regular expression makes a message of the call.
  const connections = (globalThis as unknown as Record<symbol, Set<Connection>>)[Symbol.for('wasm-aio.connections')] as Set<Connection>;
  await ([...connections].at(-1) as Connection).call(1, [/x/]);
  worker.post = post;
  await own.close();
  expect(slept).toBe(true);
});

test('an error keeps its class and code on the way, and the loop goes on', async () => {
  const error = await failure(io.call('no_such_function'), 'ERR_AIO_INVALID_ARG');
  expect(error.message).toMatch(/no function 'no_such_function'/);
  expect(await io.clock()).toBeGreaterThan(0);
});

test('a loop that never sleeps is reached, too', async () => {
  const busy = await Runtime.create({ module: fixture('threads') });
  const thread = await busy.iothread('busy');
  await thread.call('start_restless', 0);
  for (let i = 0; i < 200; i++) expect(await thread.call('echo', i)).toBe(i);
  await thread.call('stop_restless');
  await busy.close();
});

test('while an asynchronous handler is at work the loop goes on, awake', async () => {
  const code = { module: new URL('./fixtures/iothread-disk.js', import.meta.url) };
  const thread = await runtime.iothread<Disk>('slow', code);
  let answered = false;
  const slow = thread.remote.whenOpen().then((n) => ((answered = true), n));
  const file = await thread.open(pathOf('package.json'));
  for (let i = 0; i < 50; i++) {
    expect((await file.read(0, 100)).length).toBe(100);
    expect(await thread.clock()).toBeGreaterThan(0);
  }
  await file.close();
  expect(answered).toBe(false);
  await thread.remote.open(42);
  expect(await slow).toBe(42);
  // And then it sleeps in WebAssembly again.
  await asleep(runtime, thread);
  expect(await thread.clock()).toBeGreaterThan(0);
  await thread.close();
});
