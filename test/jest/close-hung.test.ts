// SPDX-License-Identifier: MIT
/**
 * close() of an IOThread whose thread does not come back ends all the same, and says so; one
 * that is busy, or waits for a slow disk, is waited for.
 */
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Runtime, type AioEngine, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ENDLESS_OFFSET } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { holdTimeouts } from './helpers/timeout.js';
import { endlessReads, replaceStartWorker, startTestWorker, startWorker, until, workersOf } from './helpers/workers.js';

interface Code {
  spin(): void;
  sleep(): void;
  never(): Promise<void>;
  restless(): void;
  ran(): number;
  began: SharedArrayBuffer;
}

const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
writeFileSync(disk, new Uint8Array(8192));
const file = join(dir.path, 'code.mjs');
writeFileSync(file, `
  import { serve } from 'wasm-aio/iothread';
  serve((context) => {
    const began = new SharedArrayBuffer(4);
    const begin = () => void Atomics.add(new Int32Array(began), 0, 1);
    let ran = 0;
    const restless = context.bottomHalf('restless', () => {
      ran++;
      restless.schedule();
    });
    return {
      began,
      spin() { begin(); for (;;); },
      sleep() { begin(); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); },
      never: () => new Promise(begin),
      restless: () => restless.schedule(),
      ran: () => ran,
    };
  });`);
const code = { module: pathToFileURL(file) };

let runtime: Runtime;
let looks: ReturnType<typeof holdTimeouts>;
beforeEach(async () => {
  runtime = await Runtime.create({ module: fixture('death') });
  looks = holdTimeouts(1000);
});
afterEach(async () => {
  looks.restore();
  await runtime.close();
});

/** Looks at what is being closed, so often, and lets the threads go on meanwhile. */
async function look(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    looks.fire();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Closing it is given up, and it is gone then. */
async function hangs(io: IOThread<Code> | IOThread): Promise<void> {
  const closed = failure(io.close(), 'ERR_AIO_TIMEOUT');
  await look(5);
  const error = await closed;
  expect(error.message).toMatch(/^IOThread 'io0' did not end, and was terminated: a function in it has not returned for 5 s/);
  expect(await failure(io.close(), 'ERR_AIO_TIMEOUT')).toBe(error);
  await failure(io.clock(), 'ERR_AIO_THREAD_LOST');
  expect(workersOf(runtime, 'IO io0')).toEqual([]);
}

async function works(own: Runtime): Promise<void> {
  const io = await own.iothread<Code>('io0', code);
  const opened = await io.open(disk);
  expect((await opened.read(0, 4096)).length).toBe(4096);
  expect(await io.remote.ran()).toBe(0);
  await io.close();
}

const begun = (io: IOThread<Code>, times = 1): Promise<void> => {
  const count = new Int32Array(io.remote.began as unknown as SharedArrayBuffer);
  return until(() => Atomics.load(count, 0) === times);
};
const waiting = (own = runtime): Promise<void> => until(() => (own.call('waiting_threads') as number) > 0);

describe('a served function', () => {
  const ways = { module: code, worker: { worker: () => new Worker(file) } };
  test.each(['module', 'worker'] as const)('with an endless loop, by %s', async (way) => {
    const io = await runtime.iothread<Code>('io0', ways[way]);
    const call = failure(io.remote.spin(), 'ERR_AIO_THREAD_LOST');
    await begun(io);
    await hangs(io);
    expect((await call).message).toContain('did not end, and was terminated');
    await works(runtime);
  });

  test('that waits, its requests with it', async () => {
    const io = await runtime.iothread<Code>('io0', code);
    const opened = await io.open(disk);
    void io.remote.sleep().catch(() => {});
    await begun(io);
    // The loop never hears of it.
    const read = failure(opened.read(0, 512), 'ERR_AIO_THREAD_LOST');
    await hangs(io);
    await read;
    await opened.close();
    await works(runtime);
  });

  test('while its JavaScript drives the loop', async () => {
    const io = await runtime.iothread<Code>('io0', code);
    const calls = [failure(io.remote.never(), 'ERR_AIO_THREAD_LOST')];
    await begun(io);
    calls.push(failure(io.remote.spin(), 'ERR_AIO_THREAD_LOST'));
    await begun(io, 2);
    await hangs(io);
    await Promise.all(calls);
  });
});

describe('a C function', () => {
  test.each(['run_for_ever', 'spin_for_ever', 'wait_for_ever'])('that does not return: %s', async (name) => {
    const io = await runtime.iothread('io0');
    const call = failure(io.call(name), 'ERR_AIO_THREAD_LOST');
    await waiting();
    await hangs(io);
    await call;
    await works(runtime);
  });

  test('that polls its loop for what never comes', async () => {
    const io = await runtime.iothread('io0');
    await io.call('submit_waiting_job');
    await waiting();
    const call = failure(io.call('result_of_job'), 'ERR_AIO_THREAD_LOST');
    await hangs(io);
    await call;
    await works(runtime);
  });

  test('that holds a lock: the runtime has failed', async () => {
    const io = await runtime.iothread('io0');
    const other = await runtime.iothread('other');
    const calls = [io.call('wait_with_lock'), other.call('wait_for_ever')].map((call) => failure(call, 'ERR_AIO_PANIC'));
    await until(() => (runtime.call('waiting_threads') as number) === 2);
    const closed = failure(io.close(), 'ERR_AIO_TIMEOUT');
    await look(5);
    await closed;
    for (const error of await Promise.all(calls)) expect(error.message).toContain("the worker of thread 'IO io0' ended while it held a lock");
  });
});

test.each([false, true])('a function that does not return while a request is in flight (JavaScript drives the loop: %s)', async (hosted) => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const own = await Runtime.create({ module: fixture('death') });
    const io = await own.iothread<Code>('io0', { ...code, threadPoolMax: 1 });
    const opened = await io.open(disk);
    const before = endlessReads();
    const open: Promise<unknown>[] = [opened.read(ENDLESS_OFFSET, 512)];
    await until(() => endlessReads() > before);
    if (hosted) {
      open.push(io.remote.never());
      await begun(io);
    }
    open.push(io.remote.spin());
    const failures = open.map((call) => failure(call, 'ERR_AIO_THREAD_LOST'));
    await begun(io, hosted ? 2 : 1);
    const closed = failure(io.close(), 'ERR_AIO_TIMEOUT');
    await look(5);
    await closed;
    await Promise.all(failures);
    await own.close();
  } finally {
    restore();
  }
});

