// SPDX-License-Identifier: MIT
/** AioFile by every engine: writing, several views, buffers, flushing, aborting. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioEngine, type AioFile, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';

const dir = scratch(true);
const pathOf = (name: string): string => join(dir.path, name);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const bytes = (letters: string): Uint8Array => new Uint8Array(Buffer.from(letters));

let runtime: Runtime;
let io: IOThread;

beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread('io0', { threadPoolMax: 3 });
});
afterAll(async () => {
  await runtime.close();
  dir.remove();
});

describe.each<AioEngine>(['threads', 'native', 'io_uring', 'sync'])('%s', (aio) => {
  let file: AioFile;
  let path: string;

  beforeAll(async () => {
    path = pathOf(`file-${aio}`);
    file = await io.open(path, { aio, create: true });
  });
  afterAll(() => file.close());

  test('a file is made, written, flushed, read', async () => {
    expect({ aio: file.aio, size: file.size }).toEqual({ aio, size: 0 });
    await file.write(3, bytes('hello world'));
    expect(file.size).toBe(14);
    await file.flush();
    expect(readFileSync(path, 'latin1')).toBe('\0\0\0hello world');
    expect(text(await file.read(9, 100))).toBe('world');
  });

  test('into views of the caller\'s, private and shared, in one call', async () => {
    using buffer = runtime.allocate(100);
    const shared = buffer.bytes;
    const own = new Uint8Array(4);
    expect(Object.prototype.toString.call(shared.buffer)).toBe('[object SharedArrayBuffer]');
    await file.writev(0, [bytes('ab'), shared.subarray(0, 0), bytes('cdefgh')]);
    expect(await file.readv(1, [shared.subarray(10, 12), own, shared.subarray(20, 21)])).toBe(7);
    expect([text(shared.slice(9, 13)), text(own), text(shared.slice(20, 22))]).toEqual(['\0bc\0', 'defg', 'h\0']);
    shared.set(bytes('XYZ'), 50);
    await file.write(100, shared.subarray(50, 53));
    expect(await file.read(98, new Uint8Array(2))).toBe(2);
    expect(await file.read(99, own)).toBe(4);
    expect(text(own)).toBe('\0XYZ');
    expect(await file.read(500, own)).toBe(0);
  });

  test('a view of which only a part is filled keeps the rest', async () => {
    const own = bytes('......');
    await file.write(200, bytes('end'));
    expect(await file.read(200, own)).toBe(3);
    expect(text(own)).toBe('end...');
  });

  test('1,000 writes and reads at once, each with its own content', async () => {
    await Promise.all(Array.from({ length: 1000 }, (_, n) => file.write(n * 8, bytes(String(n).padStart(8, '.')))));
    const read = await Promise.all(Array.from({ length: 1000 }, (_, n) => file.read(n * 8, 8)));
    expect(read.map(text)).toEqual(Array.from({ length: 1000 }, (_, n) => String(n).padStart(8, '.')));
  });

  test('a signal that is aborted already: nothing is done', async () => {
    const reason = new Error('enough');
    await expect(file.write(0, bytes('never'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(text(await file.read(0, 8))).toBe('.......0');
  });

  test('aborting many in flight: each ends once, done or canceled, and what was not is whole', async () => {
    const before = new Uint8Array(64).fill(1);
    const after = new Uint8Array(64).fill(2);
    const count = 200;
    for (let n = 0; n < count; n++) await file.write(n * 64, before);
    const controllers = Array.from({ length: count }, () => new AbortController());
    const writes = controllers.map(({ signal }, n) => file.write(n * 64, after, { signal }));
    controllers.forEach((controller, n) => n % 2 === 1 && controller.abort());
    const results = await Promise.allSettled(writes);
    for (let n = 0; n < count; n++) {
      const result = results[n];
      const block = await file.read(n * 64, 64);
      if (n % 2 === 0) expect(result?.status).toBe('fulfilled');
      if (result?.status === 'rejected') expect(result.reason).toBe(controllers[n]?.signal.reason);
      expect(Buffer.compare(block, result?.status === 'fulfilled' ? after : before)).toBe(0);
    }
  });
});

test('a file that was not opened for writing refuses', async () => {
  writeFileSync(pathOf('read-only'), 'data');
  const file = await io.open(pathOf('read-only'));
  const error = await failure(file.write(0, bytes('x')), 'ERR_AIO_IO');
  expect(error.errno).toBe('EBADF');
  expect(error.message).toMatch(/read-only: it was not opened for writing/);
  expect(readFileSync(pathOf('read-only'), 'latin1')).toBe('data');
  await file.close();
});

test('without create a missing file is ENOENT, and is not made', async () => {
  expect((await failure(io.open(pathOf('missing'), { write: true }), 'ERR_AIO_IO')).errno).toBe('ENOENT');
  expect(existsSync(pathOf('missing'))).toBe(false);
});

test('what is wrong is refused by name', async () => {
  expect((await failure(io.open(pathOf('x'), { aio: 'posix' as AioEngine }), 'ERR_AIO_INVALID_ARG')).message)
    .toMatch(/aio must be one of threads, native, io_uring, sync, nbd, not "posix"/);
  expect((await failure(io.open(pathOf('x'), { aioMaxBatch: -1 }), 'ERR_AIO_INVALID_ARG')).message).toMatch(/aioMaxBatch/);
  const file = await io.open(pathOf('file-sync'));
  expect((await failure(file.readv(0, Array.from({ length: 1025 }, () => new Uint8Array(1))), 'ERR_AIO_INVALID_ARG')).message)
    .toMatch(/into\.length must be an integer from 0 to 1024, not 1025/);
  await file.close();
});

test('a buffer is zeros, and is given back when no request uses it', async () => {
  const file = await io.open(pathOf('file-native'), { aio: 'native', write: true });
  const buffer = runtime.allocate(1024 ** 2);
  expect(buffer.bytes.every((byte) => byte === 0)).toBe(true);
  const { bytes: view } = buffer;
  view.fill(7);
  const writing = file.write(0, view);
  buffer.close();
  buffer.close();
  // The memory is the request's still.
  const other = runtime.allocate(1024 ** 2);
  await writing;
  expect((await file.read(0, 1024 ** 2)).every((byte) => byte === 7)).toBe(true);
  expect(() => buffer.bytes).toThrow(/buffer of \d+ bytes is closed/);
  expect((await failure(file.write(0, view), 'ERR_AIO_INVALID_ARG')).message).toMatch(/allocate\(\) did not return, or whose buffer is closed/);
  other.close();
  await file.close();
});

test('aioMaxBatch of a file bounds its batches below that of the IOThread', async () => {
  const own = await runtime.iothread('batches', { aioMaxBatch: 8 });
  const file = await own.open(pathOf('file-native'), { aio: 'native', aioMaxBatch: 2 });
  await Promise.all(Array.from({ length: 100 }, () => file.read(0, 8)));
  const { requests, largestBatch, submissions } = await own.engineStats('native');
  expect(requests).toBe(100);
  expect(largestBatch).toBeLessThanOrEqual(2);
  expect(submissions).toBeGreaterThanOrEqual(50);
  await own.close();
});
