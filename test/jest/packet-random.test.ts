// SPDX-License-Identifier: MIT
/**
 * Random values cross to another thread and back: they arrive in the same shape, as structured
 * clone would have it, with the functions and errors that it has not. Packets that somebody has
 * tampered with write to nothing but themselves. TEST_SEED repeats a run.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Worker } from 'node:worker_threads';
import { AioError, Runtime, type IOThread } from 'wasm-aio';
import type * as lifetime from '../../dist/iothread/functions.js';
import type * as packets from '../../dist/wire/packet.js';
import type * as unpacking from '../../dist/wire/unpack.js';
import type { Messages } from './fixtures/iothread-messages.js';
import { dist } from './helpers/paths.js';
import { seeded } from './helpers/random.js';

// One after the other: jest's loader fails when two files load the same ones at once.
const { pack } = (await import(dist('wire/packet.js'))) as typeof packets;
const { unpack } = (await import(dist('wire/unpack.js'))) as typeof unpacking;
const { Functions } = (await import(dist('iothread/functions.js'))) as typeof lifetime;
const { random, seed } = seeded();

const below = (n: number): number => Math.floor(random() * n);
const oneOf = <T>(of: readonly T[]): T => of[below(of.length)] as T;
const keys = ['a', 'b', '', '0', '17', 'length', '__proto__', 'constructor', 'prototype', 'toString', 'then', 'cause', 'a.b', 'ключ', 'value', 'holes', 'made', 'as', 'in', 'of'];
const primitives: (() => unknown)[] = [
  () => random(), () => -0, () => NaN, () => Infinity, () => 2n ** 70n, () => '', () => 'text\0', () => true, () => null, () => undefined, () => below(100),
];

/** A value; whatever it has in it may be one of `seen`. */
function value(depth: number, seen: object[]): unknown {
  if (seen.length > 0 && random() < 0.15) return oneOf(seen);
  if (depth === 0 || random() < 0.2) return oneOf(primitives)();
  const known = <T extends object>(object: T): T => {
    seen.push(object);
    return object;
  };
  const inner = (): unknown => value(depth - 1, seen);
  const times = (work: () => void): void => {
    for (let n = below(5); n > 0; n--) work();
  };
  const define = (object: object, key: string, of: unknown): void => void Object.defineProperty(object, key, { value: of, enumerable: true, writable: true, configurable: true });
  const kinds: (() => unknown)[] = [
    () => {
      const object = known(random() < 0.1 ? (Object.create(null) as object) : {});
      times(() => define(object, oneOf(keys), inner()));
      return object;
    },
    () => {
      const array = known([] as unknown[]);
      times(() => array.push(inner()));
      if (random() < 0.2) array.length += 3;
      if (random() < 0.1) define(array, 'named', inner());
      return array;
    },
    () => {
      const map = known(new Map<unknown, unknown>());
      times(() => map.set(inner(), inner()));
      return map;
    },
    () => {
      const set = known(new Set<unknown>());
      times(() => set.add(inner()));
      return set;
    },
    () => known(new Date(below(1e9))),
    () => known(/a+/gi),
    () => known(new Uint8Array(below(20)).fill(7)),
    () => known(new Float64Array(below(5)).buffer),
    () => known(Object('boxed') as object),
  ];
  const n = below(1e6);
  kinds.push(
    () => known((): number => n),
    () => {
      const error = known(oneOf([() => new TypeError('t'), () => new Error(''), () => new AioError('ERR_AIO_IO', 'io', { errno: 'EIO' }), () => new DOMException('d', 'AbortError')])());
      if (random() < 0.5) Object.defineProperty(error, 'cause', { value: inner(), configurable: true, writable: true });
      if (random() < 0.3) define(error, oneOf(['code', '__proto__', 'syscall']), oneOf([1, 'E', null]));
      return error;
    },
    () => {
      const errors = known([] as unknown[]);
      const error = known(new AggregateError([], 'many'));
      error.errors = errors;
      times(() => errors.push(inner()));
      return error;
    },
  );
  return oneOf(kinds)();
}

const tagOf = (of: unknown): string => Object.prototype.toString.call(of);

