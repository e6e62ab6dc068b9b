// SPDX-License-Identifier: MIT
/** An IOThread with code of the user's: serve() there, io.remote here. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { AioError, proxy, release, Runtime, transfer, type IOThread, type IOThreadCode } from 'wasm-aio';
import type { Disk } from './fixtures/iothread-disk.js';
import { failure } from './helpers/errors.js';
import { asleep, until, workersOf } from './helpers/workers.js';

const file = (name: string): URL => new URL(`./fixtures/${name}.js`, import.meta.url);
const ways: [string, IOThreadCode][] = [
  ['worker', { worker: () => new Worker(file('iothread-disk')) }],
  ['module', { module: file('iothread-disk') }],
];

/** What work throws. */
async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then((value) => Promise.reject(new Error(`no error but ${String(value)}`)), (error: unknown) => error);
}

describe.each(ways)('by %s', (_way, code) => {
  let runtime: Runtime;
  let io: IOThread<Disk>;
  beforeAll(async () => {
    runtime = await Runtime.create({ reserve: 0 });
    io = await runtime.iothread<Disk>('disk', code);
  });
  afterAll(() => runtime.close());

  test('functions, of objects in it too, and values', async () => {
    expect(await io.remote.add(1, 2)).toBe(3);
    expect(await io.remote.plusBase(5)).toBe(15);
    expect(await io.remote.slowly(7)).toBe(7);
    expect(io.remote.kind).toBe('a disk');
    expect(io.remote.limits.sectors).toBe(8);
    expect(await io.remote.limits.size()).toBe(4096);
    expect(await io.remote.echo({ a: [1, new Map([[1, new Date(5)]])] })).toEqual({ a: [1, new Map([[1, new Date(5)]])] });
  });

  test('each time its loop was fast asleep', async () => {
    for (let i = 0; i < 200; i++) {
      await asleep(runtime, io);
      expect(await io.remote.add(i, 1)).toBe(i + 1);
    }
  });

  test('10,000 calls, 64 in flight', async () => {
    let sum = 0;
    const lane = async (n: number): Promise<void> => {
      for (let i = n; i < 10_000; i += 64) {
        const next = await io.remote.add(i, 1);
        sum += next - i;
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, n) => lane(n)));
    expect(sum).toBe(10_000);
  });

  test('while a promise is open its JavaScript goes on, and other calls are answered', async () => {
    let open = false;
    const opened = io.remote.whenOpen().then((n) => ((open = true), n));
    for (let i = 0; i < 50; i++) expect(await io.remote.slowly(i)).toBe(i);
    expect(open).toBe(false);
    await io.remote.open(9);
    expect(await opened).toBe(9);
    await asleep(runtime, io);
  });

  test('errors keep class, name, code, errno, stack and cause', async () => {
    for (const call of ['fail', 'failLater'] as const) {
      const type = (await thrown(io.remote[call]('type'))) as TypeError & { cause: RangeError & { code: string } };
      expect(type).toBeInstanceOf(TypeError);
      expect(type.message).toBe('a type');
      expect(type.stack).toContain('iothread-disk');
      expect(type.cause).toBeInstanceOf(RangeError);
      expect(type.cause).toMatchObject({ name: 'DiskError', code: 'EDISK', message: 'inner' });
      const aio = await failure(io.remote[call]('aio'), 'ERR_AIO_IO');
      expect(aio).toMatchObject({ errno: 'EIO', message: 'an input' });
      expect(aio.cause).toBeInstanceOf(SyntaxError);
      const dom = await thrown(io.remote[call]('dom'));
      expect(dom).toBeInstanceOf(DOMException);
      expect(dom).toMatchObject({ name: 'QuotaExceededError', code: 22, message: 'a quota' });
      const own = await thrown(io.remote[call]('own'));
      expect(own).toBeInstanceOf(RangeError);
      expect(own).toMatchObject({ name: 'DiskError', code: 'EDISK' });
      expect(await thrown(io.remote[call]('system'))).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open' });
      const many = (await thrown(io.remote[call]('many'))) as AggregateError;
      expect(many).toBeInstanceOf(AggregateError);
      expect(many.errors[0]).toMatchObject({ name: 'DiskError' });
      expect(many.errors[1]).toBe('two');
      expect(await thrown(io.remote[call]('text'))).toBe('no error at all');
      expect(await thrown(io.remote[call]('nothing'))).toBeUndefined();
      const round = (await thrown(io.remote[call]('circular'))) as Error;
      expect(round.message).toBe('round');
      expect(round.cause).toBe(round);
    }
  });

  test('errors as arguments, results and of call-backs, too', async () => {
    expect(await io.remote.describe(Object.assign(new RangeError('r'), { name: 'Mine' }))).toBe('RangeError named Mine');
    const back = (await io.remote.echo({ errors: [new AioError('ERR_AIO_TIMEOUT', 'late')] })) as { errors: AioError[] };
    expect(back.errors[0]).toBeInstanceOf(AioError);
    expect(back.errors[0]?.code).toBe('ERR_AIO_TIMEOUT');
    expect(await io.remote.caught(() => {
      throw new AioError('ERR_AIO_IO', 'of the owner', { errno: 'EIO' });
    })).toBe('AioError AioError ERR_AIO_IO of the owner');
    expect(await io.remote.caught(() => Promise.reject(new EvalError('e')))).toBe('EvalError EvalError undefined e');
  });

  test('what cannot be sent is an error that says so, both ways, and the loop goes on', async () => {
    for (const call of [() => io.remote.unsendable(), () => io.remote.echo(Symbol('x'))]) {
      const error = (await thrown(call())) as Error;
      expect(error).toMatchObject({ name: 'DataCloneError' });
      expect(error.message).toMatch(/Symbol\(x\)/);
    }
    expect(await io.remote.add(1, 1)).toBe(2);
  });

  test('functions as arguments are called here, however often memory is collected', async () => {
    const calls: number[] = [];
    const sum = io.remote.each(50, async (i) => {
      calls.push(i);
      (globalThis as { gc?: () => void }).gc?.();
      if (i % 10 === 0) void io.remote.collect();
      await new Promise(setImmediate);
      return i;
    });
    expect(await sum).toBe(1225);
    expect(calls).toEqual(Array.from({ length: 50 }, (_, i) => i));
    // And one that is called later, when its first call is long over; the same each time.
    const told: number[] = [];
    const listener = (n: number): void => void told.push(n);
    expect(await io.remote.listen(listener)).toBe(false);
    expect(await io.remote.listen(listener)).toBe(true);
    await io.remote.collect();
    await io.remote.tell(1);
    await io.remote.tell(2);
    expect(told).toEqual([1, 2]);
    expect(await io.remote.echo(listener)).toBe(listener);
  });

  test('functions and objects as results are called there', async () => {
    const counter = await io.remote.counter();
    expect(await counter.add(2)).toBe(2);
    await io.remote.collect();
    expect(await counter.add(3)).toBe(5);
    const triple = await io.remote.multiplier(3);
    expect(await triple(14)).toBe(42);
    expect(await io.remote.each(3, triple as (i: number) => Promise<number>)).toBe(9);
    class Sink {
      readonly got: number[] = [];
      put(n: number): number {
        return this.got.push(n);
      }
    }
    const sink = new Sink();
    const back = (await io.remote.echo(proxy(sink))) as { put(n: number): number };
    // It has come back: it is its own again.
    expect(back.put(4)).toBe(1);
    expect(sink.got).toEqual([4]);
  });

  test('a function that was released is called no more, and says so', async () => {
    const told: number[] = [];
    const listener = (n: number): void => void told.push(n);
    await io.remote.listen(listener);
    release(listener);
    await failure(io.remote.tell(1), 'ERR_AIO_CLOSED');
    await io.remote.listen(listener);
    await io.remote.forget();
    await failure(io.remote.tell(2), 'ERR_AIO_CLOSED');
    const triple = await io.remote.multiplier(3);
    release(triple);
    await failure(triple(1), 'ERR_AIO_CLOSED');
    expect(told).toEqual([]);
  });

  test('bytes change hands', async () => {
    const bytes = new Uint8Array(1 << 20);
    const filled = await io.remote.fill(transfer(bytes, [bytes.buffer]));
    expect(bytes.length).toBe(0);
    expect(filled.length).toBe(1 << 20);
    expect(filled[4711]).toBe(7);
  });
});

