// SPDX-License-Identifier: MIT
/** What crosses between threads arrives whole or rejects its call; nothing hangs, and nothing reaches a prototype. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { AioError, registerError, Runtime, type IOThread } from 'wasm-aio';
import { AioStream } from 'wasm-aio/wasi';
import type * as packets from '../../dist/wire/packet.js';
import type * as unpacking from '../../dist/wire/unpack.js';
import type { Side } from '../../dist/iothread/side.js';
import type { Messages } from './fixtures/iothread-messages.js';
import { nested, QueryError, QueryHolder, withProtoKey } from './fixtures/sendable.js';
import { runScript, scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { dist } from './helpers/paths.js';
import { asleep } from './helpers/workers.js';

const { pack } = (await import(dist('wire/packet.js'))) as typeof packets;
const { unpack, dataOnly } = (await import(dist('wire/unpack.js'))) as typeof unpacking;
const module = new URL('./fixtures/iothread-messages.js', import.meta.url);

interface Connection {
  side: Side;
  functions: { held: Map<number, unknown> };
}

let runtime: Runtime;
let io: IOThread<Messages>;
let made: Worker;
/** So many levels can be serialised and not deserialised, in either direction. */
let levels = 0;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await runtime.iothread<Messages>('messages', { worker: () => (made = worker()) });
});
afterAll(() => runtime.close());

// As much stack as this thread has: it cannot read all that this one can serialise.
const worker = (): Worker => new Worker(module, { resourceLimits: { stackSizeMb: 1 } });
/** The owner's end of each connection, the oldest first. */
const connections = (): Connection[] => [...(globalThis as unknown as Record<symbol, Set<Connection>>)[Symbol.for('wasm-aio.connections')] as Set<Connection>];
const rpc = (): Connection => connections()[0] as Connection;

async function rejection(work: Promise<unknown>): Promise<Error> {
  return work.then((value) => Promise.reject(new Error(`no error but ${String(value)}`)), (error: unknown) => error as Error);
}

const ownProto = (object: object): unknown => Object.getOwnPropertyDescriptor(object, '__proto__')?.value;

describe('keys that name a prototype', () => {
  const keys = '__proto__,constructor,prototype';

  test('arrive as own properties, at any depth, with and without functions beside them', async () => {
    expect(await io.remote.keys(withProtoKey())).toEqual([keys, 'x', true]);
    expect(await io.remote.keys(Object.assign(withProtoKey(), { work: () => 1 }))).toEqual([`${keys},work`, 'x', true]);
    expect(await io.remote.keys(withProtoKey({ admin: () => true }))).toEqual([keys, 'x,admin', true]);
    const given = await io.remote.give();
    expect(Object.keys(given)).toEqual(['__proto__', 'constructor', 'prototype', 'work', 'error']);
    expect(ownProto(given)).toEqual({ x: 1 });
    expect(await given.work()).toBe(1);
    expect(given.error).toBeInstanceOf(Error);
    expect(ownProto(given.error)).toBe(7);
    const evil = await io.remote.evil();
    expect(Object.keys(ownProto(evil) as object)).toEqual(['x', 'admin']);
    const deep = (await io.remote.echo({ list: [new Map([['k', withProtoKey({ admin: () => true })]])] })) as { list: [Map<string, object>] };
    expect(Object.keys(deep.list[0].get('k') as object).join()).toBe(keys);
    expect(await io.remote.polluted()).toEqual([]);
    expect(['admin', 'x'].filter((key) => key in {})).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['of nothing', {}],
    ['of another connection', { key: 1, number: 0, kind: 0, id: 1, of: 16, packet: { value: [] } }],
    ['without a key', { number: 0, kind: 0, id: 1, of: 16, packet: { value: [] } }],
  ])('a message %s is not taken for a call', async (_what, message) => {
    rpc().side.post({ type: 'rpc', ...(message as object) } as never);
    expect(await io.remote.polluted()).toEqual([]);
    await asleep(runtime, io);
    expect(await io.remote.echo(1)).toBe(1);
  });

  test('a packet writes to nothing but its own objects', () => {
    const value = { inner: {} };
    const own = { ...dataOnly, own: () => () => 1 };
    unpack({ value, holes: [{ in: value.inner, key: '__proto__', as: 'own', id: 1 }, { in: value, key: 'constructor', as: 'own', id: 1 }] }, own);
    expect([Object.keys(value), Object.keys(value.inner)]).toEqual([['inner', 'constructor'], ['__proto__']]);
    expect(Object.getPrototypeOf(value.inner)).toBe(Object.prototype);
    for (const base of ['__proto__', 'constructor', 'toString', 'Function']) {
      const error = { base, name: base, message: 'm', stack: undefined, fields: JSON.parse('{"__proto__":1}') as Record<string, unknown> };
      const made = unpack({ value: undefined, made: [error], holes: [{ in: value, key: 'error', as: 'made', of: error }] }, dataOnly);
      expect(made).toBeUndefined();
      expect((value as unknown as { error: Error }).error).toBeInstanceOf(Error);
    }
  });
});

