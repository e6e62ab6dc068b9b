// SPDX-License-Identifier: MIT
/** A memory that is full ends calls, and nothing else: requests wait, all else says so. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AioError, Runtime, type AioBuffer, type AioEngine } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';
import { until, workersOf } from './helpers/workers.js';

const MIB = 1024 ** 2;
const SMALL = 20 * MIB;

const dir = mkdtempSync(join(tmpdir(), 'aio-memory-'));
const path = join(dir, 'disk');
const data = Buffer.alloc(4 * MIB);
beforeAll(() => {
  for (let i = 0; i < data.length; i += 4) data.writeUInt32LE(i, i);
  writeFileSync(path, data);
});
afterAll(() => rmSync(dir, { recursive: true }));

test.each<AioEngine>(['threads', 'native', 'io_uring', 'sync'])('%s: many more reads at once than fit: each has its turn', async (aio) => {
  await using runtime = await Runtime.create({ maximumMemory: SMALL });
  const file = await (await runtime.iothread('io')).open(path, { aio });
  for (const [count, length] of aio === 'threads' ? [[5000, 4096], [60_000, 16]] as const : [[5000, 4096]] as const) {
    const reads = Array.from({ length: count }, async (_, n) => {
      const at = (n % 1000) * 4096;
      const bytes = await file.read(at, length);
      return bytes.length === length && Buffer.compare(bytes, data.subarray(at, at + length)) === 0;
    });
    expect((await Promise.all(reads)).every((right) => right)).toBe(true);
  }
  expect((await file.read(8, 4)).join()).toBe('8,0,0,0');
});

test('a write that waits writes what its view was when it was called', async () => {
  await using aio = await Runtime.create({ maximumMemory: SMALL });
  const target = join(dir, 'written');
  const file = await (await aio.iothread('io')).open(target, { write: true, create: true });
  const view = new Uint8Array(3 * MIB);
  const writes = Array.from({ length: 16 }, (_, n) => {
    view.fill(n + 1);
    return file.write(n * view.length, view);
  });
  view.fill(0xff);
  // Also what waits is done before the file is closed.
  await file.close();
  await Promise.all(writes);
  const written = readFileSync(target);
  expect(written.length).toBe(16 * view.length);
  for (let n = 0; n < 16; n++) {
    for (const at of [0, view.length - 1]) expect(written[n * view.length + at]).toBe(n + 1);
  }
});

test('a request that waits is aborted at once, and those behind it have their turn', async () => {
  await using aio = await Runtime.create({ maximumMemory: SMALL });
  const file = await (await aio.iothread('io')).open(path);
  const control = new AbortController();
  const reason = new Error('no longer');
  const first = Array.from({ length: 8 }, () => file.read(0, 3 * MIB));
  const aborted = Array.from({ length: 8 }, () => file.read(0, 3 * MIB, { signal: control.signal }));
  const last = Array.from({ length: 8 }, () => file.read(0, 3 * MIB));
  control.abort(reason);
  for (const end of await Promise.allSettled(aborted)) expect(end).toEqual({ status: 'rejected', reason });
  for (const bytes of await Promise.all([...first, ...last])) expect(Buffer.compare(bytes, data.subarray(0, 3 * MIB))).toBe(0);
});

test('requests that wait end with the IOThread, if that is lost', async () => {
  await using aio = await Runtime.create({ maximumMemory: SMALL, module: fixture('death') });
  const [lost, other] = await Promise.all([aio.iothread('lost'), aio.iothread('other')]);
  const [file, kept] = await Promise.all([lost.open(path), other.open(path)]);
  // Its loop stands still: nothing is served.
  const call = lost.call('wait_for_ever').catch((error: unknown) => error);
  await until(() => aio.call('waiting_threads') === 1);
  const reads = Array.from({ length: 40 }, () => file.read(0, 3 * MIB).catch((error: unknown) => error));
  for (const worker of workersOf(aio, 'IO lost')) worker.terminate();
  for (const error of await Promise.all([...reads, call])) expect(error).toBeInstanceOf(AioError);
  expect(Buffer.compare(await kept.read(0, MIB), data.subarray(0, MIB))).toBe(0);
});

/** Takes all there is. */
function fill(aio: Runtime): AioBuffer[] {
  const buffers: AioBuffer[] = [];
  for (let length = 16 * MIB; length >= 1; length = Math.floor(length / 2)) {
    for (;;) {
      try {
        buffers.push(aio.allocate(length));
      } catch (error) {
        expect((error as AioError).code).toBe('ERR_AIO_NO_MEMORY');
        break;
      }
    }
  }
  return buffers;
}