describe('the end', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await Runtime.create({ reserve: 0 });
  });
  afterAll(() => runtime.close());
  const start = (name: string): Promise<IOThread<Disk>> => runtime.iothread<Disk>(name, ways[0]![1]);

  test('close() rejects what is open, and answers what was called before', async () => {
    const io = await start('closed');
    const never = failure(io.remote.never(), 'ERR_AIO_CLOSED');
    const before = io.remote.add(1, 2);
    await io.close();
    expect(await before).toBe(3);
    expect((await never).message).toContain("'closed' was closed");
    await failure(io.remote.add(1, 2), 'ERR_AIO_CLOSED');
    expect(runtime.workerCount).toBe(0);
  });

  test('its worker ends with it, whatever else runs there, and its name is free again', async () => {
    const restless = { worker: () => new Worker(file('iothread-restless')) };
    for (let i = 0; i < 3; i++) {
      const io = await runtime.iothread<{ ticks(): number }>('restless', restless);
      expect(await io.remote.ticks()).toBeGreaterThanOrEqual(0);
      await io.close();
      expect(runtime.workerCount).toBe(0);
    }
  });

  test('a worker that is lost', async () => {
    const io = await start('lost');
    const never = failure(io.remote.never(), 'ERR_AIO_THREAD_LOST');
    workersOf(runtime, 'IO lost')[0]?.terminate();
    await never;
    await failure(io.remote.add(1, 2), 'ERR_AIO_THREAD_LOST');
    await until(() => runtime.workerCount === 0);
  });

  test('the runtime is closed while a call is open', async () => {
    const own = await Runtime.create({ reserve: 0 });
    const io = await own.iothread<Disk>('disk', ways[1]![1]);
    const never = failure(io.remote.never(), 'ERR_AIO_CLOSED');
    await own.close();
    await never;
  });

  test('the runtime is closed while one starts', async () => {
    const own = await Runtime.create({ reserve: 0 });
    const starting = failure(own.iothread<Disk>('disk', { worker: () => new Worker('setInterval(() => {}, 1000)', { eval: true }) }), 'ERR_AIO_CLOSED');
    await own.close();
    await starting;
    expect(own.workerCount).toBe(0);
  });
});
