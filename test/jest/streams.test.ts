// SPDX-License-Identifier: MIT
/** Async iterables, generators and ReadableStreams are values of calls, in both directions, with back-pressure and an early end. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Runtime, type IOThread } from 'wasm-aio';
import type { Streams } from './fixtures/iothread-streams.js';
import { sequenceCounts } from './fixtures/sendable.js';
import { failure } from './helpers/errors.js';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

let runtime: Runtime;
let io: IOThread<Streams>;
let base: string;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await start('streams');
  base = JSON.stringify(await counts());
});
afterAll(() => runtime.close());

const start = (name: string): Promise<IOThread<Streams>> => runtime.iothread<Streams>(name, { module: new URL('./fixtures/iothread-streams.js', import.meta.url) });

async function counts(): Promise<unknown> {
  const { sent: _here, ...here } = sequenceCounts();
  const { sent: _there, ...there } = await io.remote.counts();
  return { here, there };
}

/** Resolves when neither side holds anything; the tests' time limit is its only end. */
async function nothingIsLeft(): Promise<void> {
  for (;;) {
    gc();
    await io.remote.collect();
    if (JSON.stringify(await counts()) === base) return;
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A generator of this side, with what has become of it. */
function source<T>(items: Iterable<T>): { items: AsyncGenerator<T>; state: { produced: number; ended: boolean }; ended: Promise<void> } {
  const state = { produced: 0, ended: false };
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  async function* generate(): AsyncGenerator<T> {
    try {
      for (const item of items) {
        state.produced++;
        yield item;
      }
    } finally {
      state.ended = true;
      end();
    }
  }
  return { items: generate(), state, ended };
}
function* upTo(count: number): Generator<number> {
  for (let n = 0; n < count; n++) yield n;
}

const rejected = (work: Promise<unknown>): Promise<Error> => work.then((value) => Promise.reject(new Error(`no error but ${String(value)}`)), (error: unknown) => error as Error);

describe('results', () => {
  test.each([0, 1, 15, 16, 17, 63, 64, 65, 1000, 5000])('%d rows of an async generator, directly and after an await', async (count) => {
    const expected = Array.from({ length: count }, (_, n) => ({ n, name: `row ${n}` }));
    expect(await all(io.remote.rows(count))).toEqual(expected);
    expect(await all(await io.remote.rows(count))).toEqual(expected);
    if (count <= 100) expect(await all(io.remote.rows(count, true))).toEqual(expected);
    expect(await all(io.remote.numbers(count))).toEqual(expected.map(({ n }) => n));
  });

  test('what a generator returns comes with the end', async () => {
    const rows = await io.remote.rows(1);
    expect(await rows.next()).toEqual({ done: false, value: { n: 0, name: 'row 0' } });
    expect(await rows.next()).toEqual({ done: true, value: 'all' });
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  test('calls of next() that do not wait are answered in order', async () => {
    const rows = await io.remote.numbers(200);
    const results = await Promise.all(Array.from({ length: 202 }, () => rows.next()));
    expect(results.map(({ value }) => value)).toEqual([...Array(200).keys(), 'all', undefined]);
  });

  test('an object of a class, or a plain one, that can be iterated', async () => {
    expect(await all(io.remote.lines(3))).toEqual(['line 0', 'line 1', 'line 2']);
    const { inner, n } = await io.remote.plain();
    expect([await all(inner), n]).toEqual([[0, 1, 2], 1]);
  });

  test('functions in items work', async () => {
    const results: number[] = [];
    for await (const { n, work } of io.remote.works()) results.push((await work(2)) - 2 * n);
    expect(results).toEqual(Array(100).fill(0));
  });

  test('an error comes after the items before it, and keeps its class, code and cause', async () => {
    for (const after of [0, 3, 16, 100]) {
      const seen: number[] = [];
      const error = await rejected((async () => {
        for await (const n of io.remote.fails(after)) seen.push(n);
      })());
      expect(seen).toEqual([...upTo(after)]);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: 'no more rows', code: 'E_ROWS', cause: { name: 'TypeError', message: 'why' } });
    }
  });

  test('an item that cannot be sent is an error after those before it, and ends the generator', async () => {
    for (const after of [0, 3, 30]) {
      await io.remote.reset();
      const seen: unknown[] = [];
      const error = await rejected((async () => {
        for await (const n of io.remote.unsendable(after)) seen.push(n);
      })());
      expect(seen).toEqual([...upTo(after)]);
      expect(error).toMatchObject({ name: 'DataCloneError' });
      expect(error.message).toMatch(/^items\[0\]\.bad cannot be sent to another thread/);
      expect(await io.remote.events()).toEqual(['finally']);
    }
  });

  test('a call whose result cannot be iterated is no sequence', async () => {
    const wrong = io.remote.produced() as unknown as AsyncIterable<unknown>;
    expect(await rejected(all(wrong))).toBeInstanceOf(TypeError);
  });
});

describe('back-pressure', () => {
  test('a producer is ahead by a limited number of items', async () => {
    await io.remote.reset();
    const rows = await io.remote.rows(1e9);
    let last = 0;
    for (const take of [1, 10, 100, 1000]) {
      for (let n = 0; n < take; n++) expect((await rows.next()).value).toMatchObject({ n: last++ });
      const ahead = (await io.remote.produced()) - last;
      expect(ahead).toBeGreaterThanOrEqual(0);
      expect(ahead).toBeLessThanOrEqual(257);
    }
    await rows.return();
    const numbers = await io.remote.numbers(1e9);
    expect((await numbers.next()).value).toBe(0);
    await numbers.return();
    expect(await io.remote.events()).toEqual(['finally', 'finally']);
  });

  test('large items count for more', async () => {
    const { items, state } = source(Array.from({ length: 1000 }, () => new Uint8Array(100_000)));
    const there = (await io.remote.echo(items)) as AsyncIterator<Uint8Array>;
    expect((await there.next()).value).toHaveLength(100_000);
    // In both windows: from here to there, and back.
    expect(state.produced).toBeLessThanOrEqual(20);
    await there.return?.();
    expect(state.ended).toBe(true);
  });

  test.each([
    ['in objects', (n: number) => ({ n, nested: [{ blob: new Uint8Array(100_000) }] })],
    ['in Maps', (n: number) => ({ n, map: new Map([['text', 'x'.repeat(100_000)]]), set: new Set([n]) })],
    ['in many small parts', (n: number) => ({ n, rows: Array.from({ length: 2000 }, (_, id) => ({ id, name: `row ${id}` })) })],
    ['that are larger than any window', (n: number) => ({ n, blob: new Uint8Array(1 << 20) })],
  ])('so do large items %s, all the time', async (_where, make) => {
    const { items, state } = source((function* (): Generator<{ n: number }> {
      for (let n = 0; n < 1000; n++) yield make(n);
    })());
    const there = (await io.remote.echo(items)) as AsyncIterator<{ n: number }>;
    // The windows grow while the consumer is the faster one.
    for (let n = 0; n < 30; n++) {
      expect((await there.next()).value.n).toBe(n);
      // Each of both windows has at most 256 KiB, and one item more.
      expect(state.produced - n).toBeLessThanOrEqual(16);
    }
    await there.return?.();
    expect(state.ended).toBe(true);
  });

  test('an item that is no data, or a cycle, is not counted without end', async () => {
    const cycle: { n: number; self?: unknown } = { n: 1 };
    cycle.self = { cycle };
    const got = await all((await io.remote.echo(source([cycle, new SharedArrayBuffer(1 << 20), cycle, { n: 2 }]).items)) as AsyncIterable<typeof cycle>);
    expect(got).toHaveLength(4);
    expect((got[2]?.self as { cycle: unknown }).cycle).toBe(got[2]);
  });

  test('many items take few records', async () => {
    const before = { here: sequenceCounts().sent, there: (await io.remote.counts()).sent };
    expect(await all(io.remote.numbers(20_000))).toHaveLength(20_000);
    const records = { here: sequenceCounts().sent - before.here, there: (await io.remote.counts()).sent - before.there };
    expect(records.there).toBeLessThan(20_000 / 40);
    expect(records.here).toBeLessThan(20_000 / 80);
  });

  test('an item is not held back while the producer waits for the next one', async () => {
    const never = await io.remote.never();
    expect(await never.next()).toEqual({ done: false, value: 1 });
  });
});

describe('the end', () => {
  test.each(['rows', 'numbers'] as const)('leaving the loop runs the finally block of %s, and waits for it', async (which) => {
    await io.remote.reset();
    for await (const row of io.remote[which](1e9)) if (row) break;
    expect(await io.remote.events()).toEqual(['finally']);
    for await (const row of io.remote.rows(1e9, true)) if (row) break;
    expect(await io.remote.events()).toEqual(['finally']);
  });

  test('return() before the first item, twice, and after the end', async () => {
    await io.remote.reset();
    const early = await io.remote.rows(10);
    expect(await early.return('early')).toEqual({ done: true, value: 'early' });
    expect(await early.next()).toEqual({ done: true, value: undefined });
    expect(await early.return('again')).toEqual({ done: true, value: 'again' });
    // It was not begun.
    expect(await io.remote.events()).toEqual([]);
    const late = await io.remote.numbers(1);
    await all(late);
    expect(await late.return('late')).toEqual({ done: true, value: 'late' });
  });

  test('throw() arrives in the generator, which may go on', async () => {
    await io.remote.reset();
    const rows = await io.remote.rows(1e9);
    await rows.next();
    const error = new RangeError('thrown');
    expect(await rejected(rows.throw(error))).toMatchObject({ name: 'RangeError', message: 'thrown' });
    expect(await io.remote.events()).toEqual(['finally']);
    expect(await rows.next()).toEqual({ done: true, value: undefined });
    const catches = await io.remote.catches();
    expect((await catches.next()).value).toBe(0);
    expect(await catches.throw(error)).toMatchObject({ done: false, value: { name: 'RangeError', message: 'thrown' } });
    const next: number[] = [];
    for (let n = 0; n < 1000; n++) next.push((await catches.next()).value as number);
    expect(next).toEqual(Array.from({ length: 1000 }, (_, n) => (next[0] ?? 0) + n));
    await catches.return();
    const lines = await io.remote.plain();
    await lines.inner.next();
    expect(await rejected(lines.inner.throw(error))).toMatchObject({ message: 'thrown' });
  });

  test('an error in the finally block rejects return()', async () => {
    const rows = await io.remote.failsInFinally();
    await rows.next();
    expect(await rejected(rows.return())).toMatchObject({ name: 'RangeError', message: 'in finally' });
  });

  test('the end of the producer rejects', async () => {
    for (const [end, code] of [['terminate', 'ERR_AIO_THREAD_LOST'], ['close', 'ERR_AIO_CLOSED']] as const) {
      const other = await start(end);
      const [waiting, later] = [await other.remote.never(), await other.remote.never()];
      await waiting.next();
      const next = failure(waiting.next(), code);
      await other[end]();
      await next;
      await failure(later.next(), code);
      await failure(later.return(), code);
    }
  });

  test('the end of the consumer runs the finally block of the producer', async () => {
    for (const end of ['terminate', 'close'] as const) {
      const other = await start(end);
      const { items, ended, state } = source(upTo(1e9));
      const sum = rejected(other.remote.sum(items));
      while (state.produced === 0) await other.remote.produced();
      await other[end]();
      await sum;
      await ended;
    }
  });

  test('a sequence that nobody consumes any more is ended when it is collected', async () => {
    await io.remote.reset();
    await (async () => {
      for (let n = 0; n < 20; n++) await (await io.remote.rows(1e9)).next();
    })();
    const ended: unknown[] = [];
    while (ended.length < 20) {
      gc();
      await io.remote.collect();
      ended.push(...(await io.remote.events()));
    }
    expect(ended).toEqual(Array(20).fill('finally'));
    await nothingIsLeft();
  });
});

describe('arguments', () => {
  test('a generator, an iterable and a stream of Node are iterated there', async () => {
    const { items, state } = source(upTo(3000));
    expect(await io.remote.sum(items)).toBe(4498500);
    expect(state).toEqual({ produced: 3000, ended: true });
    expect(await io.remote.sum(upTo(100))).toBe(4950);
    expect(await io.remote.sum(Readable.from([1, 2, 3]))).toBe(6);
  });

  test('leaving the loop there ends the generator here', async () => {
    const { items, state } = source(upTo(1e9));
    expect(await io.remote.sum(items, 5)).toBe(10);
    expect(state.ended).toBe(true);
    expect(state.produced).toBeLessThanOrEqual(64);
  });

  test('one that comes back is a sequence through both threads', async () => {
    expect(await all((await io.remote.echo(source(upTo(500)).items)) as AsyncIterable<number>)).toEqual([...upTo(500)]);
  });

  test('a value that cannot be sent leaves its generator unused', async () => {
    const { items } = source(upTo(3));
    expect(await rejected(io.remote.echo([items, Symbol('no')]))).toMatchObject({ name: 'DataCloneError' });
    expect(await all(items)).toEqual([0, 1, 2]);
  });

  test('a promise of a call is a promise, and is refused as all are', async () => {
    expect(await rejected(io.remote.take(io.remote.numbers(1)))).toMatchObject({ name: 'DataCloneError' });
  });
});

describe('ReadableStreams', () => {
  test('arrive as streams, in both directions', async () => {
    const pieces = Array.from({ length: 100 }, (_, n) => `piece ${n}`);
    const stream = await io.remote.text(pieces);
    expect(stream).toBeInstanceOf(ReadableStream);
    expect(await all(stream)).toEqual(pieces);
    expect(await io.remote.read((await io.remote.text(pieces)))).toEqual(pieces);
    expect(await io.remote.isStream(new ReadableStream())).toBe(true);
    // Also where the platform was to transfer it.
    const { transfer } = await import('wasm-aio');
    const marked = new ReadableStream<string>({ start: (controller) => (controller.enqueue('x'), controller.close()) });
    expect(await io.remote.read(transfer(marked, [marked]))).toEqual(['x']);
  });

  test('one of bytes can be read into a buffer of the reader', async () => {
    const stream = await io.remote.bytes(100_000);
    const reader = stream.getReader({ mode: 'byob' });
    let at = 0;
    for (let view = new Uint8Array(777); ;) {
      const { done, value } = await reader.read(view);
      if (done) break;
      for (const byte of value) if (byte !== at++ % 251) throw new Error(`byte ${at} is ${byte}`);
      view = new Uint8Array(value.buffer);
    }
    expect(at).toBe(100_000);
    const back = (await io.remote.echo(await io.remote.bytes(50_000))) as ReadableStream<Uint8Array>;
    expect((await all(back)).reduce((sum, { length }) => sum + length, 0)).toBe(50_000);
  });

  test('errors and cancellation reach the other side', async () => {
    const broken = (await io.remote.brokenStream()).getReader();
    expect((await broken.read()).value).toBe(1);
    expect(await rejected(broken.read())).toMatchObject({ name: 'TypeError', message: 'the stream broke' });
    await io.remote.reset();
    await (await io.remote.bytes(1e9)).cancel('enough');
    expect(await io.remote.events()).toEqual(['cancel enough']);
    let reason: unknown;
    await io.remote.cancel(new ReadableStream({ cancel: (why) => void (reason = why) }), 'from there');
    expect(reason).toBe('from there');
  });

  test('one that is locked is refused by its place, and one that was not sent stays usable', async () => {
    const locked = new ReadableStream();
    locked.getReader();
    const error = await rejected(io.remote.take({ body: locked } as never));
    expect(error).toMatchObject({ name: 'DataCloneError', message: 'arguments[0].body cannot be sent to another thread: the stream is locked' });
    const stream = new ReadableStream<number>({ start: (controller) => (controller.enqueue(1), controller.close()) });
    expect(await rejected(io.remote.take([stream, Symbol('no')]))).toMatchObject({ name: 'DataCloneError' });
    expect(await all(stream)).toEqual([1]);
  });
});

test('nothing is left on either side', nothingIsLeft);
