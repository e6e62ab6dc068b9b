// SPDX-License-Identifier: MIT
/** Rings of wasm-aio/ring carry records between threads: all of them, in order, whole, and with an end that both sides see. */
import { describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { WritableStream as NodeWritableStream } from 'node:stream/web';
import { Worker } from 'node:worker_threads';
import { createRing, ringByteLength, RingConsumer, RingProducer, type Ring } from 'wasm-aio/ring';
import type { Job } from './fixtures/ring-worker.js';
import { recordOf } from './fixtures/ring-record.js';
import { runScript, scratch } from './helpers/child.js';
import { seeded } from './helpers/random.js';

/** Words of the header, as ts/src/ring/region.ts has them. */
const TAIL = 16;
const HEAD = 32;
const CONSUMER_SLEEPS = 48;
const UNIT = 16;

const headerOf = ({ buffer, byteOffset }: Ring): Int32Array => new Int32Array(buffer, byteOffset, 128);
const start = (job: Job): Worker => new Worker(new URL('./fixtures/ring-worker.js', import.meta.url), { workerData: job });
const text = {
  encode: (value: string): Uint8Array => new TextEncoder().encode(value),
  decode: (bytes: Uint8Array): string => new TextDecoder().decode(bytes),
};

/** A ring whose positions wrap around after so many units. */
function almostAround(options: Parameters<typeof createRing>[0], units: number): Ring {
  const ring = createRing(options);
  headerOf(ring)[TAIL] = headerOf(ring)[HEAD] = -units;
  return ring;
}

/** Both sides of a ring, in this thread. */
function pair(options: Parameters<typeof createRing>[0] = {}): { ring: Ring; producer: RingProducer<string>; consumer: RingConsumer<string> } {
  const ring = createRing(options);
  return { ring, producer: new RingProducer(ring, { encode: text.encode }), consumer: new RingConsumer(ring, { decode: text.decode }) };
}

/** Whether a promise is still pending after all microtasks that can run now. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  for (let n = 0; n < 20; n++) await Promise.resolve();
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(pending)])) === pending;
}

describe('a storm: every byte of every record arrives, in the order of each producer', () => {
  test.each([
    ['one blocks', 65_536, ['block']],
    ['one awaits, in a small ring', 1024, ['await']],
    ['three, of which one never blocks, in a small ring', 2048, ['block', 'await', 'try']],
    ['four that block', 65_536, ['block', 'block', 'block', 'block']],
  ] as const)('%s', async (_what, size, hows) => {
    const ring = almostAround({ size, producers: hows.length }, 777);
    const consumer = new RingConsumer(ring);
    const count = 12_000;
    const workers = hows.map((how, id) => start({ side: 'producer', ring, id, count, how }));
    const ended = workers.map((worker) => once(worker, 'exit'));
    const next = hows.map(() => 0);
    for await (const record of consumer) {
      const [id = -1, n] = new Uint32Array(record.buffer, 0, 2);
      expect(n).toBe(next[id]);
      next[id] = (next[id] as number) + 1;
      if (Buffer.compare(record, recordOf(id, n as number)) !== 0) throw new Error(`record ${n} of producer ${id} is ${record}`);
    }
    expect(next).toEqual(hows.map(() => count));
    expect(consumer.ended).toBe(true);
    for (const [code] of await Promise.all(ended)) expect(code).toBe(0);
  });

  test('a consumer that blocks and copies nothing', async () => {
    const ring = almostAround({ size: 1024 }, 3);
    const worker = start({ side: 'sum', ring });
    const answer = once(worker, 'message');
    const producer = new RingProducer(ring);
    let sum = 0;
    for (let n = 0; n < 5000; n++) {
      const record = recordOf(0, n);
      for (const byte of record) sum += byte;
      await producer.write(record);
    }
    await producer.flush();
    await producer.close();
    expect((await answer)[0]).toEqual({ sum, records: 5000 });
  });
});

test('random operations have the results of a queue', async () => {
  const { random, seed } = seeded();
  const below = (n: number): number => Math.floor(random() * n);
  for (let round = 0; round < 60; round++) {
    const size = 256 << below(4);
    // In a third of the rounds the positions wrap around.
    const ring = almostAround({ size, producers: 1 + below(2) }, below(3) ? 5000 : below(40));
    const producer = new RingProducer(ring);
    const consumer = new RingConsumer(ring);
    const queue: { bytes: Uint8Array; end: number }[] = [];
    // Positions that never wrap around; a record is not split at the end of the ring.
    const all = size / UNIT;
    let [tail, head] = [headerOf(ring)[TAIL] as number, headerOf(ring)[HEAD] as number];
    const taken = (): Uint8Array | undefined => {
      const first = queue.shift();
      head = first?.end ?? head;
      return first?.bytes;
    };
    for (let step = 0; step < 400; step++) {
      const where = `TEST_SEED=${seed}, round ${round}, step ${step}`;
      const action = below(5);
      if (action < 2) {
        const bytes = Uint8Array.from({ length: below(8) ? below(60) : below(size / 2 + 1) }, () => below(256));
        const units = Math.max(1, Math.ceil(bytes.length / UNIT));
        const left = all - (((tail % all) + all) % all);
        const end = tail + units + (left < units ? left : 0);
        const fits = end - head <= all;
        expect([where, producer.tryWrite(bytes)]).toEqual([where, fits]);
        if (fits) queue.push({ bytes, end: (tail = end) });
      } else if (action === 2) {
        const seen = consumer.peek();
        const first = queue[0]?.bytes;
        expect([where, seen && [...seen]]).toEqual([where, first && [...first]]);
        if (seen && below(2)) {
          consumer.release();
          taken();
        }
      } else {
        const expected = taken();
        const got = expected && below(2) ? await consumer.read() : consumer.tryRead();
        expect([where, got && [...got]]).toEqual([where, expected && [...expected]]);
      }
    }
  }
});

describe('waiting', () => {
  test('a read that waits gets the next record; several get one each, in their order', async () => {
    const { producer, consumer } = pair();
    const reads = [consumer.read(), consumer.read(), consumer.read()];
    expect(await isPending(reads[0] as Promise<unknown>)).toBe(true);
    for (const word of ['a', 'b', 'c', 'd']) expect(producer.tryWrite(word)).toBe(true);
    // Those who wait come first.
    expect(consumer.tryRead()).toBeUndefined();
    expect(await Promise.all(reads)).toEqual(['a', 'b', 'c']);
    expect(consumer.tryRead()).toBe('d');
  });

  test('writes that wait for room keep their order, and what they were given', async () => {
    const ring = createRing({ size: 256 });
    const buffer = new Uint8Array(100);
    const producer = new RingProducer<number>(ring, { encode: (n) => buffer.fill(n) });
    const consumer = new RingConsumer(ring);
    const writes = [1, 2, 3, 4, 5].map((n) => producer.write(n));
    expect(producer.tryWrite(6)).toBe(false);
    expect(() => producer.writeSync(7)).toThrow(expect.objectContaining({ code: 'ERR_AIO_INVALID_ARG' }));
    const ended = producer.close();
    const seen: number[] = [];
    for await (const bytes of consumer) seen.push(bytes[0] as number);
    await Promise.all([...writes, ended]);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test('a wait whose wake-up was lost tries again within a second', async () => {
    jest.useFakeTimers();
    try {
      const { ring, producer, consumer } = pair();
      const record = consumer.read();
      // The producer is not told that somebody sleeps, so it notifies nobody.
      Atomics.and(headerOf(ring), CONSUMER_SLEEPS, ~1);
      expect(producer.tryWrite('late')).toBe(true);
      expect(await isPending(record)).toBe(true);
      jest.advanceTimersByTime(1000);
      expect(await record).toBe('late');
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('a signal or a time-out ends one wait, and the next one works', async () => {
    const { producer, consumer } = pair({ size: 256 });
    const abort = new AbortController();
    const [aborted, late, next] = [consumer.read({ signal: abort.signal }), consumer.read({ timeout: 1 }), consumer.read()];
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(late).rejects.toMatchObject({ code: 'ERR_AIO_TIMEOUT' });
    await producer.write('x');
    expect(await next).toBe('x');
    await expect(consumer.read({ signal: abort.signal })).rejects.toBe(reason);

    while (producer.tryWrite('full')) { /* until it is */ }
    await expect(producer.write('no', { timeout: 1 })).rejects.toMatchObject({ code: 'ERR_AIO_TIMEOUT' });
    const blocked = producer.write('large '.repeat(20), { signal: AbortSignal.timeout(1) });
    const behind = producer.write('y');
    expect(consumer.tryRead()).toBe('full');
    await blocked.catch((error: Error) => expect(error.name).toBe('TimeoutError'));
    await behind;
    await producer.close();
    const rest: string[] = [];
    for await (const word of consumer) rest.push(word);
    expect(rest.at(-1)).toBe('y');
    expect(rest).not.toContain('no');
  });

  test('blocking calls end by their time-out', () => {
    const { producer, consumer } = pair({ size: 256 });
    expect(() => consumer.readSync({ timeout: 1 })).toThrow(expect.objectContaining({ code: 'ERR_AIO_TIMEOUT' }));
    while (producer.tryWrite('full')) { /* until it is */ }
    expect(() => producer.writeSync('no', { timeout: 1 })).toThrow(expect.objectContaining({ code: 'ERR_AIO_TIMEOUT' }));
    expect(() => producer.flushSync({ timeout: 1 })).toThrow(expect.objectContaining({ code: 'ERR_AIO_TIMEOUT' }));
    expect(consumer.readSync()).toBe('full');
  });

  test('flush() waits for this producer\'s records and no others, wherever the head is', async () => {
    const ring = almostAround({ producers: 2 }, 1);
    const [one, other] = [new RingProducer(ring), new RingProducer(ring)];
    const consumer = new RingConsumer(ring);
    await one.flush();
    await one.write(new Uint8Array(1));
    const flushed = one.flush();
    // As thread-stream does: more is written before the consumer takes both at once.
    await other.write(new Uint8Array(2));
    expect(await isPending(flushed)).toBe(true);
    consumer.release();
    consumer.release();
    await flushed;
    await other.write(new Uint8Array(3));
    await one.flush();
    expect(await isPending(other.flush())).toBe(true);
    consumer.release();
    await other.flush();
  });

  test('a wait keeps the process alive, and nothing does after it, also without Atomics.waitAsync', async () => {
    const room = scratch();
    try {
      for (const first of ['', 'delete Atomics.waitAsync;']) {
        const script = `${first}
          const { createRing, RingConsumer, RingProducer } = await import('wasm-aio/ring');
          const { Worker } = await import('node:worker_threads');
          const ring = createRing();
          const worker = new Worker(\`
            const { workerData } = require('node:worker_threads');
            import('wasm-aio/ring').then(({ RingProducer }) => {
              const producer = new RingProducer(workerData);
              for (let n = 0; n < 3; n++) producer.writeSync(new Uint8Array([n]));
              return producer.flush().then(() => producer.close());
            });\`, { eval: true, workerData: ring });
          worker.unref();
          const consumer = new RingConsumer(ring);
          for await (const [n] of consumer) console.log(n);
          const abort = new AbortController();
          const given = new RingConsumer(createRing()).read({ signal: abort.signal });
          abort.abort(new Error('up'));
          await given.catch((error) => console.log(error.message, typeof Atomics.waitAsync));`;
        const { code, stdout, stderr } = await runScript(room.path, script);
        expect([code, stdout, stderr]).toEqual([0, `0\n1\n2\nup ${first ? 'undefined' : 'function'}\n`, '']);
      }
    } finally {
      room.remove();
    }
  });
});

