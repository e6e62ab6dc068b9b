// SPDX-License-Identifier: MIT
/** No call waits for a worker that cannot come: at the limit, or when the host
 * refuses to start one, it fails at once. Workers are used again. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Runtime, type RuntimeOptions } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';
import { replaceStartWorker, startWorker, until, workersOf } from './helpers/workers.js';

const module = fixture('threads');
const EAGAIN = 6;
const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
writeFileSync(disk, new Uint8Array(65536).fill(7));

/** A runtime for one test, closed at its end, with the host's own way to start
 * workers again. */
async function withRuntime(options: RuntimeOptions, work: (runtime: Runtime) => Promise<void>): Promise<void> {
  const runtime = await Runtime.create({ module, ...options });
  try {
    await work(runtime);
  } finally {
    replaceStartWorker(startWorker);
    await runtime.close();
  }
}

test('IOThreads at the limit: refused at once; when one is closed the next can start', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    const first = await runtime.iothread('first');
    const second = await runtime.iothread('second');
    const error = await failure(runtime.iothread('third'), 'ERR_AIO_THREAD_LIMIT');
    expect(error.message).toMatch(/'IO third': all threads that maxThreads allows are in use/);
    await first.close();
    const third = await runtime.iothread('third');
    await failure(runtime.iothread('fourth'), 'ERR_AIO_THREAD_LIMIT');
    expect(await second.call('echo', 2)).toBe(2);
    expect(await third.call('echo', 3)).toBe(3);
  }));

test('what was refused leaves nothing behind, and neither does what was closed', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    // More than there can be contexts at once.
    const [a, b] = [await runtime.iothread('a'), await runtime.iothread('b')];
    for (let n = 0; n < 300; n++) await failure(runtime.iothread(`more${n}`), 'ERR_AIO_THREAD_LIMIT');
    for (let n = 0; n < 300; n++) await failure(runtime.iothread(`bad${n}`, { threadPoolMax: 0 }), 'ERR_AIO_INVALID_ARG');
    await b.close();
    for (let n = 0; n < 300; n++) {
      const io = await runtime.iothread('b');
      await io.set({ threadPoolMax: 3 });
      await io.close();
    }
    expect(await a.call('echo', 1)).toBe(1);
  }));

test('the reserve does not go beyond the limit', () =>
  withRuntime({ maxThreads: 3, reserve: 10 }, async (runtime) => {
    expect(runtime.workerCount).toBe(3);
    const threads = await Promise.all(['a', 'b', 'c'].map((name) => runtime.iothread(name)));
    await failure(runtime.iothread('d'), 'ERR_AIO_THREAD_LIMIT');
    await threads[0]?.close();
    await runtime.iothread('d');
    expect(runtime.workerCount).toBe(3);
  }));

test("C threads at the limit: EAGAIN at once, in an IOThread and in the owner; one that ended makes room", () =>
  withRuntime({ maxThreads: 3, reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    expect(runtime.call('number_of_eagain')).toBe(EAGAIN);
    expect(await io.call('start_thread')).toBe(0);
    expect(runtime.call('start_thread')).toBe(0);
    expect(await io.call('start_thread')).toBe(EAGAIN);
    expect(runtime.call('start_thread')).toBe(EAGAIN);
    expect(await io.call('join_threads')).toBe(2);
    await until(() => workersOf(runtime, '').length === 2);
    expect(await io.call('start_thread')).toBe(0);
    expect(await io.call('start_thread')).toBe(0);
    expect(await io.call('start_thread')).toBe(EAGAIN);
    expect(await io.call('join_threads')).toBe(2);
  }));

test('qemu_thread_create at the limit names the thread', () =>
  withRuntime({ maxThreads: 1, reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    const error = await failure(io.call('create_thread'), 'ERR_AIO_PANIC');
    expect(error.message).toContain("qemu_thread_create: thread 'one too many' cannot be started");
  }));

test('a pool that can have no thread: reads end with EAGAIN, and go on when it can', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    const other = await runtime.iothread('other');
    const file = await io.open(disk);
    const errors = await Promise.all([0, 1, 2].map((n) => failure(file.read(n, 10), 'ERR_AIO_IO')));
    for (const error of errors) expect(error.errno).toBe('EAGAIN');
    await other.close();
    expect((await file.read(0, 10)).join()).toBe(Array(10).fill(7).join());
  }));

test('a pool that can have one thread of many serves all reads with it', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0', { threadPoolMax: 8 });
    const file = await io.open(disk);
    const blocks = await Promise.all(Array.from({ length: 100 }, () => file.read(0, 10)));
    expect(blocks.every((block) => block.length === 10)).toBe(true);
    expect(runtime.workerCount).toBe(2);
  }));

test('main() at the limit', () =>
  withRuntime({ maxThreads: 1, reserve: 0 }, async (runtime) => {
    await runtime.iothread('io0');
    await failure(runtime.main(), 'ERR_AIO_THREAD_LIMIT');
    expect(await (await runtime.iothread('io1').catch(() => undefined))?.clock()).toBeUndefined();
  }));

