// SPDX-License-Identifier: MIT
/**
 * A worker that ends unasked takes its own requests with it and nothing else,
 * unless it held a lock: then the runtime has failed.
 */
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime, type BottomHalf, type IOThread, type Notifier } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ENDLESS_OFFSET } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { asleep, attachedWorkers, endlessReads, killThread, replaceStartWorker, startTestWorker, startWorker, until, workersOf } from './helpers/workers.js';

const module = fixture('death');
const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
const content = Uint8Array.from({ length: 65536 }, (_, i) => i % 251);
writeFileSync(disk, content);

let runtime: Runtime;
beforeEach(async () => {
  runtime = await Runtime.create({ module });
});
afterEach(() => runtime.close());

const waiting = (threads: number): Promise<void> =>
  until(() => (runtime.call('waiting_threads') as number) >= threads);

/** Ends the one worker whose thread has that name. */
function kill(name: string): void {
  const workers = workersOf(runtime, name);
  expect(workers.length).toBe(1);
  workers[0]?.terminate();
}

/** The call was rejected because its thread is lost. */
const isLost = async (call: Promise<unknown>): Promise<void> => {
  expect(await call.then(() => 'no error', (error: { code?: unknown }) => error.code)).toMatch(/^ERR_AIO_(CANCELED|THREAD_LOST)$/);
};

async function works(io: IOThread): Promise<void> {
  const file = await io.open(disk);
  expect(await file.read(4096, 4096)).toEqual(content.slice(4096, 8192));
  await file.close();
  expect(await io.call('waiting_threads')).toBeGreaterThanOrEqual(0);
}

test('a thread that fails and is ended before it can say why: the runtime has failed all the same', async () => {
  const io = await runtime.iothread('io');
  const calls = [failure(io.call('wait_for_ever'), 'ERR_AIO_PANIC'), failure(runtime.closed, 'ERR_AIO_PANIC')];
  await waiting(1);
  // What a failure does first; the message about it, which comes next, does not arrive.
  runtime.instance.exports.rt_wake_all();
  for (const error of await Promise.all(calls)) expect(error.message).toBe('the runtime has failed: a thread has failed, and ended before it could say why');
  await failure(runtime.iothread('next'), 'ERR_AIO_PANIC');
});

test('an IOThread that is lost ends its own requests; the others work on', async () => {
  const other = await runtime.iothread('other');
  const lost = await runtime.iothread('lost', { threadPoolMax: 1 });
  await lost.call('submit_waiting_job');
  await waiting(1);
  const file = await lost.open(disk);
  const requests = [file.read(0, 4096), lost.call('wait_for_ever')].map((request) => failure(request, 'ERR_AIO_THREAD_LOST'));
  await waiting(2);

  kill('IO lost');
  for (const error of await Promise.all(requests)) {
    expect(error.message).toContain("IOThread 'lost' ended");
  }
  // Nothing waits for ever for what is gone.
  const calls = [
    () => lost.clock(), () => lost.call('waiting_threads'), () => lost.stats(), () => lost.open(disk),
    () => lost.set({ threadPoolMax: 2 }), () => file.read(0, 4096),
  ];
  for (const call of calls) await failure(call, 'ERR_AIO_THREAD_LOST');
  await file.close();
  await lost.close();

  await works(other);
  await works(await runtime.iothread('another'));
});

test('an IOThread that is lost while it sleeps in its loop', async () => {
  const other = await runtime.iothread('other');
  const lost = await runtime.iothread('lost');
  await asleep(runtime, lost);
  kill('IO lost');
  await failure(lost.clock(), 'ERR_AIO_THREAD_LOST');
  await works(other);
});

test('an IOThread that calls process.exit()', async () => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const own = await Runtime.create({ module });
    const [lost, other] = await Promise.all([own.iothread('lost'), own.iothread('other')]);
    await failure(lost.call('js_exit'), 'ERR_AIO_THREAD_LOST');
    await works(other);
    await own.close();
  } finally {
    restore();
  }
});

