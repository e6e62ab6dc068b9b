// SPDX-License-Identifier: MIT
/**
 * What is made and closed leaves nothing behind: memory, places in tables, workers,
 * JavaScript objects. LEAK_ROUNDS sets how often (10,000); what starts or asks a worker each
 * time is done less often.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Runtime } from 'wasm-aio';
import type { Plane } from './fixtures/iothread-plane.js';
import { scratch } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const ROUNDS = Number(process.env['LEAK_ROUNDS'] ?? 10_000);
/** With a worker's answer each. */
const FEWER = Math.ceil(ROUNDS / 10);
const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
writeFileSync(disk, new Uint8Array(8192));

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ module: fixture('leak'), reserve: 1 });
});
afterAll(() => runtime.close());

/** All that can leak, but for malloc'ed memory and JavaScript objects. */
function inUse(): Record<string, number> {
  return {
    fd: runtime.call('next_fd') as number,
    handles: runtime.instance.exports.rt_handles_open(),
    ...runtime.held,
    ...runtime.context.held,
    workers: runtime.workerCount,
    memory: runtime.instance.memory.memory.buffer.byteLength,
  };
}

/**
 * Runs work so often and compares what is in use. Malloc'ed memory may differ by less than any one
 * allocation a round would. It may grow by more once, as when an entry of the thread table gets its stack (256 KiB) because
 * the last thread has not left its own yet; what leaks grows each of three times.
 */
async function leavesNothing(rounds: number, work: () => Promise<void>): Promise<void> {
  let grown = Infinity;
  for (let time = 0; time < 3 && grown >= 8; time++) {
    const before = inUse();
    const heap = runtime.call('heap_used') as number;
    for (let i = 0; i < rounds; i++) {
      await work();
      // Bottom halves that were deleted are freed when the loop comes to them.
      if (i % 500 === 0) await turn();
    }
    await settle();
    expect(inUse()).toEqual(before);
    grown = ((runtime.call('heap_used') as number) - heap) / rounds;
  }
  expect(grown).toBeLessThan(8);
}

/** Resolves when all but a few of count objects are gone: what the last round has made
 * may still be on some stack. */
async function collected(registry: Counter, count: number): Promise<void> {
  while (registry.gone < count - 10) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

class Counter {
  gone = 0;
  private readonly registry = new FinalizationRegistry(() => this.gone++);
  add(object: object): void {
    this.registry.register(object, undefined);
  }
}

/** One turn of the loop: bottom halves that were deleted are freed in it. */
const turn = (): Promise<void> => new Promise((resolve) => {
  const bh = runtime.context.bottomHalf('turn', () => {
    bh.close();
    resolve();
  });
  bh.schedule();
});

const settle = async (): Promise<void> => {
  for (let i = 0; i < 3; i++) await turn();
};

const things: Record<string, () => object | Promise<object>> = {
  'bottom half': () => {
    const bh = runtime.context.bottomHalf('b', () => {});
    bh.schedule();
    bh.close();
    return bh;
  },
  timer: () => {
    const timer = runtime.context.timer('t', () => {});
    timer.arm(1000);
    timer.close();
    return timer;
  },
  notifier: () => {
    const notifier = runtime.context.notifier('n');
    notifier.set();
    notifier.close();
    return notifier;
  },
  'handler of a notifier': () => {
    const notifier = runtime.context.notifier('n');
    const watch = runtime.context.onSet(notifier, () => {});
    notifier.close();
    watch.close();
    return watch;
  },
  'wait that is aborted': async () => {
    const notifier = runtime.context.notifier('n');
    const abort = new AbortController();
    const waiting = notifier.wait({ signal: abort.signal }).catch(() => {});
    abort.abort();
    await waiting;
    notifier.close();
    return abort;
  },
  pipe: () => {
    const pipe = runtime.context.pipe('p', { capacity: 1024 });
    pipe.write(new Uint8Array(100));
    pipe.close();
    return pipe;
  },
  context: async () => {
    const context = runtime.createContext('c');
    context.bottomHalf('b', () => {}).schedule();
    await context.close();
    return context;
  },
  buffer: () => {
    const buffer = runtime.allocate(4096);
    buffer.close();
    return buffer;
  },
  IOThread: async () => {
    const io = await runtime.iothread('io');
    await io.close();
    return io;
  },
};

// The first: it takes no worker from the reserve, and no other test has left one that ends
// when it has been idle for long.
test('IOThread with code', async () => {
  const rounds = Math.ceil(ROUNDS / 200);
  const counter = new Counter();
  const own = runtime.context.notifier('answer');
  const work = async (): Promise<void> => {
    const io = await runtime.iothread<Plane>('plane', { module: new URL('./fixtures/iothread-plane.js', import.meta.url) });
    await io.remote.attach(own, new SharedArrayBuffer(4));
    io.remote.tick.schedule();
    await own.wait();
    await io.remote.arm(0);
    await own.wait();
    expect(io.remote.inbox.write(new Uint8Array(100))).toBe(100);
    expect((await io.remote.state()).ticks).toBe(1);
    await io.close();
    counter.add(io);
  };
  for (let i = 0; i < 10; i++) await work();
  await settle();
  await leavesNothing(rounds, work);
  await collected(counter, rounds + 10);
  own.close();
});

test.each(Object.keys(things))('%s', async (name) => {
  const rounds = name === 'IOThread' ? FEWER : ROUNDS;
  const make = things[name] as () => object | Promise<object>;
  const counter = new Counter();
  // The first ones make pools, tables and workers that stay.
  for (let i = 0; i < 100; i++) await make();
  await settle();
  await leavesNothing(rounds, async () => counter.add(await make()));
  await collected(counter, rounds);
});

test('file, opened, read and closed', async () => {
  const io = await runtime.iothread('files', { threadPoolMax: 1 });
  const counter = new Counter();
  const work = async (): Promise<void> => {
    const file = await io.open(disk);
    await file.read(0, 512);
    await file.close();
    counter.add(file);
  };
  for (let i = 0; i < 100; i++) await work();
  await settle();
  await leavesNothing(FEWER, work);
  await collected(counter, FEWER);
  await io.close();
});

test('runtime', async () => {
  const rounds = Math.ceil(ROUNDS / 200);
  const counter = new Counter();
  for (let i = 0; i < rounds; i++) {
    const own = await Runtime.create({ module: fixture('leak'), reserve: 0, maximumMemory: 1 << 25 });
    await (await own.iothread('io')).close();
    await own.close();
    expect(own.workerCount).toBe(0);
    counter.add(own);
  }
  await collected(counter, rounds);
});