describe('a message that its receiver cannot read', () => {
  // What V8 can serialise and not deserialise: about 1,500 to 3,000 levels.
  test.each([1000, 1500, 2000, 2500, 3000, 5000, 100_000])('arguments and results %d levels deep settle, and the loop goes on', async (levels) => {
    for (const call of [() => io.remote.echo(nested(levels)), () => io.remote.nested(levels), () => io.remote.nestedThrow(levels),
      () => io.remote.callWith(() => 1, levels), () => io.remote.callWith((value) => value, levels), () => io.remote.chat(() => nested(levels) as never, 1)]) {
      await asleep(runtime, io);
      await call().catch((error: Error) => expect(['DataCloneError', 'RangeError', 'Error']).toContain(error.name));
      expect(await io.remote.echo(levels)).toBe(levels);
    }
  });

  test('rejects its call, with the reason', async () => {
    const unreadable = (error: Error): boolean => error.message.includes('cannot be read');
    for (let more = 1000; levels === 0 && more < 6000; more += 100) {
      const each = [() => io.remote.take(nested(more)), () => io.remote.nested(more)];
      const seen = await Promise.all(each.map((call) => call().then(() => false, unreadable)));
      if (seen.every(Boolean)) levels = more;
    }
    expect(levels).toBeGreaterThan(0);
    const sent = await rejection(io.remote.take(nested(levels)));
    expect(sent).toMatchObject({ name: 'DataCloneError' });
    expect(sent.message).toMatch(/^the arguments of this call cannot be read by the thread that gets it: nested too deeply/);
    const got = await rejection(io.remote.nested(levels));
    expect(got).toMatchObject({ name: 'DataCloneError' });
    expect(got.message).toMatch(/^the result of this call cannot be read/);
    // In the other direction.
    expect((await rejection(io.remote.callWith(() => 1, levels))).message).toMatch(/^the arguments of this call cannot be read/);
    expect((await rejection(io.remote.chat(() => nested(levels) as never, 1))).message).toMatch(/^the result of this call cannot be read/);
  });

  test('holds no function for the receiver, who has never had it', async () => {
    // One of its own: what earlier tests used may be collected at any time.
    const fresh = await runtime.iothread<Messages>('fresh', { worker });
    const { functions: { held } } = connections().at(-1) as Connection;
    const before = held.size;
    const there = await fresh.remote.functionCount();
    for (let i = 0; i < 20; i++) {
      await rejection(fresh.remote.take(nested(levels, () => 1)));
      await rejection(fresh.remote.nestedWith(levels));
    }
    await asleep(runtime, fresh);
    expect(held.size).toBe(before);
    expect(await fresh.remote.functionCount()).toEqual(there);
    await fresh.close();
  });

  test('many of them among calls in flight: each call gets its own answer', async () => {
    const calls = Array.from({ length: 300 }, async (_, n) => {
      if (n % 3 === 0) expect((await rejection(io.remote.take(nested(levels)))).name).toBe('DataCloneError');
      else if (n % 3 === 1) expect((await rejection(io.remote.nested(levels))).name).toBe('DataCloneError');
      else expect(await io.remote.echo(n)).toBe(n);
    });
    await Promise.all(calls);
    await asleep(runtime, io);
    expect(await io.remote.echo(1)).toBe(1);
  });

  test("that is the user's own is none of ours, even after one that could not be sent", async () => {
    const many = Array.from({ length: 200 }, () => ({}));
    for (let i = 0; i < 3; i++) {
      made.postMessage(nested(levels));
      expect((await rejection(io.remote.echo([...many, Symbol('s')]))).message).toMatch(/^arguments\[0\]\[200\] cannot be sent to another thread: (DataCloneError: )?Symbol\(s\) could not be cloned/);
      made.postMessage(nested(levels));
      await asleep(runtime, io);
      expect(await io.remote.echo(i)).toBe(i);
    }
  });

  test('of a stream over a MessagePort is the error of its read, and so is one that is no bytes', async () => {
    const { port1, port2 } = new MessageChannel();
    const stream = AioStream.from(port2);
    for (const value of [nested(levels), { no: 'bytes' }, new Uint8Array([7])]) port1.postMessage(value);
    await failure(stream.read(), 'ERR_AIO_IO');
    await failure(stream.read(), 'ERR_AIO_INVALID_ARG');
    expect(await stream.read()).toEqual(new Uint8Array([7]));
    port1.close();
  });

  test('what serve() was given', async () => {
    const dir = scratch();
    const ended = await runScript(dir.path, `
      import { isMainThread } from 'node:worker_threads';
      import { serve } from 'wasm-aio/iothread';
      import { Runtime } from 'wasm-aio';
      if (isMainThread) {
        const aio = await Runtime.create();
        await aio.iothread('deep', { module: new URL(import.meta.url) }).catch(({ code, message }) => console.log(code, message));
        await aio.close();
      } else {
        let deep = {};
        for (let n = 0; n < 2000; n++) deep = { deep };
        serve({ deep });
      }`);
    dir.remove();
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/^ERR_AIO_INVALID_ARG .*'deep'.* what serve\(\) was given cannot be read/);
  });
});