test('an IOThread that is lost while it is being closed', async () => {
  const lost = await runtime.iothread('lost');
  const call = failure(lost.call('wait_for_ever'), 'ERR_AIO_THREAD_LOST');
  await waiting(1);
  const closed = lost.close();
  kill('IO lost');
  await Promise.all([call, closed]);
});

test('a name is free again when its IOThread was lost', async () => {
  const lost = await runtime.iothread('lost');
  await asleep(runtime, lost);
  kill('IO lost');
  await failure(lost.clock(), 'ERR_AIO_THREAD_LOST');
  await works(await runtime.iothread('lost'));
});

test('a pool thread that is lost during a job: the job ends with ECANCELED, the pool works on', async () => {
  const io = await runtime.iothread('io0', { threadPoolMax: 1 });
  await io.call('submit_waiting_job');
  await waiting(1);
  const result = io.call('result_of_job');
  kill('pool');
  expect(await result).toBe(-11);                         // -ECANCELED
  await works(io);
});

test('a pool thread that is lost during a read', async () => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const own = await Runtime.create({ module });
    const io = await own.iothread('io0', { threadPoolMax: 1 });
    const file = await io.open(disk);
    const before = endlessReads();
    const lost = failure(file.read(ENDLESS_OFFSET, 4096), 'ERR_AIO_CANCELED');
    const next = file.read(0, 4096);
    await until(() => endlessReads() > before);
    workersOf(own, 'pool')[0]?.terminate();
    expect((await lost).errno).toBe('ECANCELED');
    expect(await next).toEqual(content.slice(0, 4096));
    await file.close();
    await own.close();
  } finally {
    restore();
  }
});

test('an idle pool thread that is lost is replaced', async () => {
  const io = await runtime.iothread('io0', { threadPoolMax: 1 });
  await works(io);
  kill('pool');
  await works(io);
});

test('a thread of a program that is lost: joining it returns', async () => {
  const io = await runtime.iothread('io0');
  expect(await io.call('start_waiting_guest')).toBe(1);
  await waiting(1);
  const joined = io.call('join_waiting_guest');
  kill('waiting');
  expect(await joined).toBe(1);
});

test('a worker of the reserve that is lost: a thread that was given to it starts all the same', async () => {
  const io = await runtime.iothread('io0');
  await until(() => attachedWorkers(runtime, '') === 2);
  // All of the reserve, and before their end is known a thread is started.
  for (const worker of workersOf(runtime, '')) worker.terminate();
  expect(runtime.call('start_waiting_guest')).toBe(1);
  await waiting(1);
  await works(io);
  await works(await runtime.iothread('io1'));
});

test('a worker that held a lock: the runtime has failed', async () => {
  const other = await runtime.iothread('other');
  const lost = await runtime.iothread('lost');
  const requests = [lost.call('wait_with_lock'), other.call('wait_for_ever')].map((call) => failure(call, 'ERR_AIO_PANIC'));
  await waiting(2);
  kill('IO lost');
  for (const error of await Promise.all(requests)) {
    expect(error.message).toContain("the worker of thread 'IO lost' ended while it held a lock");
  }
  await failure(() => runtime.iothread('more'), 'ERR_AIO_PANIC');
});

test('the thread of main() that is lost: main() is rejected', async () => {
  const main = failure(runtime.main(), 'ERR_AIO_CANCELED');
  await waiting(1);
  kill('main');
  expect((await main).message).toContain("thread 'main'");
  await works(await runtime.iothread('io0'));
});

test('one that is terminated leaves what others rely on first', async () => {
  const other = await runtime.iothread('other');
  for (let round = 1; round <= 10; round++) {
    const lost = await runtime.iothread('lost');
    const call = isLost(lost.call('lock_for_ever'));
    await waiting(round);
    killThread(runtime, 'IO lost');
    await call;
    // The mutex and malloc's lock are free.
    expect(await other.call('lock_once')).toBe(1);
  }
});

