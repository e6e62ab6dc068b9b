// SPDX-License-Identifier: MIT
/**
 * A function that crosses between threads is held as long as the other side can call it, and no
 * longer. TEST_SEED repeats a random test.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { proxy, release, Runtime, type IOThread } from 'wasm-aio';
import type * as lifetime from '../../dist/iothread/functions.js';
import { functionCount, Meter } from './fixtures/sendable.js';
import type { Messages } from './fixtures/iothread-messages.js';
import { runScript, scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { dist } from './helpers/paths.js';
import { seeded } from './helpers/random.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const { Functions } = (await import(dist('iothread/functions.js'))) as typeof lifetime;
const module = new URL('./fixtures/iothread-messages.js', import.meta.url);

let runtime: Runtime;
let io: IOThread<Messages>;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await runtime.iothread<Messages>('functions', { worker: () => new Worker(module) });
});
afterAll(() => runtime.close());

interface Counts {
  here: { held: number; stubs: number };
  there: { held: number; stubs: number };
}
/** What is held on both sides; releases that are under way have arrived. */
async function counts(): Promise<Counts> {
  await io.remote.echo(1);
  return { there: await io.remote.functionCount(), here: functionCount() };
}

/** Collects on both sides until nothing is held but that; the tests' time limit is its only end. */
async function collectedTo(expected: Counts): Promise<void> {
  for (;;) {
    gc();
    await io.remote.collect();
    const now = await counts();
    if (JSON.stringify(now) === JSON.stringify(expected)) return;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('release() of either side ends it on both', async () => {
  const before = await counts();
  for (let n = 0; n < 20; n++) {
    const work = (i: number): number => i;
    expect(await io.remote.chat(work, n)).toBe(n + 1);
    release(work);
    const made = await io.remote.make(n);
    expect(await made.work()).toBe(n);
    release(made.work);
    await failure(made.work(), 'ERR_AIO_CLOSED');
  }
  expect(await counts()).toEqual(before);
  // Of the worker's, by the worker, while this side still has them.
  const meters = [await io.remote.meter(), await io.remote.meter()] as const;
  await meters[0].add(3);
  expect([await meters[0].read(), await meters[1].read()]).toEqual([3, 0]);
  await io.remote.releaseMeters();
  for (const meter of meters) await failure(meter.read(), 'ERR_AIO_CLOSED');
  expect(await counts()).toEqual(before);
});

test('release(object): of the one that was passed, and of the one that came', async () => {
  const before = await counts();
  const [one, other] = [new Meter(), new Meter()];
  await io.remote.keep({ one: proxy(one), other: proxy(other) });
  expect((await counts()).here.held).toBe(before.here.held + 4);
  release(one);
  expect((await counts()).here.held).toBe(before.here.held + 2);
  // The methods are the class's, and this is another object of it.
  expect(await io.remote.kept().then((kept) => (kept as { other: Meter }).other.add(2))).toBe(2);
  expect(other.total).toBe(2);
  release(other);
  const meter = await io.remote.meter();
  expect(await meter.add(1)).toBe(1);
  release(meter);
  await failure(meter.read(), 'ERR_AIO_CLOSED');
  await io.remote.keep(undefined);
  // The methods that were released came back as functions of the worker's.
  await collectedTo(before);
});

test('release(function) of one that was passed in several objects', async () => {
  const before = await counts();
  const work = (): number => 1;
  for (let n = 0; n < 10; n++) await io.remote.take({ work, n });
  expect((await counts()).here.held).toBe(before.here.held + 10);
  release(work);
  expect(await counts()).toEqual(before);
});

test('functions that nobody holds are collected on both sides', async () => {
  const before = await counts();
  for (let n = 0; n < 100; n++) {
    await io.remote.chat((i) => i, n);
    expect(await (await io.remote.make(n)).work()).toBe(n);
    await io.remote.take(new Map([[n, { more: () => n }]]));
  }
  await collectedTo(before);
});

test('none is collected that the other side has, or that is called', async () => {
  const before = await counts();
  await io.remote.keep((n: number) => 2 * n);
  let answer: (n: number) => void = () => {};
  const answered = new Promise<number>((resolve) => (answer = resolve));
  // Of the second, nobody but the call has the worker's function.
  const calls = [io.remote.chat(() => answered, 1), io.remote.make(7).then(({ work }) => work()), (await io.remote.caller())(() => answered)];
  for (let n = 0; n < 3; n++) {
    gc();
    await io.remote.collect();
  }
  expect(await io.remote.callKept(21)).toBe(42);
  answer(41);
  expect(await Promise.all(calls)).toEqual([42, 7, 41]);
  await io.remote.keep(undefined);
  await collectedTo(before);
});

test('a function that is sent again while its stub is collected stays callable', async () => {
  const before = await counts();
  const work = (n: number): number => n + 1;
  for (let n = 0; n < 15; n++) {
    // Received and dropped there, collected there, and sent again meanwhile.
    const calls = [io.remote.take(work), io.remote.collect(), io.remote.take([work, work]), io.remote.collect(), io.remote.keep(work), io.remote.collect()];
    if (n % 2) await Promise.all(calls);
    expect(await io.remote.callKept(n)).toBe(n + 1);
    await io.remote.keep(undefined);
  }
  await collectedTo(before);
});

test('random sends, releases and collections between two sides: held exactly as long as needed', async () => {
  const { random, seed } = seeded();
  /** Messages under way, by side, in order. */
  const way: [(() => void)[], (() => void)[]] = [[], []];
  const side = (from: 0 | 1, other: () => lifetime.Functions): lifetime.Functions => new Functions({
    tell: (message) => void way[from].push(() => other().receive(message)),
    call: async (id) => other().find(id),
    released: () => new Error('released'),
    fromHandle: () => undefined,
  });
  const near: lifetime.Functions = side(0, () => far);
  const far: lifetime.Functions = side(1, () => near);
  const works = Array.from({ length: 4 }, (_, n) => () => n);
  /** What the far side still has of each. */
  const has: (() => unknown)[][] = works.map(() => []);
  const heldBy = (side: lifetime.Functions): number => (side as unknown as { held: Map<number, unknown> }).held.size;
  const stubsOf = (side: lifetime.Functions): number => (side as unknown as { stubs: Map<number, unknown> }).stubs.size;
  /** Some of what is under way arrives. */
  const deliver = (most: number): void => {
    for (const queue of way) for (let n = Math.floor(random() * (most + 1)); n > 0; n--) queue.shift()?.();
  };
  // A function of its own: what its frame refers to last is garbage when it has returned.
  const play = async (): Promise<void> => {
    for (let step = 0; step < 600; step++) {
      const which = Math.floor(random() * works.length);
      const work = works[which] as () => number;
      const mine = has[which] as (() => unknown)[];
      const dice = random();
      if (dice < 0.5) {
        const id = near.hold(work, undefined);
        const keep = random() < 0.5;
        way[0].push(() => {
          const stub = far.stub(id);
          if (keep) mine.push(stub);
        });
      } else if (dice < 0.7) {
        mine.splice(0);
      } else if (dice < 0.75) {
        const stub = mine[0];
        if (stub) far.release(stub);
        mine.splice(0);
      } else if (dice < 0.77) {
        near.release(work);
        // What is under way is older, and has been released with it.
        for (const queue of way) queue.splice(0).forEach((message) => message());
        mine.splice(0);
      } else if (dice < 0.8) {
        gc();
        await turn();
      }
      deliver(3);
      if (step % 10 === 0) await turn();
      // Whatever the far side has can be called.
      for (const stubs of has) for (const stub of stubs) {
        await (stub() as Promise<unknown>).catch(() => {
          throw new Error(`step ${step} of seed ${seed}: a function that the other side has is not held`);
        });
      }
    }
  };
  await play();
  // What was still under way arrives, and may have been wanted. A time limit of the test's is the only end.
  while (heldBy(near) > 0 || stubsOf(far) > 0) {
    gc();
    await turn();
    for (const queue of way) queue.splice(0).forEach((message) => message());
    for (const stubs of has) stubs.splice(0);
  }
});

test('calls leave at most 100 bytes each, and no messages', async () => {
  const dir = scratch();
  const { stdout, stderr } = await runScript(dir.path, `
    import { isMainThread } from 'node:worker_threads';
    import v8 from 'node:v8';
    import { serve } from 'wasm-aio/iothread';
    import { release, proxy, Runtime } from 'wasm-aio';
    const heap = () => { gc(); gc(); return v8.getHeapStatistics().used_heap_size; };
    if (!isMainThread) {
      class Meter { read() { return 1; } }
      serve({ heap, echo: (x) => x, chat: async (f, n) => (await f(n)) + 1, make: (n) => ({ f: () => n }), meter: () => proxy(new Meter()) });
    } else {
      const aio = await Runtime.create();
      const kinds = {
        'a plain call': async (c) => { await c.echo(1); },
        'a function of the owner': async (c) => { const f = (x) => x; await c.chat(f, 1); release(f); },
        'a function of the worker': async (c) => { release((await c.make(1)).f); },
        'an object of the worker': async (c) => { const m = await c.meter(); await m.read(); release(m); },
      };
      for (const [kind, step] of Object.entries(kinds)) {
        const io = await aio.iothread(kind, { module: new URL(import.meta.url) });
        const c = io.remote, rounds = 5000;
        for (let n = 0; n < 500; n++) await step(c);
        const there = await c.heap(), here = heap();
        for (let n = 0; n < rounds; n++) await step(c);
        await c.echo(1);
        const left = [(await c.heap() - there) / rounds, (heap() - here) / rounds];
        const [rpc] = [...globalThis[Symbol.for('wasm-aio.connections')]];
        console.log(kind, left.every((bytes) => bytes <= 100) ? 'ok' : left.join(), rpc.arrivals.early.size);
        await io.close();
      }
      await aio.close();
    }`, ['--expose-gc']);
  dir.remove();
  expect({ stdout, stderr }).toEqual({
    stderr: '',
    stdout: ['a plain call', 'a function of the owner', 'a function of the worker', 'an object of the worker'].map((kind) => `${kind} ok 0\n`).join(''),
  });
});