describe('what is inside of other objects', () => {
  test('functions, handles and errors in Maps and Sets', async () => {
    expect(await io.remote.callMap(new Map([['double', (n: number) => 2 * n]]))).toBe(42);
    const map = await io.remote.map();
    expect([...map.keys()]).toEqual(['triple', 'error', 'set']);
    expect(await (map.get('triple') as (n: number) => Promise<number>)(5)).toBe(15);
    expect(map.get('error')).toBeInstanceOf(AioError);
    const [work] = map.get('set') as Set<(n: number) => Promise<number>>;
    expect(await work?.(1)).toBe(2);
    // As keys, too, and a Map in itself.
    const self = new Map<unknown, unknown>([['work', () => 1]]);
    self.set(self, self);
    const back = (await io.remote.echo(self)) as Map<unknown, unknown>;
    expect(back.get(back)).toBe(back);
    expect(back.get('work')).toBe(self.get('work'));
  });

  class Holder {
    constructor(readonly inner: unknown) {}
  }
  test.each<[string, unknown, string | RegExp]>([
    ['an object of a class', { list: [new Holder(1)] }, /^arguments\[0\]\.list\[0\] cannot be sent to another thread: an object of class Holder would arrive without its class/],
    ['one in a Map, beside a function', new Map([['a b', { work: () => 1, holder: new Holder(1) }]]), /^arguments\[0\]\.get\("a b"\)\.holder cannot be sent .* class Holder/],
    ['one derived from Map', [new (class Index extends Map {})()], /^arguments\[0\]\[0\] cannot be sent .* class Index/],
    ['one derived from Array', { rows: new (class Rows extends Array {})() }, /^arguments\[0\]\.rows cannot be sent .* class Rows/],
    ['one derived from Date', new (class Day extends Date {})(), /^arguments\[0\] cannot be sent .* class Day/],
    ['one derived from ArrayBuffer', new (class Block extends ArrayBuffer {})(1), /^arguments\[0\] cannot be sent .* class Block/],
    ['one derived from Blob', new (class Picture extends Blob {})(), /^arguments\[0\] cannot be sent .* class Picture/],
    ['one whose prototype is an object of the program', Object.create({ inherited: 1 }), /^arguments\[0\] cannot be sent .* class Object/],
    ['one of the platform that structured clone spoils', { at: new URL('http://localhost/') }, /^arguments\[0\]\.at cannot be sent .* class URL/],
    ['a Proxy of one', { a: new Proxy(new Holder(1), {}) }, /^arguments\[0\]\.a cannot be sent/],
    ['a Proxy of a Map', { a: new Proxy(new Map(), {}) }, /^arguments\[0\]\.a cannot be sent/],
    ['a symbol', { 'odd key': { s: Symbol('s') } }, /^arguments\[0\]\["odd key"\]\.s cannot be sent to another thread: (DataCloneError: )?Symbol\(s\) could not be cloned/],
    ['a promise', [1, { later: Promise.resolve(1) }], /^arguments\[0\]\[1\]\.later cannot be sent .* could not be cloned/],
    ['a WeakMap beside a function', { work: () => 1, weak: new WeakMap() }, /^arguments\[0\]\.weak cannot be sent/],
    ['a symbol in a Set', new Set([Symbol('x')]), /^arguments\[0\]\.values\(Symbol\(x\)\) cannot be sent/],
  ])('%s is refused by its name', async (_what, value, message) => {
    const before = [...rpc().functions.held.keys()];
    const error = await rejection(io.remote.echo(value));
    expect(error).toMatchObject({ name: 'DataCloneError' });
    expect(error.message).toMatch(message);
    // Older ones may be collected meanwhile.
    expect([...rpc().functions.held.keys()].filter((id) => !before.includes(id))).toEqual([]);
    // The same as the result of a call-back.
    expect((await rejection(io.remote.chat(() => value as number, 1))).message).toMatch(new RegExp(String(message).slice(1, -1).replaceAll('arguments\\[0\\]', 'result')));
    expect(await io.remote.echo(1)).toBe(1);
  });

  test('a Proxy of plain data arrives as what it looks like, whatever carries it', async () => {
    const plain = (count: number): object => ({ list: Array.from({ length: count }, (_, n) => ({ n })), even: { get: 1 } });
    const proxied = (value: unknown): unknown =>
      typeof value === 'object' && value !== null ? new Proxy(value, { get: (target, key) => proxied(Reflect.get(target, key)) }) : value;
    for (const count of [3, 3000]) expect(await io.remote.echo(proxied(plain(count)))).toEqual(plain(count));
  });

  test('objects of the platform, and views, arrive as such', async () => {
    const [blob, bytes, date] = (await io.remote.echo([new Blob(['text']), Buffer.from('text'), new Date(5)])) as [Blob, Uint8Array, Date];
    expect(await blob.text()).toBe('text');
    expect([bytes instanceof Uint8Array, Buffer.isBuffer(bytes), date.getTime()]).toEqual([true, false, 5]);
    const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
    expect(Object.prototype.toString.call(await io.remote.echo(key))).toBe('[object CryptoKey]');
  });

  test('one object in several places, and in itself, stays one', async () => {
    const error = new TypeError('shared');
    const shared = { error };
    const value: Record<string, unknown> = { a: shared, b: [shared, error], work: () => 1 };
    value.self = value;
    const back = (await io.remote.echo(value)) as { a: { error: Error }; b: [unknown, unknown]; self: unknown; work: unknown };
    expect(back.self).toBe(back);
    expect(back.b[0]).toBe(back.a);
    expect(back.b[1]).toBe(back.a.error);
    expect(back.a.error).toBeInstanceOf(TypeError);
    expect(await (back.work as () => Promise<number>)()).toBe(1);
  });
});