test('the runtime ends all, then says which did not end', async () => {
  const own = await Runtime.create({ module: fixture('death') });
  const [io] = await Promise.all([own.iothread('io0'), own.iothread('other')]);
  const call = failure(io.call('run_for_ever'), 'ERR_AIO_THREAD_LOST');
  await waiting(own);
  const closed = failure(own.close(), 'ERR_AIO_TIMEOUT');
  await look(5);
  expect((await closed).message).toContain("IOThread 'io0' did not end");
  await call;
  expect(own.workerCount).toBe(0);
  await failure(() => own.iothread('more'), 'ERR_AIO_CLOSED');
});

test('where no host says that a worker is gone, its stack is not used again', async () => {
  const terminated: string[] = [];
  const restore = replaceStartWorker((name, events) => {
    const { post, keepAlive, terminate } = startWorker(name, { ...events, exit() {} });
    return { post, keepAlive, terminate: () => (terminated.push(name), terminate()) };
  });
  const end = holdTimeouts(3000);
  try {
    const own = await Runtime.create({ module: fixture('death'), reserve: 0, maxThreads: 1 });
    const io = await own.iothread('io0');
    const call = failure(io.call('run_for_ever'), 'ERR_AIO_THREAD_LOST');
    await waiting(own);
    let over = false;
    const closed = failure(io.close(), 'ERR_AIO_TIMEOUT').then(() => (over = true));
    await look(10);
    expect([terminated.length, over]).toEqual([1, false]);
    end.fire();
    await closed;
    await call;
    // Its place is taken for ever.
    await failure(own.iothread('io0'), 'ERR_AIO_THREAD_LIMIT');
    await own.close();
  } finally {
    end.restore();
    restore();
  }
});

describe('is waited for, however long it takes:', () => {
  test.each<[AioEngine, string]>([['threads', 'pool'], ['native', 'host I/O'], ['sync', 'IO io0']])('a request that the disk does not answer (%s)', async (aio, server) => {
    const restore = replaceStartWorker(startTestWorker);
    try {
      const own = await Runtime.create({ module: fixture('death') });
      const io = await own.iothread('io0', { threadPoolMax: 1 });
      const opened = await io.open(disk, { aio });
      const before = endlessReads();
      const read = failure(opened.read(ENDLESS_OFFSET, 512), aio === 'sync' ? 'ERR_AIO_THREAD_LOST' : 'ERR_AIO_CANCELED');
      await until(() => endlessReads() > before);
      let over = false;
      const closed = io.close().finally(() => (over = true));
      await look(20);
      expect(over).toBe(false);
      // The disk breaks.
      workersOf(own, server)[0]?.terminate();
      await read;
      await closed;
      await own.close();
    } finally {
      restore();
    }
  });

  test('a bottom half that never rests', async () => {
    const io = await runtime.iothread<Code>('io0', code);
    await io.remote.restless();
    await until(() => runtime.instance.exports.rt_context_polls(io.context) > 1000);
    const closed = io.close();
    await look(4);
    await closed;
    await works(runtime);
  });

  test('a function that returns at last', async () => {
    const io = await runtime.iothread('io0');
    expect(await io.call('start_waiting_guest')).toBe(1);
    await waiting();
    const joined = io.call('join_waiting_guest');
    await io.stats();
    const closed = io.close();
    await look(4);
    workersOf(runtime, 'waiting')[0]?.terminate();
    expect(await joined).toBe(1);
    await closed;
  });
});

/** ROLE_HOST_IO of wasm/port/wasm-port.h. */
const HOST_IO = 5;

test('a worker that a thread asks for in its last moments is waited for, too', async () => {
  const runtime = await Runtime.create({ reserve: 0 });
  runtime.threads.assign('first', HOST_IO, 0);
  const evacuated = runtime.threads.evacuate(100);
  runtime.threads.assign('late', HOST_IO, 0);
  expect(runtime.workerCount).toBe(2);
  await evacuated;
  expect(runtime.workerCount).toBe(0);
  await runtime.close();
});