/** Where two values are not of the same shape; undefined: nowhere. */
function difference(one: unknown, other: unknown): string | undefined {
  const pairs = new Map<unknown, unknown>();
  const back = new Map<unknown, unknown>();
  const todo: [string, unknown, unknown][] = [['value', one, other]];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [at, a, b] = next;
    if (typeof a !== typeof b) return `${at}: ${typeof a}, ${typeof b}`;
    // A function is another one in each object that it is a method of.
    if (typeof a === 'function') continue;
    if (typeof a !== 'object' || a === null || b === null) {
      if (!Object.is(a, b)) return `${at}: ${String(a)}, ${String(b)}`;
      continue;
    }
    if (pairs.has(a) || back.has(b)) {
      if (pairs.get(a) !== b || back.get(b) !== a) return `${at}: another object than before`;
      continue;
    }
    pairs.set(a, b);
    back.set(b, a);
    if (tagOf(a) !== tagOf(b)) return `${at}: ${tagOf(a)}, ${tagOf(b)}`;
    const isError = tagOf(a) === '[object Error]' || tagOf(a) === '[object DOMException]';
    if (isError) {
      const [x, y] = [a, b] as [AggregateError & { code?: unknown }, AggregateError & { code?: unknown }];
      for (const key of ['name', 'message', 'stack', 'code'] as const) if (x[key] !== y[key]) return `${at}.${key}: ${String(x[key])}, ${String(y[key])}`;
      if ('cause' in x !== 'cause' in y) return `${at}: one has a cause`;
      todo.push([`${at}.cause`, x.cause, y.cause], [`${at}.errors`, x.errors, y.errors]);
      if (Object.getOwnPropertyDescriptor(x, '__proto__')?.value !== Object.getOwnPropertyDescriptor(y, '__proto__')?.value) return `${at}.__proto__`;
      continue;
    }
    if (tagOf(a) === '[object Map]' || tagOf(a) === '[object Set]') {
      todo.push([`${at}.entries`, [...(a as Map<unknown, unknown>)], [...(b as Map<unknown, unknown>)]]);
      continue;
    }
    if (tagOf(a) === '[object Date]' && (a as Date).getTime() !== (b as Date).getTime()) return `${at}: another date`;
    if (tagOf(a) === '[object ArrayBuffer]' && (a as ArrayBuffer).byteLength !== (b as ArrayBuffer).byteLength) return `${at}: another length`;
    if (tagOf(a) === '[object Object]' && Object.getPrototypeOf(Object.getPrototypeOf(b) ?? {}) !== null) return `${at}: its prototype`;
    const [ofA, ofB] = [Object.keys(a), Object.keys(b as object)];
    if (ofA.join() !== ofB.join()) return `${at}: keys ${ofA.join()}, ${ofB.join()}`;
    if (Array.isArray(a) && a.length !== (b as unknown[]).length) return `${at}: another length`;
    for (const key of ofA) todo.push([`${at}[${JSON.stringify(key)}]`, Object.getOwnPropertyDescriptor(a, key)?.value, Object.getOwnPropertyDescriptor(b, key)?.value]);
  }
  return undefined;
}

/** All that could be written to by accident. */
const prototypes = (): string => [Object, Function, Array, Map, Set, Error, Promise].flatMap((type) => [...Reflect.ownKeys(type.prototype), ...Reflect.ownKeys(type)]).map(String).join();

function sides(): [lifetime.Functions, lifetime.Functions] {
  const side = (): lifetime.Functions => new Functions({
    tell() {},
    call: () => Promise.resolve(),
    released: () => new Error('released'),
    fromHandle: () => undefined,
  });
  return [side(), side()];
}

let runtime: Runtime;
let io: IOThread<Messages>;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await runtime.iothread<Messages>('random', { worker: () => new Worker(new URL('./fixtures/iothread-messages.js', import.meta.url)) });
});
afterAll(() => runtime.close());

test('3,000 values arrive in the same shape', () => {
  for (let round = 0; round < 3000; round++) {
    const sent = value(1 + below(6), []);
    const [near, far] = sides();
    const { packet } = pack(sent, near);
    const got = unpack(structuredClone(packet), far);
    const wrong = difference(sent, got);
    if (wrong) throw new Error(`round ${round} of seed ${seed}: ${wrong}`);
    // And back: functions are themselves again.
    const back = unpack(structuredClone(pack(got, far).packet), near);
    const changed = difference(sent, back);
    if (changed) throw new Error(`round ${round} of seed ${seed}, back: ${changed}`);
  }
});

test('300 values go to a worker and come back', async () => {
  for (let round = 0; round < 300; round++) {
    const sent = value(1 + below(6), []);
    // In an array: some have a function `then`.
    const wrong = difference([sent], await io.remote.echo([sent]));
    if (wrong) throw new Error(`round ${round} of seed ${seed}: ${wrong}`);
  }
  expect(await io.remote.polluted()).toEqual([]);
});

test('10,000 packets that somebody has tampered with: a value or an error, and no prototype changes', () => {
  const before = prototypes();
  for (let round = 0; round < 10_000; round++) {
    const [near, far] = sides();
    const packet = structuredClone(pack(value(1 + below(4), []), near).packet);
    const objects: object[] = [];
    const collect = (of: unknown): void => {
      if (typeof of !== 'object' || of === null || objects.includes(of) || objects.length > 200) return;
      objects.push(of);
      for (const key of Object.keys(of)) collect(Object.getOwnPropertyDescriptor(of, key)?.value);
    };
    collect(packet);
    for (let n = 1 + below(4); n > 0; n--) {
      const object = oneOf(objects);
      const key = random() < 0.5 ? oneOf(keys) : oneOf(Object.keys(object)) ?? 'key';
      const given = random() < 0.4 ? oneOf(objects) : random() < 0.5 ? oneOf(keys) : [oneOf(primitives)(), { a: oneOf(primitives)() }];
      try {
        Object.defineProperty(object, key, { value: given, enumerable: true, writable: true, configurable: true });
      } catch {
        // An array's length.
      }
    }
    try {
      unpack(structuredClone(packet), far);
    } catch (error) {
      expect(tagOf(error)).toMatch(/Error|Exception/);
    }
    if (prototypes() !== before) throw new Error(`round ${round} of seed ${seed}: a prototype was written to`);
  }
});
