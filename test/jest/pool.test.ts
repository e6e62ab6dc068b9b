// SPDX-License-Identifier: MIT
/** Pools run tasks: in their order, in the thread with the fewest, each once, whatever happens to a thread or to a caller. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Worker } from 'node:worker_threads';
import { Runtime, type IOThread } from 'wasm-aio';
import { Pool, type PoolOptions } from 'wasm-aio/pool';
import type * as queues from '../../dist/pool/queue.js';
import type * as fixtures from './fixtures/pool-tasks.js';
import type { Api } from './fixtures/pool-worker.js';
import { dist } from './helpers/paths.js';
import { runScript, scratch } from './helpers/child.js';
import { seeded } from './helpers/random.js';

type Tasks = typeof fixtures;
const { TaskQueue, PLACES } = (await import(dist('pool/queue.js'))) as typeof queues;
const module = new URL('./fixtures/pool-tasks.js', import.meta.url);

const pools = new Set<Pool>();
function open(options: PoolOptions = {}): Pool<Tasks> {
  const pool = new Pool<Tasks>({ module, threads: { min: 1, max: 1 }, ...options });
  pools.add(pool as Pool);
  return pool;
}
afterEach(async () => {
  await Promise.all([...pools].map((pool) => pool.terminate()));
  pools.clear();
});

/** Memory that tasks and the test share; see Word of the fixture. */
const shared = (): Int32Array => new Int32Array(new SharedArrayBuffer(12));
const [ARRIVED, OPEN, RAN] = [0, 1, 2];

/** Resolves when so many tasks have arrived. */
async function arrived(words: Int32Array, count: number): Promise<void> {
  while (Atomics.load(words, ARRIVED) < count) await new Promise((resolve) => setTimeout(resolve, 1));
}
function release(words: Int32Array): void {
  Atomics.store(words, OPEN, 1);
  Atomics.notify(words, OPEN);
}
const isClosed = expect.objectContaining({ code: 'ERR_AIO_CLOSED' });