/** Makes such objects until there is no memory for one more; each of them can be closed. */
async function exhaust(make: () => unknown): Promise<void> {
  const made: unknown[] = [];
  const error = await failure(async () => {
    while (made.length < 10_000) made.push(await make());
  }, 'ERR_AIO_NO_MEMORY');
  expect(error.errno).toBe('ENOMEM');
  for (const object of made.reverse()) await (object as { close?(): unknown } | undefined)?.close?.();
}

test('in a full memory every kind of object is refused, and works when there is room again', async () => {
  await using aio = await Runtime.create({ maximumMemory: SMALL, reserve: 0, module: fixture('coroutine') });
  const io = await aio.iothread('io');
  const file = await io.open(path);
  const run = (): void => {};
  const notifier = aio.context.notifier('watched');
  const { context } = aio;
  const kinds: Record<string, () => unknown> = {
    'an IOThread': () => aio.iothread(`io ${Math.random()}`),
    'a context': () => aio.createContext(`context ${Math.random()}`),
    'a coroutine': () => aio.coroutine('sleep_ms', 1),
    'an engine': () => io.open(path, { aio: 'native' }),
    'a read': () => file.read(0, 4096),
    'a pipe': () => context.pipe('pipe'),
    'a bottom half': () => context.bottomHalf('bottom half', run),
    'a notifier': () => context.notifier('notifier'),
    'a timer': () => {
      const timer = context.timer('timer', run);
      timer.arm(1e6);
      return timer;
    },
    'a handler': () => {
      const own = context.notifier('notifier');
      context.onSet(own, run);
      return own;
    },
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const buffers = fill(aio);
    try {
      await exhaust(make);
    } catch (error) {
      throw new Error(`${kind}: ${String(error)}`, { cause: error });
    }
    for (const buffer of buffers) buffer.close();
    await (await (make() as Promise<{ close?(): unknown } | undefined>))?.close?.();
  }
  notifier.close();
});

test('a runtime in a memory of any size is made, or refused for lack of memory', async () => {
  const codes = new Set<string>();
  for (let pages = 1; pages <= 40; pages++) {
    codes.add(await Runtime.create({ maximumMemory: pages * 65536, reserve: 0 }).then(
      (runtime) => runtime.close().then(() => 'made'),
      (error: unknown) => (error instanceof AioError ? error.code : String(error)),
    ));
  }
  expect([...codes].sort()).toEqual(['ERR_AIO_NO_MEMORY', 'made']);
});

test.each([6, 8, 10, 12, 16])('an IOThread in a memory of %d pages runs, or is refused for lack of memory', async (pages) => {
  await using aio = await Runtime.create({ maximumMemory: pages * 65536, reserve: 0 });
  const io = await aio.iothread('io').catch((error: unknown) => error as AioError);
  if (io instanceof Error) expect(io).toMatchObject({ name: 'AioError', code: 'ERR_AIO_NO_MEMORY' });
  else expect(await io.clock()).toBeGreaterThan(0);
});

test('a memory that grows does so to its end', async () => {
  const maximumMemory = 284 * MIB;
  await using aio = await Runtime.create({ maximumMemory });
  const file = await (await aio.iothread('io')).open(path, { aio: 'native' });
  const buffers = fill(aio);
  expect(buffers.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(maximumMemory - 4 * MIB);
  // What lies highest, another thread writes. There has to be room for the request.
  const highest = buffers.reduce((a, b) => (a.bytes.byteOffset > b.bytes.byteOffset ? a : b));
  for (const buffer of buffers) if (buffer !== highest && buffer.length < 64 * 1024) buffer.close();
  const length = Math.min(highest.length, 4096);
  expect(await file.read(0, highest.bytes.subarray(0, length))).toBe(length);
  expect(Buffer.compare(highest.bytes.subarray(0, length), data.subarray(0, length))).toBe(0);
});
