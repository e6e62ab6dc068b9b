// SPDX-License-Identifier: MIT
/**
 * Calls and answers are taken in the order in which they were sent, whatever carries them, and after the work of the loop
 * that was due before. Values arrive as structured clone would have them, also those that go through the ring.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Runtime, type BottomHalf, type IOThread } from 'wasm-aio';
import type * as encoders from '../../dist/wire/encoder.js';
import type * as rings from '../../dist/wire/record-ring.js';
import type { Correspondent } from '../../dist/wire/unpack.js';
import type { Order } from './fixtures/iothread-order.js';
import { dist } from './helpers/paths.js';
import { seeded } from './helpers/random.js';

const { RingReader, RingWriter, ringBytes } = (await import(dist('wire/record-ring.js'))) as typeof rings;
const { Encoder } = (await import(dist('wire/encoder.js'))) as typeof encoders;
const { random } = seeded();

let runtime: Runtime;
let io: IOThread<Order>;
beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread<Order>('order', { module: new URL('./fixtures/iothread-order.js', import.meta.url) });
});
afterAll(() => runtime.close());

describe('order', () => {
  test('what the ring carries, and what is sent as a message, is taken in one order', async () => {
    const settled: number[] = [];
    const sent: unknown[] = [];
    const calls = Array.from({ length: 500 }, (_, n) => {
      const isMessage = random() < 0.3;
      sent.push(isMessage ? 'message' : n);
      return io.remote.note(isMessage ? /x/ : n).then(() => void settled.push(n));
    });
    await Promise.all(calls);
    expect(await io.remote.take()).toEqual(sent);
    expect(settled).toEqual(sent.map((_, n) => n));
  });

  test('more calls than the ring has room for are all carried out, in order', async () => {
    const texts = Array.from({ length: 3000 }, (_, n) => `${n} ${'x'.repeat(n % 200)}`);
    expect(await Promise.all(texts.map((text) => io.remote.echo(text)))).toEqual(texts);
    await Promise.all(texts.map((text) => io.remote.note(text)));
    expect(await io.remote.take()).toEqual(texts);
  });

  test('no answer is lost that comes while its caller goes from looking for it to sleep', async () => {
    // A look lasts 0.03 ms. Within the test's time any answer that wakes nobody is one that never comes.
    for (let n = 0; n < 1500; n++) await io.remote.compute(0.06 * random());
  });

  test('a call does not overtake a bottom half that was scheduled before it', async () => {
    const bh = runtime.context.fromHandle(io.remote.bh) as BottomHalf;
    for (let n = 0; n < 300; n++) {
      bh.schedule();
      const what = random() < 0.3 ? /x/ : n;
      void io.remote.note(what);
      expect(await io.remote.take()).toEqual(['bottom half', n === what ? n : 'message']);
    }
  });

  test('functions of the owner are called and answered in order, too', async () => {
    const seen: number[] = [];
    const given = (n: number): unknown => {
      seen.push(n);
      return n % 3 === 0 ? /x/ : n;
    };
    const numbers = Array.from({ length: 1000 }, (_, n) => n);
    expect(await io.remote.call(given, 1000)).toEqual(numbers.map((n) => (n % 3 === 0 ? /x/ : n)));
    expect(seen).toEqual(numbers);
  });
});

describe('values', () => {
  const shared = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
  const circle: Record<string, unknown> = { name: 'circle' };
  circle['self'] = circle;
  const deep = (levels: number): unknown => {
    let value: unknown = 'bottom';
    while (levels-- > 0) value = levels % 2 ? [value] : { value };
    return value;
  };
  const letters = Array.from({ length: 300 }, (_, n) => String.fromCharCode(n));

  test.each<[string, unknown]>([
    ['numbers', [0, -0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 0.1, NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE]],
    ['bigints', [0n, -1n, 2n ** 64n, -(2n ** 200n)]],
    ['nothing', [undefined, null, true, false]],
    ['each character up to U+012B', letters],
    ['strings of every length around those that are special', [0, 1, 23, 24, 25, 254, 255, 256, 257, 4000].flatMap((n) => ['a', 'é', '\u0085', 'я', '😀'].map((c) => c.repeat(n)))],
    ['halves of characters', ['\ud800', 'a\udc00b', '\ufffd', '\ufeff', '\ud83d\ude00\ud83d']],
    ['names that are numbers, and awkward ones', { 10: 1, 2: 2, '': 3, length: 4, constructor: 5, 'ключ': 6, then: 7 }],
    ['Maps and Sets', new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'a', {}])], ['k', new Map()]])],
    ['views of one buffer', [shared, shared.subarray(2, 4), new DataView(shared.buffer, 1, 3), shared.buffer, new Uint16Array(shared.buffer, 2, 2)]],
    ['one view of each kind', [Int8Array, Uint8ClampedArray, Int16Array, Int32Array, Uint32Array, Float32Array, Float64Array].map((type) => type.of(1, 2, 3))],
    ['views of bigints', [BigInt64Array.of(-1n, 2n ** 62n), BigUint64Array.of(2n ** 64n - 1n)]],
    ['a value within itself', circle],
    ['an object twice', [circle, circle, shared, shared]],
    ['an array with holes', [1, , 3]],
    ['99 levels', deep(99)], ['100 levels', deep(100)], ['101 levels', deep(101)], ['1000 levels', deep(1000)],
    ['16,000 bytes', new Uint8Array(16_000).fill(3)], ['17,000 bytes', new Uint8Array(17_000).fill(3)],
    ['30,000 objects', Array.from({ length: 30_000 }, (_, n) => ({ n }))],
  ])('%s', async (_what, value) => {
    const expected = structuredClone(value);
    for (const got of [await io.remote.echo(value), await io.remote.later(value)]) {
      expect(got).toEqual(expected);
      // Each object that is there twice is one object there, too.
      if (Array.isArray(value)) {
        const groups = (list: unknown[]): number[] => list.map((member) => list.indexOf(member));
        expect(groups(got as unknown[])).toEqual(groups(expected as unknown[]));
      }
    }
  });

  test('dates', async () => {
    const dates = (await io.remote.echo([new Date(0), new Date(NaN), new Date(-1)])) as Date[];
    expect(dates.map((date) => Object.prototype.toString.call(date))).toEqual(Array(3).fill('[object Date]'));
    expect(dates.map(Number)).toEqual([0, NaN, -1]);
  });

  test('-0 stays -0, and buffers stay shared between their views', async () => {
    const [minus, view, part] = (await io.remote.echo([-0, shared, shared.subarray(2, 4)])) as [number, Uint8Array, Uint8Array];
    expect(Object.is(minus, -0)).toBe(true);
    view[2] = 99;
    expect(part[0]).toBe(99);
  });

  test('a getter that makes a call itself disturbs neither call', async () => {
    let inner: Promise<unknown> | undefined;
    const value = {
      before: [1, 2, 3],
      get middle() {
        inner = io.remote.echo({ from: 'the getter' });
        return 'middle';
      },
      after: { n: 4 },
    };
    expect(await io.remote.echo(value)).toEqual({ before: [1, 2, 3], middle: 'middle', after: { n: 4 } });
    expect(await inner).toEqual({ from: 'the getter' });
  });

  test('what a getter throws rejects the call, and releases the functions before it', async () => {
    const value = { work: () => 1, get bad() { throw new RangeError('bad'); } };
    await expect(io.remote.echo(value)).rejects.toThrow(new RangeError('bad'));
    expect(await io.remote.echo(1)).toBe(1);
  });
});

test('each function in a value that is not sent after all is given back once', () => {
  const given: number[] = [];
  let last = 0;
  const by = { hold: () => ++last, unsent: (ids: number[]) => void given.push(...ids), numberOf: () => undefined } as unknown as Correspondent;
  const encoder = new Encoder();
  const work = (): void => {};
  // Left to structured clone.
  expect(encoder.encode([work, work, /x/], by, 12)).toBe(-1);
  expect(encoder.encode([work, 'x'.repeat(20_000)], by, 12)).toBe(-1);
  expect(given).toEqual([1, 2, 3]);
  // Encoded, and then there is no room in the ring: without functions, and with one.
  expect(encoder.encode(['text'], by, 12)).toBeGreaterThan(12);
  encoder.takeBack();
  expect(encoder.encode([work], by, 12)).toBeGreaterThan(12);
  encoder.takeBack();
  expect(given).toEqual([1, 2, 3, 4]);
  expect(encoder.encode([work], by, 12)).toBeGreaterThan(12);
  encoder.isSent();
  encoder.takeBack();
  expect(given).toEqual([1, 2, 3, 4]);
});

test('a ring carries records of all lengths past the end of its positions', () => {
  const size = 1024;
  const memory = new SharedArrayBuffer(ringBytes(size));
  const header = new Int32Array(memory);
  const [writer, reader] = [new RingWriter(memory, 0, size), new RingReader(memory, 0, size)];
  // 4 GiB of records may have gone through before.
  const start = -4096;
  header[0] = header[16] = start;
  Object.assign(writer, { tail: start >>> 0, head: start >>> 0 });
  Object.assign(reader, { head: start >>> 0 });
  const content = new Int32Array(128);
  const bytes = new Uint8Array(content.buffer);
  const expected: { number: number; length: number; first: number }[] = [];
  let sent = 0;
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const length = 1 + Math.floor(random() * 500);
    bytes.fill(round, 0, length);
    if (writer.push(round, content, bytes, length)) expected.push({ number: round, length, first: round & 255 }), sent++;
    else refused++;
    while (expected.length > 0 && random() < 0.6) {
      const next = expected.shift();
      reader.mark();
      const number = reader.next(reader.due);
      const taken = reader.take(content, bytes);
      expect({ number, length: taken, first: bytes[0] }).toEqual(next);
      expect(bytes.subarray(0, taken).every((byte) => byte === bytes[0])).toBe(true);
    }
  }
  expect(sent).toBeGreaterThan(500);
  expect(refused).toBeGreaterThan(0);
});

test('a record that is longer than half of its ring is refused, also by an empty one', () => {
  const size = 1024;
  const memory = new SharedArrayBuffer(ringBytes(size));
  const [writer, reader] = [new RingWriter(memory, 0, size), new RingReader(memory, 0, size)];
  const content = new Int32Array(size / 4);
  const bytes = new Uint8Array(content.buffer).fill(7);
  // A record has 8 bytes before its content.
  expect(writer.push(1, content, bytes, size / 2 - 7)).toBe(false);
  expect(writer.push(2, content, bytes, size / 2 - 8)).toBe(true);
  reader.mark();
  expect(reader.next(reader.due)).toBe(2);
  expect(reader.take(content, bytes)).toBe(size / 2 - 8);
});
