// SPDX-License-Identifier: MIT
/**
 * A worker that ends unasked takes its own requests with it and nothing else,
 * unless it held a lock: then the runtime has failed.
 */
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ENDLESS_OFFSET } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { asleep, attachedWorkers, endlessReads, replaceStartWorker, startTestWorker, until, workersOf } from './helpers/workers.js';

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

async function works(io: IOThread): Promise<void> {
  const file = await io.open(disk);
  expect(await file.read(4096, 4096)).toEqual(content.slice(4096, 8192));
  await file.close();
  expect(await io.call('waiting_threads')).toBeGreaterThanOrEqual(0);
}

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
