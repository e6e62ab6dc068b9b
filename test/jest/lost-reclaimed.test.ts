// SPDX-License-Identifier: MIT
/**
 * What an IOThread that is lost had, is given back: memory, handles, files. But its files and its requests'
 * memory stay as long as another thread may be about to use them. LOST_ROUNDS sets how many are lost in each way (8).
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { fstatSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Runtime, type AioFile, type BottomHalf, type IOThread, type Notifier } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { HELD_OFFSET, Fault } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { faults, replaceStartWorker, startTestWorker, until } from './helpers/workers.js';

const ROUNDS = Number(process.env['LOST_ROUNDS'] ?? 8);
const THREADS = 16;
const ENGINES = ['threads', 'native', 'io_uring', 'sync'] as const;

const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
writeFileSync(disk, new Uint8Array(1 << 16));
const code = join(dir.path, 'code.mjs');
writeFileSync(code, `
  import { serve } from 'wasm-aio/iothread';
  serve((context) => {
    const bh = context.bottomHalf('bh', () => {});
    return {
      /** Has objects of every kind, and watches one of another thread's. */
      settle(watched) {
        context.onSet(watched, () => {});
        context.timer('armed', () => {}).arm(1e6);
        context.timer('not armed', () => {});
        context.notifier('n');
        context.pipe('p', { capacity: 100 });
        return bh;
      },
      never: () => new Promise(() => {}),
      throws: () => void setTimeout(() => { throw new Error('thrown on purpose'); }, 0),
      exits: () => process.exit(3),
      fills() { const all = []; for (;;) all.push(Array.from({ length: 1000 }, (_, i) => [i])); },
    };
  });`);

interface Served {
  settle(watched: Notifier): Promise<BottomHalf>;
  never(): Promise<void>;
  throws(): Promise<void>;
  exits(): Promise<void>;
  fills(): Promise<void>;
}
const quietly = (promise: Promise<unknown>): Promise<unknown> => promise.catch(() => {});

/** IOThreads that are not idle yet. */
const busy = (runtime: Runtime): number => (runtime as unknown as { idle: Map<number, unknown> }).idle.size;

describe('memory and handles', () => {
  let runtime: Runtime;
  let watched: Notifier;
  const ways = {
    terminate: (io: IOThread<Served>) => io.terminate(),
    throw: (io: IOThread<Served>) => io.remote.throws(),
    'process.exit': (io: IOThread<Served>) => io.remote.exits(),
    resourceLimits: (io: IOThread<Served>) => io.remote.fills(),
  };

  const start = (name: string): Promise<IOThread<Served>> => runtime.iothread<Served>(name, {
    worker: () => new Worker(pathToFileURL(code), { resourceLimits: { maxOldGenerationSizeMb: 32 } }), threadPoolMax: 2,
  });

  /** With requests in every engine, and bottom halves that this thread schedules there. */
  async function lose(way: (io: IOThread<Served>) => Promise<unknown>): Promise<void> {
    const io = await start('io');
    const bh = await io.remote.settle(watched);
    const files = await Promise.all(ENGINES.map((aio) => io.open(disk, { aio })));
    const work = files.flatMap((file) => Array.from({ length: 10 }, (_, i) => quietly(file.read(i * 4096, 4096))));
    work.push(quietly(io.remote.never()), quietly(io.closed), quietly(way(io)));
    for (let i = 0; i < 10; i++) bh.schedule();
    await Promise.all(work);
    await io.close();
    await until(() => busy(runtime) === 0);
  }
  const inUse = (): Record<string, number> => ({
    handles: runtime.instance.exports.rt_handles_open(), pending: runtime.held.pending,
  });

  beforeAll(async () => {
    runtime = await Runtime.create({ module: fixture('leak'), maxThreads: THREADS, reserve: 0 });
    watched = runtime.context.notifier('watched');
    // A thread's stack stays when the thread has ended: so all of them are made now.
    const all = await Promise.all(Array.from({ length: THREADS }, (_, i) => start(`io${i}`)));
    await Promise.all(all.map((io) => io.close()));
    // The last few that were lost are kept for a while.
    for (let i = 0; i < 20; i++) await lose(ways.terminate);
  });
  afterAll(() => runtime.close());

  test.each(Object.entries(ways))('%s', async (_name, way) => {
    const before = runtime.call('heap_used') as number;
    const others = inUse();
    for (let i = 0; i < ROUNDS; i++) await lose(way);
    expect(inUse()).toEqual(others);
    // Fds begin at 8192, and the last few that were lost keep theirs.
    expect(runtime.call('next_fd')).toBeLessThan(8192 + 64);
    // Names and thread-pool threads that are about to end; each that is lost had some 80 KB.
    expect((runtime.call('heap_used') as number) - before).toBeLessThan(1024);
  });

  test('the place of a lost context is that of the next, again and again', async () => {
    const round = async (): Promise<void> => {
      await lose(ways.terminate);
      // The next has its place; it ends in order, with bottom halves that are deleted and have not run since.
      const io = await start('next');
      await io.remote.settle(watched);
      await io.close();
    };
    for (let i = 0; i < 4; i++) await round();
    const before = runtime.call('heap_used') as number;
    for (let i = 0; i < ROUNDS; i++) await round();
    // A context has 800 bytes.
    expect((runtime.call('heap_used') as number) - before).toBeLessThan(1024);
  });

  test.each(ENGINES.map((name, engine) => ({ name, engine })))('in the call-back of a request to $name', async ({ engine }) => {
    const lose = async (): Promise<void> => {
      const io = await runtime.iothread('stuck');
      const stuck = runtime.call('stuck_so_far') as number;
      void quietly(io.call('stick_in_a_call_back', engine));
      await until(() => (runtime.call('stuck_so_far') as number) > stuck);
      await io.terminate();
      await until(() => busy(runtime) === 0);
    };
    await lose();
    const before = runtime.call('heap_used') as number;
    for (let i = 0; i < 2 * ROUNDS; i++) await lose();
    // A request has 200 bytes.
    expect((runtime.call('heap_used') as number) - before).toBeLessThan(1024);
  });
});

describe('a file that another thread is about to read', () => {
  let runtime: Runtime;
  let io: IOThread;
  let restore: () => void;
  beforeEach(async () => {
    restore = replaceStartWorker(startTestWorker);
    Atomics.store(faults, Fault.held, 0);
    Atomics.store(faults, Fault.gate, 0);
    runtime = await Runtime.create({ module: fixture('leak') });
    io = await runtime.iothread('io');
  });
  const release = (): void => {
    Atomics.store(faults, Fault.gate, 1);
    Atomics.notify(faults, Fault.gate);
  };
  afterEach(async () => {
    release();
    await runtime.close();
    restore();
  });

  const fdOf = (file: AioFile): number => (file as unknown as { host: { handle: number } }).host.handle;
  const isOpen = (fd: number): boolean => {
    try {
      fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  };
  /** Lost while a read waits before it calls the operating system. */
  async function loseWhileReading(aio: 'threads' | 'native' | 'io_uring'): Promise<{ fd: number; file: AioFile }> {
    const file = await io.open(disk, { aio });
    const read = file.read(HELD_OFFSET, 4096).catch((error: { code?: unknown }) => error.code);
    await until(() => Atomics.load(faults, Fault.held) === 1);
    await io.terminate();
    expect(await read).toBe('ERR_AIO_THREAD_LOST');
    return { fd: fdOf(file), file };
  }

  test.each(['threads', 'native', 'io_uring'] as const)('%s: it is closed when that thread has read', async (aio) => {
    const { fd, file } = await loseWhileReading(aio);
    let closed = false;
    const closing = file.close().then(() => (closed = true));
    // Much that a close would have been done with.
    for (let i = 0; i < 100; i++) await new Promise(setImmediate);
    expect([isOpen(fd), closed, busy(runtime)]).toEqual([true, false, 1]);
    release();
    await closing;
    expect(isOpen(fd)).toBe(false);
    await until(() => busy(runtime) === 0);
  });

  test('it is closed without the user, too, and says why it cannot be read', async () => {
    const { fd, file } = await loseWhileReading('threads');
    release();
    await until(() => !isOpen(fd));
    await expect(file.read(0, 1)).rejects.toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
  });

  test('that never goes on: close() settles, and the end of the runtime closes the file', async () => {
    const { fd, file } = await loseWhileReading('threads');
    await file.close();
    expect(isOpen(fd)).toBe(true);
    await runtime.close();
    expect([isOpen(fd), runtime.workerCount]).toEqual([false, 0]);
  });
});