describe('the end', () => {
  test('comes when all producers are closed, after their records', async () => {
    const ring = createRing({ producers: 2 });
    const [one, other] = [new RingProducer(ring), new RingProducer(ring)];
    const consumer = new RingConsumer(ring);
    await one.write(new Uint8Array([1]));
    await one.close();
    await one.close();
    expect(await consumer.read()).toEqual(new Uint8Array([1]));
    expect(consumer.ended).toBe(false);
    const last = consumer.read();
    expect(await isPending(last)).toBe(true);
    await other.close();
    expect(await last).toBeUndefined();
    expect([consumer.ended, consumer.tryRead(), consumer.readSync(), await consumer.wait()]).toEqual([true, undefined, undefined, false]);
    expect(() => one.tryWrite(new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ERR_AIO_CLOSED' }));
  });

  test('is there when close() returns, because the thread may block next', () => {
    const { producer, consumer } = pair();
    void producer.write('last');
    void producer.close();
    expect(consumer.readSync()).toBe('last');
    expect(consumer.ended).toBe(true);
  });

  test('a producer\'s error comes after the records that were there, to the consumer and to other producers', async () => {
    const ring = createRing({ producers: 2 });
    const other = new RingProducer(ring);
    const worker = start({ side: 'fails', ring });
    const consumer = new RingConsumer(ring);
    expect(await consumer.read()).toEqual(recordOf(0, 0));
    await expect(consumer.read()).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED', message: 'the ring has failed: RangeError: out of paper' });
    expect(() => other.tryWrite(new Uint8Array(1))).toThrow(/RangeError: out of paper/);
    await once(worker, 'exit');
  });

  test('of two that fail, the first one\'s error counts', async () => {
    const ring = createRing({ producers: 2 });
    const [first, second, consumer] = [new RingProducer(ring), new RingProducer(ring), new RingConsumer(ring)];
    await first.close(new Error('first'));
    await second.close(new Error('the second'));
    await expect(consumer.read()).rejects.toThrow(/^the ring has failed: Error: first$/);
  });

  test('a consumer that is closed ends the writes, those that wait included', async () => {
    for (const error of [undefined, new Error('no ink')]) {
      const { producer, consumer } = pair({ size: 256 });
      while (producer.tryWrite('full')) { /* until it is */ }
      const waiting = producer.write('waits');
      await consumer.close(error);
      await expect(waiting).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED', message: error ? 'the ring has failed: Error: no ink' : "the ring's consumer is closed" });
      expect(() => producer.writeSync('more')).toThrow(expect.objectContaining({ code: 'ERR_AIO_CLOSED' }));
      expect(() => consumer.tryRead()).toThrow(expect.objectContaining({ code: 'ERR_AIO_CLOSED' }));
      await producer.close();
    }
  });

  test('one\'s own reads that wait are rejected by close()', async () => {
    const { consumer } = pair();
    const waiting = consumer.read();
    await consumer.close();
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
  });

  test('leaving `for await` closes the consumer', async () => {
    const { producer, consumer } = pair();
    await producer.write('a');
    await producer.write('b');
    for await (const word of consumer) {
      expect(word).toBe('a');
      break;
    }
    await expect(producer.write('c')).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
  });

  test('the text of an error is kept as far as there is room for it, in whole characters', async () => {
    const { producer, consumer } = pair();
    await producer.close(new Error('ü'.repeat(500)));
    await expect(consumer.read()).rejects.toThrow(/^the ring has failed: Error: ü{50,}$/);
  });
});

describe('streams', () => {
  const words = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];

  test('of the web, with back-pressure', async () => {
    const { producer, consumer } = pair({ size: 256 });
    const long = words.map((word) => word.repeat(10));
    const written = new ReadableStream<string>({
      start(controller) {
        for (const word of long) controller.enqueue(word);
        controller.close();
      },
    }).pipeTo(producer.writable() as WritableStream<string>);
    const reader = (consumer.readable() as ReadableStream<string>).getReader();
    const seen: string[] = [];
    for (let next = await reader.read(); !next.done; next = await reader.read()) seen.push(next.value);
    await written;
    expect(seen).toEqual(long);
  });

  test('of Node', async () => {
    const { producer, consumer } = pair({ size: 256 });
    const sink = Writable.fromWeb(producer.writable() as NodeWritableStream, { decodeStrings: false, objectMode: true });
    Readable.from(words).pipe(sink);
    expect(await Readable.from(consumer).toArray()).toEqual(words);
  });

  test('an abort and a cancellation are the error of the other side', async () => {
    const first = pair();
    await (first.producer.writable() as WritableStream).abort(new Error('no more'));
    await expect(first.consumer.read()).rejects.toThrow('the ring has failed: Error: no more');
    const second = pair();
    await (second.consumer.readable() as ReadableStream).cancel(new Error('not wanted'));
    await expect(second.producer.write('x')).rejects.toThrow('the ring has failed: Error: not wanted');
    const third = pair();
    await (third.producer.writable() as WritableStream).abort();
    await expect(third.consumer.read()).rejects.toThrow('the ring has failed: Error: the stream was aborted');
  });
});

describe('memory', () => {
  test('a ring is made in memory of the user\'s, beside others, and touches nothing else', async () => {
    const length = ringByteLength(256);
    const buffer = new SharedArrayBuffer(64 + 2 * Math.ceil(length / 64) * 64 + 64);
    const all = new Uint8Array(buffer).fill(0xa5);
    const rings = [64, 64 + Math.ceil(length / 64) * 64].map((byteOffset) => createRing({ buffer, byteOffset, size: 256 }));
    const sides = rings.map((ring) => ({ producer: new RingProducer(ring), consumer: new RingConsumer(ring) }));
    for (let n = 0; n < 100; n++) for (const { producer } of sides) producer.tryWrite(new Uint8Array(n % 120).fill(n));
    for (const { consumer } of sides) expect(consumer.tryRead()).toEqual(new Uint8Array(0));
    expect([...all.subarray(0, 64)].every((byte) => byte === 0xa5)).toBe(true);
    expect([...all.subarray(64 + 2 * Math.ceil(length / 64) * 64)].every((byte) => byte === 0xa5)).toBe(true);
  });

  test('views of records begin at multiples of 16 bytes, whatever the record\'s length', async () => {
    const ring = createRing();
    const [producer, consumer] = [new RingProducer(ring), new RingConsumer(ring)];
    for (const length of [1, 17, 3, 0, 16]) {
      producer.tryWrite(new Uint8Array(length));
      const view = consumer.peek() as Uint8Array;
      expect([view.length, view.byteOffset % 16, view.buffer]).toEqual([length, 0, ring.buffer]);
      consumer.release();
    }
  });

  test.each([
    ['no ring', () => ({ buffer: new SharedArrayBuffer(4096), byteOffset: 0 }), /ring\.buffer has no ring at 0: createRing/],
    ['too short a memory', () => ({ buffer: new SharedArrayBuffer(64), byteOffset: 0 }), /it ends at 64/],
    ['a memory that ends before the records do', () => {
      const ring = createRing();
      const buffer = new SharedArrayBuffer(1024);
      new Uint8Array(buffer).set(new Uint8Array(ring.buffer, 0, 1024));
      return { buffer, byteOffset: 0 };
    }, /the size is 65536/],
    ['another layout', () => changed(0, 0x41494f02), /of this version has not made it/],
    ['a size that is no power of two', () => changed(1, 1000), /the size is 1000/],
    ['a negative size', () => changed(1, -65_536), /the size is -65536/],
    ['no producers', () => changed(2, 0), /the number of producers is 0/],
  ] as [string, () => Ring, RegExp][])('a header with %s is refused', (_what, make, message) => {
    for (const Side of [RingProducer, RingConsumer]) {
      expect(() => new Side(make())).toThrow(expect.objectContaining({ code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(message) }));
    }
  });

  function changed(word: number, value: number): Ring {
    const ring = createRing();
    headerOf(ring)[word] = value;
    return ring;
  }

  test('a second consumer, and a producer too many, are refused', () => {
    const ring = createRing({ producers: 2 });
    void [new RingProducer(ring), new RingProducer(ring), new RingConsumer(ring)];
    expect(() => new RingProducer(ring)).toThrow(/has all its producers already/);
    expect(() => new RingConsumer(ring)).toThrow(/has a consumer already/);
  });

  test('memory that somebody else has written to is an error, and never a hang or a wild access', () => {
    const { random, seed } = seeded();
    const below = (n: number): number => Math.floor(random() * n);
    let corrupt = 0;
    for (let round = 0; round < 2000; round++) {
      const ring = createRing({ size: 256, producers: 1 + below(2) });
      const [producer, consumer] = [new RingProducer(ring), new RingConsumer(ring)];
      for (let n = below(4); n > 0; n--) producer.tryWrite(new Uint8Array(below(100)));
      const words = new Int32Array(ring.buffer);
      // The header, or a word that publishes a record.
      const at = below(2) ? below(128) : 128 + below(16);
      words[at] = [-1, 1, 2 ** 31 - 1, -(2 ** 31), 257, 0, below(2 ** 32)][below(7)] as number;
      try {
        for (let n = 0; n < 4; n++) {
          producer.tryWrite(new Uint8Array(below(128)));
          consumer.tryRead();
        }
      } catch (error) {
        const { code, errno } = error as { code?: string; errno?: string };
        if (code !== 'ERR_AIO_CLOSED' && !(code === 'ERR_AIO_IO' && errno === 'EBADMSG')) throw new Error(`TEST_SEED=${seed}, round ${round}`, { cause: error });
        if (code === 'ERR_AIO_IO') corrupt++;
      }
    }
    expect(corrupt).toBeGreaterThan(10);
  });

  test('wrong values are refused before anything is written', () => {
    const { ring, producer, consumer } = pair({ size: 256 });
    expect(() => producer.tryWrite('x'.repeat(129))).toThrow(/a record of this ring \(size 256\) must be at most 128 bytes long, not 129/);
    expect(producer.tryWrite('x'.repeat(128))).toBe(true);
    expect(consumer.tryRead()).toBe('x'.repeat(128));
    const strange = new RingProducer<unknown>(createRing(), { encode: () => 'text' as unknown as Uint8Array });
    expect(() => strange.tryWrite(1)).toThrow(/the result of encode\(\) must be a Uint8Array, not "text"/);
    expect(() => createRing({ buffer: ring.buffer, byteOffset: 64 })).toThrow(/options\.buffer must have \d+ bytes/);
    expect(() => createRing({ byteOffset: 64 })).toThrow(/options\.byteOffset needs options\.buffer/);
  });
});