describe('errors', () => {
  test('of a registered class are of that class on the other side', async () => {
    registerError(QueryError);
    const made = new QueryError('no such table', 7, { cause: new TypeError('why') });
    for (const error of [await rejection(io.remote.fail(made)), (await io.remote.echo([/x/, made]) as [unknown, QueryError])[1], (await io.remote.echo(new AggregateError([made])) as AggregateError).errors[0] as QueryError]) {
      expect(error).toBeInstanceOf(QueryError);
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ name: 'RangeError', message: 'no such table', line: 7, stack: made.stack, cause: { name: 'TypeError', message: 'why' } });
      expect((error as QueryError).where()).toBe('line 7');
    }
    expect(await io.remote.whereOf(made)).toBe('line 7');
    // A class that is derived from one is the nearest that both sides have.
    expect(await io.remote.whereOf(new (class Other extends QueryError {})('m', 8))).toBe('line 8');
  });

  test('wrong classes and names are refused', async () => {
    const invalid = async (work: () => void): Promise<string> => (await failure(async () => work(), 'ERR_AIO_INVALID_ARG')).message;
    expect(await invalid(() => registerError(Map as never))).toMatch(/^type must be a class of errors/);
    expect(await invalid(() => registerError(QueryError, ''))).toMatch(/^name must be a name that no other class of errors has/);
    expect(await invalid(() => registerError(QueryError, 'TypeError'))).toMatch(/^name must be/);
    registerError(QueryError, 'my query');
    expect(await invalid(() => registerError(class Another extends Error {}, 'my query'))).toMatch(/^name must be/);
  });

  test('with a cause that cannot be sent arrive without it, and say why', async () => {
    const error = await rejection(io.remote.callFailing(() => {
      throw Object.assign(new RangeError('failed', { cause: new QueryHolder() }), { code: 'E_FAILED' });
    }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'failed', code: 'E_FAILED', cause: { name: 'DataCloneError' } });
    expect((error.cause as Error).message).toMatch(/^error\.cause cannot be sent .* class QueryHolder/);
  });

  const circular = (): Error => {
    const inner = new TypeError('inner');
    const outer = new Error('outer', { cause: inner });
    inner.cause = outer;
    return outer;
  };
  const kinds: [string, () => unknown, object][] = [
    ['an Error', () => new Error('plain'), { is: 'Error', name: 'Error', message: 'plain' }],
    ['an AioError', () => new AioError('ERR_AIO_IO', 'aio', { errno: 'EIO' }), { is: 'AioError', name: 'AioError', message: 'aio', code: 'ERR_AIO_IO' }],
    ['circular causes', circular, { is: 'Error', message: 'outer', circular: true }],
    ['an AggregateError', () => new AggregateError([new TypeError('one'), 'two', new Set([3])], 'many'), { is: 'AggregateError', message: 'many', errors: ['TypeError: one', 'two', '[object Set]'] }],
    ['a DOMException', () => new DOMException('dom', 'AbortError'), { is: 'DOMException', name: 'AbortError', message: 'dom' }],
    ['a class of its own', () => Object.assign(new (class Mine extends TypeError {
      override name = 'Mine';
    })('m'), { code: 'EMINE' }), { is: 'TypeError', name: 'Mine', code: 'EMINE' }],
    ['one with odd fields', () => Object.assign(new Error('odd'), { name: 7, more: Symbol('s'), work: () => 1 }), { is: 'Error', message: 'odd' }],
    ['one whose cause cannot be sent', () => new Error('odd', { cause: Symbol('s') }), { is: 'Error', name: 'Error', message: 'odd' }],
    ['text', () => 'text', { value: 'text' }],
    ['undefined', () => undefined, {}],
    ['null', () => null, { value: null }],
    ['an object', () => ({ code: 1 }), { value: { code: 1 } }],
  ];
  test.each(kinds)('%s, thrown here, is the rejection there', async (_what, make, expected) => {
    for (const work of [() => { throw make(); }, async () => { throw make(); }]) {
      if (make() === null || make() === undefined) continue;
      const seen = await io.remote.seen(work);
      expect(seen).toMatchObject(expected);
      if ('is' in expected && expected.is !== 'DOMException') expect(seen.stack).toContain('messages.test');
    }
  });

  test('thrown there, they are the same here', async () => {
    const round = (await rejection(io.remote.fail(circular()))) as Error & { cause: Error };
    expect(round.cause).toBeInstanceOf(TypeError);
    expect(round.cause.cause).toBe(round);
    const many = (await rejection(io.remote.fail(new AggregateError([round, round], 'many', { cause: new DOMException('d', 'AbortError') })))) as AggregateError;
    expect(many.errors[0]).toBe(many.errors[1]);
    expect(many.errors[0]).toMatchObject({ message: 'outer' });
    expect(many.cause).toBeInstanceOf(DOMException);
    const reasons = await Promise.allSettled(['text', undefined, null, 7n].map((value) => io.remote.fail(value)));
    expect(reasons.map((reason) => (reason as PromiseRejectedResult).reason as unknown)).toEqual(['text', undefined, null, 7n]);
  });

  test('that are no call\'s are told of with what of them can be sent', async () => {
    const dir = scratch();
    const { stdout, stderr } = await runScript(dir.path, `
      import { isMainThread, workerData, Worker } from 'node:worker_threads';
      import { serve } from 'wasm-aio/iothread';
      import { Runtime } from 'wasm-aio';
      const nested = (levels) => { let o = {}; for (let n = 0; n < levels; n++) o = { o }; return o; };
      const errors = [() => new RangeError('deep', { cause: nested(2500) }), () => new RangeError('symbol', { cause: Symbol('s') }), () => Object.create(null), () => Symbol('thrown'),
        () => Object.defineProperty(new RangeError('odd'), 'name', { get() { throw new Error('no name'); } })];
      if (isMainThread) {
        const aio = await Runtime.create();
        for (const [n] of errors.entries()) {
          const worker = () => new Worker(new URL(import.meta.url), { workerData: n });
          await aio.iothread('at start ' + n, { worker }).catch(({ code, cause }) => console.log(n, code, cause instanceof Error ? cause.message : cause));
          // Node itself reports what is uncaught in a worker, and its own report cannot be nested so deeply.
          if (n === 0) continue;
          const io = await aio.iothread('late ' + n, { worker: () => new Worker(new URL(import.meta.url), { workerData: 'late ' + n }) });
          io.remote.schedule().catch(() => {});
          await io.closed.catch(({ code, cause }) => console.log(n, code, cause instanceof Error ? cause.message : typeof cause));
        }
        await aio.close();
      } else {
        const late = String(workerData).startsWith('late');
        const error = errors[Number(String(workerData).replace('late ', ''))];
        serve((context) => {
          if (!late) throw error();
          const bh = context.bottomHalf('b', () => { throw error(); });
          return { schedule: () => bh.schedule() };
        });
      }`);
    dir.remove();
    expect(stderr).toBe('');
    expect(stdout.match(/ERR_AIO_INVALID_ARG/g)).toHaveLength(5);
    expect(stdout.match(/ERR_AIO_THREAD_LOST/g)).toHaveLength(4);
    for (const text of ['0 ERR_AIO_INVALID_ARG deep', '1 ERR_AIO_INVALID_ARG symbol', '1 ERR_AIO_THREAD_LOST symbol']) expect(stdout).toContain(text);
  });

  test('a chain of 5,000 causes arrives whole', async () => {
    let error = await rejection(io.remote.causes(5000)) as Error | undefined;
    let depth = 0;
    for (; error?.cause; error = error.cause as Error) depth++;
    expect(depth).toBe(5000);
    expect(error).toBeInstanceOf(RangeError);
    expect(error?.message).toBe('innermost');
  });
});