describe('tasks', () => {
  test('of a module: the default function, others by name, errors with their class, promises', async () => {
    const pool = open({ threads: { max: 2 } });
    const result: number = await pool.run(21);
    expect(result).toBe(42);
    expect(await pool.run(1, { name: 'later' })).toBe(1);
    const error = await pool.run('too far', { name: 'fail' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe('too far');
    await expect(pool.run(1, { name: 'latr' as 'later' })).rejects.toThrow(/no function 'latr': did you mean 'later'/);
    expect(await Promise.all(Array.from({ length: 500 }, (_, n) => pool.run(n)))).toEqual(Array.from({ length: 500 }, (_, n) => 2 * n));
    expect(pool.stats()).toMatchObject({ completed: 502, failed: 2, queued: 0, running: 0, replaced: 0 });
  });

  test('of a worker\'s file that serves them', async () => {
    const pool = new Pool<Api>({ worker: () => new Worker(new URL('./fixtures/pool-worker.js', import.meta.url)), threads: { max: 1 } });
    pools.add(pool as Pool);
    expect(await pool.run('text')).toBe('TEXT');
    const sum: number = await pool.run([1, 2, 3], { name: 'sum' });
    expect(sum).toBe(6);
  });

  test('a file that does not load, or serves no tasks, rejects what waits for it, and says why', async () => {
    const none = open({ module: new URL('./fixtures/nowhere.js', import.meta.url) });
    await expect(none.run(1)).rejects.toMatchObject({ code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(/options\.module: .*nowhere\.js cannot be loaded: .* give options\.worker instead/) });
    const other = open({ module: undefined as never, worker: () => new Worker(new URL('./fixtures/iothread-order.js', import.meta.url)) });
    await expect(other.run(1)).rejects.toThrow(/its file must call serve\(tasks/);
    // A later task tries again.
    await expect(none.run(1)).rejects.toThrow(/nowhere\.js/);
  });

  test('objects are moved', async () => {
    const pool = open();
    const bytes = new Uint8Array(1000);
    expect(await pool.run(bytes, { name: 'size', transfer: [bytes.buffer] })).toBe(1000);
    expect(bytes.length).toBe(0);
  });

  test('what cannot be sent rejects its own task', async () => {
    const pool = open();
    await expect(pool.run(Symbol('s') as unknown as number)).rejects.toThrow(/cannot be sent/);
    expect(await pool.run(1)).toBe(2);
    expect(pool.stats().running).toBe(0);
  });

  test('go on in the caller\'s AsyncLocalStorage', async () => {
    const pool = open();
    const store = new AsyncLocalStorage<number>();
    const seen = await Promise.all(Array.from({ length: 50 }, (_, n) => store.run(n, async () => {
      await pool.run(n);
      return store.getStore();
    })));
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });
});

describe('threads', () => {
  test('a thread that is busy for long holds up no other task, also none that was sent to it already', async () => {
    const pool = open({ threads: { min: 2, max: 2 } });
    const words = shared();
    // Short tasks, so that many are sent ahead.
    await Promise.all(Array.from({ length: 500 }, (_, n) => pool.run(n)));
    const gate = pool.run(words, { name: 'gate' });
    const rest = Promise.all(Array.from({ length: 100 }, (_, n) => pool.run(n)));
    await arrived(words, 1);
    expect((await rest).length).toBe(100);
    release(words);
    await gate;
  });

  test('are started for tasks up to the maximum, and end when they are idle', async () => {
    const pool = open({ threads: { min: 1, max: 3 }, idleTimeout: 5 });
    const words = shared();
    const gates = [1, 2, 3, 4].map(() => pool.run(words, { name: 'gate' }));
    await arrived(words, 3);
    expect(pool.stats()).toMatchObject({ threads: 3, starting: 0 });
    release(words);
    expect(new Set(await Promise.all(gates)).size).toBe(3);
    while (pool.stats().threads > 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await pool.run(4)).toBe(8);
    expect(pool.stats().replaced).toBe(0);
  });

  test('one that dies rejects the task that ran in it, and nothing else', async () => {
    const pool = open();
    await pool.run(1);
    const words = shared();
    const gate = pool.run(words, { name: 'gate' });
    await arrived(words, 1);
    // All of these are behind the gate, some in the thread and some in the queue.
    const before = pool.run(words, { name: 'count' });
    const exit = pool.run(undefined as never, { name: 'exit' });
    const after = Array.from({ length: 20 }, () => pool.run(words, { name: 'count' }));
    const ended = expect(exit).rejects.toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
    release(words);
    await gate;
    expect(await before).toBe(0);
    await ended;
    expect((await Promise.all(after)).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    expect(Atomics.load(words, RAN)).toBe(21);
    expect(pool.stats()).toMatchObject({ replaced: 1, threads: 1 });
  });

  test('tasks that arrive in a thread which ends before it begins them run in another one, each once', async () => {
    const made: Worker[] = [];
    const worker = (): Worker => {
      // The third one stays.
      made.push(new Worker(new URL(made.length < 2 ? './fixtures/pool-ends.js' : './fixtures/pool-worker.js', import.meta.url)));
      return made.at(-1) as Worker;
    };
    const pool = new Pool<Api>({ worker, threads: { max: 1 } });
    pools.add(pool as Pool);
    const words = shared();
    // One is sent ahead, and the others wait in the queue.
    const runs = Array.from({ length: 10 }, () => pool.run(words, { name: 'count' }));
    expect((await Promise.all(runs)).sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, n) => n));
    expect(Atomics.load(words, RAN)).toBe(10);
    expect(made).toHaveLength(3);
    expect(pool.stats()).toMatchObject({ completed: 10, failed: 0, replaced: 2, running: 0, queued: 0 });
  });

  test('a task that is sent to a thread which is being closed runs in another one, once', async () => {
    const runtime = await Runtime.create();
    try {
      let io: IOThread | undefined;
      const keeps = { iothread: async (...of: Parameters<Runtime['iothread']>) => (io = await runtime.iothread(...of)) } as Runtime;
      const pool = open({ runtime: keeps });
      const words = shared();
      expect(await pool.run(words, { name: 'count' })).toBe(0);
      const closed = io?.close();
      expect(await Promise.all([pool.run(words, { name: 'count' }), pool.run(words, { name: 'count' })])).toEqual([1, 2]);
      await closed;
      expect(Atomics.load(words, RAN)).toBe(3);
      expect(pool.stats()).toMatchObject({ completed: 3, failed: 0, replaced: 1, threads: 1 });
      await pool.close();
    } finally {
      await runtime.close();
    }
  });

  test('what has a transfer list is not given to another thread', async () => {
    let made = 0;
    const worker = (): Worker => new Worker(new URL(made++ === 0 ? './fixtures/pool-ends.js' : './fixtures/pool-worker.js', import.meta.url));
    const pool = new Pool<Api>({ worker, threads: { max: 1 } });
    pools.add(pool as Pool);
    const bytes = new Uint8Array(10);
    await expect(pool.run([1], { name: 'sum', transfer: [bytes.buffer] })).rejects.toMatchObject({ code: 'ERR_AIO_THREAD_LOST', message: expect.stringMatching(/transfer list/) });
    expect(await pool.run([1, 2], { name: 'sum' })).toBe(3);
  });

  test('if no thread begins a task, it rejects, and says why', async () => {
    let made = 0;
    const worker = (): Worker => {
      made++;
      return new Worker(new URL('./fixtures/pool-ends.js', import.meta.url));
    };
    const pool = new Pool<Api>({ worker, threads: { max: 1 } });
    pools.add(pool as Pool);
    const ends = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => pool.run([n], { name: 'sum' })));
    for (const end of ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ERR_AIO_THREAD_LOST', message: expect.stringMatching(/^\d threads in a row have ended before they began a task; IOThread 'pool \d' ended: /) } });
    }
    expect(made).toBeLessThanOrEqual(2 + 5);
  });

  test('a task that was not begun when the runtime was closed rejects', async () => {
    const runtime = await Runtime.create();
    const pool = new Pool<Api>({ runtime, worker: () => new Worker(new URL('./fixtures/pool-never.js', import.meta.url)), threads: { max: 1 } });
    pools.add(pool as Pool);
    // One was sent, and the other one waits in the queue.
    const ended = Promise.allSettled([pool.run('a'), pool.run('b')]);
    while (pool.stats().running === 0) await new Promise(setImmediate);
    await runtime.close();
    for (const end of await ended) expect(end).toMatchObject({ status: 'rejected', reason: isClosed });
  });

  test('several tasks at a time in one thread, if wanted', async () => {
    for (const [tasksPerThread, most] of [[3, 3], [1, 1]] as const) {
      const pool = open({ tasksPerThread });
      const words = shared();
      const all = Array.from({ length: 3 }, () => pool.run(words, { name: 'overlap' }));
      await arrived(words, most);
      release(words);
      expect(Math.max(...await Promise.all(all))).toBe(most);
    }
  });

  test('memory limits end a thread and not the process', async () => {
    const pool = open({ resourceLimits: { maxOldGenerationSizeMb: 32 } });
    expect(await pool.run(4)).toBe(8);
    await expect(pool.run(undefined as never, { name: 'hog' })).rejects.toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
    expect(await pool.run(5)).toBe(10);
    expect(() => open({ module: undefined as never, worker: () => new Worker(module), resourceLimits: { maxOldGenerationSizeMb: 32 } })).toThrow(/options\.resourceLimits goes with options\.module/);
  });
});