test('one that is terminated and keeps a lock: the runtime has failed', async () => {
  const lost = await runtime.iothread('lost');
  const call = failure(lost.call('wait_with_lock'), 'ERR_AIO_PANIC');
  await waiting(1);
  killThread(runtime, 'IO lost');
  await call;
});

test('IOThreads may be lost as often as they like: their contexts and threads are used again', async () => {
  const other = await runtime.iothread('other');
  for (let n = 0; n < 260; n++) {
    const lost = await runtime.iothread('lost');
    const call = isLost(lost.call('wait_for_ever'));
    await waiting(n + 1);
    kill('IO lost');
    await call;
  }
  await works(other);
  await works(await runtime.iothread('lost', { threadPoolMin: 1 }));
}, 300_000);

test('the pool and the host-I/O threads of an IOThread that is lost end', async () => {
  const lost = await runtime.iothread('lost', { threadPoolMin: 2 });
  const files = [await lost.open(disk), await lost.open(disk, { aio: 'native' }), await lost.open(disk, { aio: 'io_uring' })];
  await Promise.all(files.map((file) => file.read(0, 4096)));
  await until(() => workersOf(runtime, 'pool').length === 2);
  const closed = isLost(lost.closed);
  await asleep(runtime, lost);
  kill('IO lost');
  await closed;
  await until(() => workersOf(runtime, 'pool').length + workersOf(runtime, 'host I/O').length === 0);
  await Promise.all(files.map((file) => file.close()));
});

test('what the code of an IOThread that is lost has made is closed', async () => {
  const file = join(dir.path, 'maker.mjs');
  writeFileSync(file, `
    import { serve } from 'wasm-aio/iothread';
    serve((context) => ({ never: context.notifier('never'), bh: context.bottomHalf('bh', () => {}) }));`);
  const lost = await runtime.iothread<{ never: Notifier; bh: BottomHalf }>('lost', { module: pathToFileURL(file) });
  const { never, bh } = lost.remote;
  const ends = [failure(never.wait(), 'ERR_AIO_CLOSED'), isLost(lost.closed)];
  await asleep(runtime, lost);
  kill('IO lost');
  await Promise.all(ends);
  await failure(() => Promise.resolve().then(() => bh.schedule()), 'ERR_AIO_CLOSED');
});

test('a worker whose file fails gives its place to the next thread, which is left alone', async () => {
  const file = join(dir.path, 'throws.mjs');
  writeFileSync(file, "throw new Error('at its start');");
  // It depends on which of the broken worker's last messages still arrive: one time in five, when it went wrong.
  for (let round = 0; round < 20; round++) {
    const own = await Runtime.create({ module, reserve: 0 });
    await failure(own.iothread('broken', { module: pathToFileURL(file) }), 'ERR_AIO_INVALID_ARG');
    await works(await own.iothread('next'));
    await own.close();
  }
});

test.each([[1, 4096], [2, 'EAGAIN']] as const)('of the workers for a pool %i are killed before they have attached: the request is served by the next, or fails', async (killed, result) => {
  const own = await Runtime.create({ module, reserve: 0 });
  const io = await own.iothread('io0', { threadPoolMax: 1 });
  const file = await io.open(disk);
  let left = killed;
  const restore = replaceStartWorker((name, events) => {
    const worker = startWorker(name, events);
    if (name === 'pool' && left-- > 0) worker.terminate();
    return worker;
  });
  try {
    expect(await file.read(0, 4096).then((bytes) => bytes.length, (error: { errno?: unknown }) => error.errno)).toBe(result);
    expect(left).toBeLessThanOrEqual(0);
    // Whatever came of it, the pool works.
    expect(await file.read(0, 4096)).toEqual(content.slice(0, 4096));
  } finally {
    restore();
    await own.close();
  }
  expect(own.workerCount).toBe(0);
});