test('data without functions is sent as it is', () => {
  const value = { a: [1, { b: new Date(0) }], m: new Map([[1, new Set([2])]]) };
  expect(pack(value, dataOnly)).toEqual({ packet: { value }, transfer: [], sent: [], doubtful: true });
  expect(pack(value, dataOnly).packet.value).toBe(value);
  expect(pack([1, 'two', { three: new Uint8Array(3) }], dataOnly).doubtful).toBe(false);
});

test('a large buffer is copied once and transferred, and everything that refers to it still does', () => {
  const bytes = new Uint8Array(100_000).map((_, n) => n);
  const { buffer } = bytes;
  const value = { bytes, part: new Float64Array(buffer, 16, 100), view: new DataView(buffer, 8), node: Buffer.from(buffer, 4, 50), map: new Map([['buffer', buffer]]), small: new Uint8Array(3) };
  const { packet, transfer, doubtful } = pack(value, dataOnly);
  expect([transfer.length, doubtful]).toEqual([1, false]);
  const received = unpack(structuredClone(packet, { transfer }), dataOnly) as typeof value;
  // The sender keeps what it has.
  expect([buffer.byteLength, bytes[7]]).toEqual([100_000, 7]);
  expect(received.bytes).toEqual(bytes);
  expect(received.map.get('buffer')).toBe(received.bytes.buffer);
  for (const name of ['part', 'view', 'node'] as const) expect(received[name].buffer).toBe(received.bytes.buffer);
  expect(received.part).toEqual(value.part);
  expect([received.view.byteOffset, received.view.byteLength]).toEqual([8, 99_992]);
  expect([received.node.constructor, received.node.byteOffset, received.node.length]).toEqual([Uint8Array, 4, 50]);
  expect(received.small).toEqual(value.small);
});