describe('limits', () => {
  test('a full queue refuses by code, and room() says when there is room', async () => {
    const pool = open({ maxQueue: 2 });
    await pool.run(1);
    const words = shared();
    const gates: Promise<unknown>[] = [pool.run(words, { name: 'gate' })];
    await arrived(words, 1);
    // Whatever was sent ahead to the thread, at last the queue is full.
    while (pool.stats().queued < 2) gates.push(pool.run(1));
    await expect(pool.run(1)).rejects.toMatchObject({ code: 'ERR_AIO_QUEUE_FULL' });
    let hasRoom = false;
    const room = pool.room().then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    release(words);
    await room;
    expect(await pool.run(2)).toBe(4);
    await Promise.all(gates);
    await pool.room();
  });

  test('a task that was aborted before it began never runs', async () => {
    const pool = open();
    const words = shared();
    const gate = pool.run(words, { name: 'gate' });
    await arrived(words, 1);
    const reason = new Error('not wanted');
    const aborts = [1, 2, 3, 4, 5].map(() => new AbortController());
    const all = aborts.map(({ signal }) => pool.run(words, { name: 'count', signal }));
    const ended = Promise.all(all.map((run) => expect(run).rejects.toBe(reason)));
    // The last ones are in the queue, and the first one was sent ahead.
    for (const abort of aborts.reverse()) abort.abort(reason);
    await ended;
    await expect(pool.run(1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    release(words);
    await gate;
    expect(await pool.run(words, { name: 'count' })).toBe(0);
    expect(pool.stats()).toMatchObject({ failed: 5, replaced: 0 });
  });

  test('a task that runs learns of its abort; if it goes on, its thread is replaced', async () => {
    const pool = open({ terminateAfter: Infinity });
    const words = shared();
    const abort = new AbortController();
    const reason = new Error('not wanted');
    const patient = pool.run(words, { name: 'patient', signal: abort.signal });
    await arrived(words, 1);
    abort.abort(reason);
    await expect(patient).rejects.toBe(reason);
    expect(await pool.run(words, { name: 'count' })).toBe(1);
    expect(pool.stats().replaced).toBe(0);

    const hasty = open({ terminateAfter: 0 });
    const behind: Promise<number>[] = [];
    // Also if that happens to several threads in a row, with the first task of each: what is behind it goes on.
    for (let n = 1; n <= 4; n++) {
      const spins = shared();
      const second = new AbortController();
      const spin = hasty.run(spins, { name: 'spin', signal: second.signal, priority: 1 });
      await arrived(spins, 1);
      behind.push(hasty.run(n), hasty.run(n));
      second.abort(reason);
      await expect(spin).rejects.toBe(reason);
      expect(hasty.stats()).toMatchObject({ replaced: n });
    }
    expect(await Promise.all(behind)).toEqual([2, 2, 4, 4, 6, 6, 8, 8]);
    expect(hasty.stats().threads).toBe(1);
  });

  test('a task that runs for too long rejects, and its thread is replaced', async () => {
    const pool = open({ terminateAfter: 1 });
    const words = shared();
    const spin = pool.run(words, { name: 'spin', timeout: 20 });
    const behind = Array.from({ length: 5 }, (_, n) => pool.run(n));
    await expect(spin).rejects.toMatchObject({ code: 'ERR_AIO_TIMEOUT', message: expect.stringMatching(/'spin' ran for longer than 20 ms/) });
    expect(await Promise.all(behind)).toEqual([0, 2, 4, 6, 8]);
    expect(pool.stats().replaced).toBe(1);
  });

  test('the time that a task waits is not counted for its time-out', async () => {
    const pool = open();
    const words = shared();
    const gate = pool.run(words, { name: 'gate' });
    await arrived(words, 1);
    // It may run for longer than that, but it runs.
    const short = pool.run(words, { name: 'count', timeout: 1 }).catch((error: Error) => expect(error.message).toMatch(/ran for longer/));
    // Until its time would have been up, if that counted.
    await new Promise((resolve) => setTimeout(resolve, 20));
    release(words);
    await gate;
    await short;
    expect(Atomics.load(words, RAN)).toBe(1);
  });
});

describe('the order', () => {
  test('higher priorities first, within them as they came', async () => {
    const pool = open();
    const words = shared();
    const gate = pool.run(words, { name: 'gate' });
    await arrived(words, 1);
    // Those that are sent ahead are not in the queue any more.
    const ahead: Promise<unknown>[] = [];
    while (pool.stats().queued === 0) ahead.push(pool.run(words, { name: 'count' }));
    const low = [1, 2, 3].map(() => pool.run(words, { name: 'count', priority: -1 }));
    const high = [1, 2, 3].map(() => pool.run(words, { name: 'count', priority: 2 }));
    release(words);
    await gate;
    const [first, second] = [await Promise.all(high), await Promise.all(low)];
    await Promise.all(ahead);
    expect(first).toEqual([...first].sort((a, b) => a - b));
    expect(second).toEqual([...second].sort((a, b) => a - b));
    expect(Math.max(...first)).toBeLessThan(Math.min(...second));
  });

  test('nobody starves: a step of priority is worth a fixed number of places', () => {
    const queue = new TaskQueue<{ priority: number; key: number; n: number }>();
    queue.push({ priority: 0, key: 0, n: -1 });
    let served = -2;
    let before = 0;
    // Two tasks of a higher priority come for each that is served.
    for (let n = 0; served !== -1 && n < 10_000; n += 2) {
      queue.push({ priority: 3, key: 0, n });
      queue.push({ priority: 3, key: 0, n: n + 1 });
      served = queue.shift()?.n as number;
      if (served !== -1) before++;
    }
    expect(before).toBe(3 * PLACES - 1);
  });

  test('random pushes, removals and returns come out in the order of their keys', () => {
    const { random, seed } = seeded();
    for (let round = 0; round < 300; round++) {
      const queue = new TaskQueue<{ priority: number; key: number }>();
      let all: { priority: number; key: number }[] = [];
      for (let step = 0; step < 200; step++) {
        const action = random();
        if (action < 0.5) {
          const entry = { priority: Math.floor(random() * 5) - 2, key: 0 };
          queue.push(entry);
          all.push(entry);
        } else if (action < 0.65 && all.length > 0) {
          const entry = all[Math.floor(random() * all.length)] as (typeof all)[0];
          if (!queue.remove(entry) || queue.remove(entry)) throw new Error(`TEST_SEED=${seed}`);
          if (random() < 0.5) queue.putBack(entry);
          else all = all.filter((other) => other !== entry);
        } else {
          const first = queue.shift();
          const least = Math.min(...all.map(({ key }) => key));
          if (first && first.key !== least) throw new Error(`TEST_SEED=${seed}: ${first.key} before ${least}`);
          all = all.filter((other) => other !== first);
        }
        expect(queue.length).toBe(all.length);
      }
    }
  });
});

describe('the end', () => {
  test('close() runs what there is, takes no more, and ends the threads of the pool\'s own runtime', async () => {
    const pool = open({ threads: { max: 2 } });
    const runs = Array.from({ length: 50 }, (_, n) => pool.run(n));
    const closed = pool.close();
    await expect(pool.run(1)).rejects.toEqual(isClosed);
    expect((await Promise.all(runs)).length).toBe(50);
    await closed;
    await pool.close();
    expect(pool.stats()).toMatchObject({ threads: 0, running: 0, completed: 50 });
  });

  test('terminate() rejects what there is', async () => {
    const pool = open();
    const words = shared();
    const runs = [pool.run(words, { name: 'spin' }), pool.run(1), pool.run(2), pool.run(3)];
    const ended = Promise.all(runs.map((run) => expect(run).rejects.toEqual(isClosed)));
    await arrived(words, 1);
    await pool.terminate();
    await ended;
  });

  test('drain() resolves when there is no task', async () => {
    const pool = open();
    await pool.drain();
    let done = 0;
    for (let n = 0; n < 20; n++) void pool.run(n).then(() => done++);
    await pool.drain();
    await Promise.resolve();
    expect(done).toBe(20);
  });

  test('a runtime that was given stays open', async () => {
    const runtime = await Runtime.create();
    try {
      const pool = open({ runtime });
      expect(await pool.run(3)).toBe(6);
      expect((await runtime.iothreads()).map(({ name }) => name)).toEqual(['pool 0']);
      await pool[Symbol.asyncDispose]();
      expect(await runtime.iothreads()).toEqual([]);
    } finally {
      await runtime.close();
    }
  });

  test('a process whose pool has no threads any more ends by itself', async () => {
    const room = scratch();
    try {
      const { code, stdout, stderr } = await runScript(room.path, `
        import { Pool } from 'wasm-aio/pool';
        const pool = new Pool({ module: new URL(${JSON.stringify(module.href)}), threads: { max: 2 }, idleTimeout: 5 });
        console.log(await pool.run(21));`);
      expect([code, stdout, stderr]).toEqual([0, '42\n', '']);
    } finally {
      room.remove();
    }
  });
});

test('statistics', async () => {
  const pool = open();
  await Promise.all(Array.from({ length: 10 }, () => pool.run(2, { name: 'later' })));
  const { runTime, waitTime, utilization, completed } = pool.stats();
  expect([completed, runTime.count, waitTime.count]).toEqual([10, 10, 10]);
  expect(runTime.min).toBeLessThanOrEqual(runTime.p50);
  expect(runTime.p50).toBeLessThanOrEqual(runTime.p99);
  expect(runTime.p99).toBeLessThanOrEqual(runTime.max);
  expect(runTime.mean).toBeGreaterThan(0.5);
  expect(utilization).toBeGreaterThan(0);
  expect(utilization).toBeLessThanOrEqual(1);
});
