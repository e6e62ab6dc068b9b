// SPDX-License-Identifier: MIT
/** The block engines on Node's files: storms, errors of the host, lost workers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { closeSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioEngine, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ENDLESS_OFFSET, Fault } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { endlessReads, faults, replaceStartWorker, startTestWorker, until, workersOf } from './helpers/workers.js';

const engines: AioEngine[] = ['threads', 'native', 'io_uring', 'sync'];
const numberOf = (aio: AioEngine): number => engines.indexOf(aio);
const dir = scratch(true);
afterAll(dir.remove);

const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 30);
const LONG = process.env.TEST_LONG ? 20 : 1;

interface Storm {
  fd: number;
  aio: AioEngine;
  depth: number;
  maxBatch?: number;
  requests: number;
  seed: number;
  mayFail?: boolean;
}

/** What went wrong; undefined: nothing. */
async function storm(runtime: Runtime, io: IOThread, options: Storm): Promise<string | undefined> {
  const { fd, aio, depth, maxBatch = 0, requests, mayFail = false } = options;
  const text = await io.call('run_storm', fd, numberOf(aio), depth, maxBatch, requests, options.seed, mayFail ? 1 : 0);
  return text === 0 ? undefined : runtime.instance.memory.string(text as number);
}

describe('random reads, writes, flushes and cancels: nothing is lost, mixed or stale', () => {
  let runtime: Runtime;
  let io: IOThread;
  let fd: number;

  beforeAll(async () => {
    // The file must outlive its name's being looked for: fds are the process's.
    fd = openSync(join(dir.path, 'storm'), 'w+');
    runtime = await Runtime.create({ module: fixture('engines') });
    io = await runtime.iothread('io0', { threadPoolMax: 3 });
  });
  afterAll(async () => {
    await runtime.close();
    closeSync(fd);
  });

  test.each(engines)('%s, at every depth with every batch limit', async (aio) => {
    const wrong: unknown[] = [];
    for (const depth of [1, 2, 32, 256]) {
      for (const maxBatch of [0, 1, 8, 32]) {
        ftruncateSync(fd, 0);
        const text = await storm(runtime, io, { fd, aio, depth, maxBatch, requests: 400 * LONG, seed: seed + depth + maxBatch });
        if (text !== undefined) wrong.push({ depth, maxBatch, text });
      }
    }
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  });

  test('batches reach the limit at depth 32', async () => {
    const own = await runtime.iothread('io1');
    await own.call('be_calm');
    for (const maxBatch of [1, 8, 32]) {
      expect(await storm(runtime, own, { fd, aio: 'native', depth: 32, maxBatch, requests: 400, seed })).toBeUndefined();
      const { largestBatch, kicks, submissions, requests } = await own.engineStats('native');
      expect(largestBatch).toBe(maxBatch);
      expect(kicks).toBeLessThanOrEqual(submissions);
      expect(submissions).toBeLessThanOrEqual(requests);
    }
    await own.close();
  });
});

describe('a host in which things go wrong', () => {
  let restore: () => void;
  beforeEach(() => {
    restore = replaceStartWorker(startTestWorker);
  });
  afterEach(() => {
    faults.fill(0);
    restore();
  });

  test.each(engines)('%s: short reads and EAGAIN: the rest is read, what was refused is done again', async (aio) => {
    const fd = openSync(join(dir.path, `short-${aio}`), 'w+');
    const runtime = await Runtime.create({ module: fixture('engines') });
    const io = await runtime.iothread('io0', { threadPoolMax: 2 });
    faults[Fault.againEach] = 5;
    faults[Fault.atOnce] = 100;
    expect(await storm(runtime, io, { fd, aio, depth: 16, requests: 400, seed })).toBeUndefined();
    // Ten reads of 100 bytes and more for each block that is read.
    expect(Atomics.load(faults, Fault.calls)).toBeGreaterThan(1000);
    await runtime.close();
    closeSync(fd);
  });

  test.each(engines)('%s: an error at the n-th call, for each n until none fails: that request fails, once, and no other', async (aio) => {
    const fd = openSync(join(dir.path, `faults-${aio}`), 'w+');
    const runtime = await Runtime.create({ module: fixture('engines') });
    const io = await runtime.iothread('io0', { threadPoolMax: 2 });
    const wrong: unknown[] = [];
    for (let n = 1; ; n++) {
      Atomics.store(faults, Fault.calls, 0);
      Atomics.store(faults, Fault.failing, n);
      const text = await storm(runtime, io, { fd, aio, depth: 8, maxBatch: 4, requests: 40, seed: seed + n, mayFail: true });
      const failures = await io.call('storm_failures');
      const failed = Atomics.load(faults, Fault.calls) >= n;
      if (text !== undefined || failures !== (failed ? 1 : 0)) wrong.push({ n, text, failures });
      if (!failed) {
        expect(n).toBeGreaterThan(40);
        break;
      }
    }
    await runtime.close();
    closeSync(fd);
    expect({ seed, wrong }).toEqual({ seed, wrong: [] });
  });
});

test.each(['native', 'io_uring'] as const)('%s: its host-I/O worker is lost: the request that it was at ends with ECANCELED, another worker serves the others', async (aio) => {
  const path = join(dir.path, 'lost');
  writeFileSync(path, Buffer.alloc(8192, 1));
  const restore = replaceStartWorker(startTestWorker);
  try {
    const runtime = await Runtime.create();
    const io = await runtime.iothread('io0');
    const file = await io.open(path, { aio });
    expect((await file.read(0, 10)).length).toBe(10);
    const before = endlessReads();
    const lost = failure(file.read(ENDLESS_OFFSET, 10), 'ERR_AIO_CANCELED');
    const others = [file.read(0, 10), file.read(0, 10)];
    await until(() => endlessReads() > before);
    for (const worker of workersOf(runtime, 'host I/O')) worker.terminate();
    expect((await lost).errno).toBe('ECANCELED');
    for (const read of await Promise.all(others)) expect(read.length).toBe(10);
    expect((await file.read(0, 10)).length).toBe(10);
    // The IOThread's other engines are none the worse.
    expect((await (await io.open(path)).read(0, 10)).length).toBe(10);
    await runtime.close();
  } finally {
    restore();
  }
});

test('an engine that gets no thread: the error says so, and the IOThread goes on', async () => {
  const path = join(dir.path, 'limit');
  writeFileSync(path, 'limit');
  const runtime = await Runtime.create({ maxThreads: 1, reserve: 0 });
  const io = await runtime.iothread('io0');
  expect((await failure(io.open(path, { aio: 'native' }), 'ERR_AIO_THREAD_LIMIT')).message).toMatch(/aio 'native': failed to create linux AIO context.*maxThreads/);
  expect((await failure(io.open(path, { aio: 'io_uring' }), 'ERR_AIO_THREAD_LIMIT')).message).toMatch(/failed to init linux io_uring ring/);
  const file = await io.open(path, { aio: 'sync' });
  expect(Buffer.from(await file.read(0, 5)).toString()).toBe('limit');
  await runtime.close();
});