test('a large buffer is left to structured clone beside many objects, or if it is shared or can be resized', () => {
  const resizable = new (ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer)(100_000, { maxByteLength: 200_000 });
  const many = Array.from({ length: 200 }, () => ({}));
  for (const value of [resizable, new Uint8Array(new SharedArrayBuffer(100_000)), [many, new Uint8Array(100_000)]]) {
    expect(pack(value, dataOnly)).toEqual({ packet: { value }, transfer: [], sent: [], doubtful: true });
  }
});

test('what is to be taken out is found wherever it is', () => {
  const work = (): void => {};
  const flat = { a: 1 };
  const wide = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`field ${n}`, n]));
  const named = Object.assign([1, 2], { name: new RangeError('named') });
  const sparse: unknown[] = [];
  sparse[7] = work;
  const cycle: Record<string, unknown> = { flat };
  cycle['self'] = cycle;
  for (const value of [[flat, flat, { ...wide, work }], named, sparse, [{ cycle, then: [cycle, { last: work }] }], new Map([[flat, { work }]]), [[1, 2, work]]]) {
    expect(pack(value, dataOnly).packet.holes?.length).toBeGreaterThan(0);
  }
  expect(pack({ cycle, wide, twice: [wide, flat, flat] }, dataOnly).packet.holes).toBeUndefined();
});