/** Ways in which a host refuses. */
const refusals: [string, () => void, RegExp][] = [
  ['throws', () => replaceStartWorker(() => {
    throw new Error('no more workers today');
  }), /'IO more': no more workers today/],
  ['reports an error later', () => replaceStartWorker((_name, events) => {
    setImmediate(() => {
      events.error(new Error('no more workers today'));
      events.exit(true);
    });
    return { post: () => {}, terminate: () => {}, keepAlive: () => {} };
  }), /'more': .*no more workers today/],
  ['ends before it began', () => replaceStartWorker((_name, events) => {
    setImmediate(() => events.exit(true));
    return { post: () => {}, terminate: () => {}, keepAlive: () => {} };
  }), /'more': its worker ended at once/],
];

test.each(refusals)('a worker whose start %s: an IOThread is refused', (_what, refuse, why) =>
  withRuntime({ reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    refuse();
    expect((await failure(runtime.iothread('more'), 'ERR_AIO_THREAD_LIMIT')).message).toMatch(why);
    replaceStartWorker(startWorker);
    // Neither the name nor the entry is lost.
    expect(await (await runtime.iothread('more')).call('echo', 5)).toBe(5);
    expect(await io.call('echo', 6)).toBe(6);
  }));

test.each(refusals)('a worker whose start %s: a C thread gets EAGAIN, main() is rejected, reads end with EAGAIN', (_what, refuse) =>
  withRuntime({ reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    const file = await io.open(disk);
    refuse();
    expect(await io.call('start_thread')).toBe(EAGAIN);
    await failure(runtime.main(), 'ERR_AIO_THREAD_LIMIT');
    expect((await failure(file.read(0, 10), 'ERR_AIO_IO')).errno).toBe('EAGAIN');
    replaceStartWorker(startWorker);
    expect(await io.call('start_thread')).toBe(0);
    expect(await io.call('join_threads')).toBe(1);
    expect((await file.read(0, 10)).length).toBe(10);
  }));

test('a thread that the owner starts: refused at once, or else the runtime fails', async () => {
  await withRuntime({ reserve: 0 }, async (runtime) => {
    refusals[0]?.[1]();
    expect(runtime.call('start_thread')).toBe(EAGAIN);
    replaceStartWorker(startWorker);
    expect(runtime.call('start_thread')).toBe(0);
  });
  await withRuntime({ reserve: 0 }, async (runtime) => {
    const io = await runtime.iothread('io0');
    refusals[1]?.[1]();
    // It cannot be told any more, and whoever joins the thread would wait for ever.
    expect(runtime.call('start_thread')).toBe(0);
    const error = await failure(io.call('join_threads'), 'ERR_AIO_PANIC');
    expect(error.message).toContain('did not get a worker');
  });
});

test('a reserve that cannot be filled harms nothing', async () => {
  refusals[0]?.[1]();
  try {
    const runtime = await Runtime.create({ module });
    await failure(runtime.iothread('io0'), 'ERR_AIO_THREAD_LIMIT');
    replaceStartWorker(startWorker);
    expect(await (await runtime.iothread('io0')).call('echo', 1)).toBe(1);
    await runtime.close();
  } finally {
    replaceStartWorker(startWorker);
  }
});

test('a worker is used again, with fresh thread-locals and its own context', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    for (let turn = 0; turn < 3; turn++) {
      const io = await runtime.iothread(`io${turn}`);
      expect(await io.call('has_own_context')).toBe(1);
      expect(await io.call('count')).toBe(101);
      expect(await io.call('count')).toBe(102);
      // The same worker each time, which ran an IOThread's pool or a thread before.
      for (let thread = 0; thread < 2; thread++) {
        expect(await io.call('count_in_new_thread')).toBe(1101);
        await until(() => workersOf(runtime, 'counts').length === 0);
      }
      await io.close();
      expect(runtime.workerCount).toBeLessThanOrEqual(2);
    }
  }));

test('a worker is claimed before its word has come that it is idle', () =>
  withRuntime({ maxThreads: 2, reserve: 0 }, async (runtime) => {
    for (let turn = 0; turn < 20; turn++) {
      const io = await runtime.iothread('io0');
      expect(await io.call('count_in_new_thread')).toBe(1101);
      // No turn of the event loop: its message has not been looked at.
      while (workersOf(runtime, 'counts').length > 0) continue;
      const other = await runtime.iothread('io1');
      expect(await other.call('count')).toBe(101);
      await Promise.all([io.close(), other.close()]);
    }
  }));

test('a call that arrives with the very first messages finds the thread set up', () =>
  withRuntime({}, async (runtime) => {
    interface Internals {
      ioThreads: Set<{ call(name: string): Promise<unknown> }>;
    }
    // What IOThreads need has been loaded then, and the next ones start within the call.
    await (await runtime.iothread('first')).close();
    for (let turn = 0; turn < 10; turn++) {
      const starting = runtime.iothread('io0');
      const [early] = (runtime as unknown as Internals).ioThreads;
      expect(await early?.call('has_own_context')).toBe(1);
      await (await starting).close();
    }
  }));

test('the defaults: a reserve of 2, pools of at most twice the processors', () =>
  withRuntime({}, async (runtime) => {
    expect(runtime.workerCount).toBe(2);
    const io = await runtime.iothread('io0');
    expect(await io.call('thread_pool_max')).toBe(BigInt(2 * availableParallelism()));
    const limited = await runtime.iothread('io1', { threadPoolMax: 3 });
    expect(await limited.call('thread_pool_max')).toBe(3n);
    await limited.set({ threadPoolMax: 5 });
    expect(await limited.call('thread_pool_max')).toBe(5n);
  }));
