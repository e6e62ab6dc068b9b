// SPDX-License-Identifier: MIT
/** AioFile: what it reads, what it refuses. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioFile, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { BAD_OFFSET } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { replaceStartWorker, startTestWorker, until } from './helpers/workers.js';

const dir = scratch();
const path = join(dir.path, 'data');
/** Every byte tells its offset. */
const data = new Uint8Array(1_000_003).map((_, at) => (at * 7 + (at >> 8)) & 0xff);

let runtime: Runtime;
let io: IOThread;
let file: AioFile;

beforeAll(async () => {
  writeFileSync(path, data);
  runtime = await Runtime.create();
  io = await runtime.iothread('io0', { threadPoolMax: 3 });
  file = await io.open(path);
});
afterAll(async () => {
  await runtime.close();
  dir.remove();
});

test('the size is known', () => expect(file.size).toBe(data.length));

test.each([
  ['from the start', 0, 4096],
  ['across pages', 4000, 9000],
  ['one byte', 999_999, 1],
  ['nothing', 17, 0],
  ['all of it', 0, data.length],
  ['more than there is: as much as there is', 1_000_000, 4096],
  ['at the end: nothing', data.length, 10],
  ['beyond the end: nothing', 2 ** 40, 10],
])('a read %s', async (_, offset, length) => {
  const bytes = await file.read(offset, length);
  expect(Buffer.compare(bytes, data.subarray(offset, offset + length))).toBe(0);
  // A copy of the caller's own, which other APIs take.
  expect(Object.prototype.toString.call(bytes.buffer)).toBe('[object ArrayBuffer]');
});

test('a bigint is an offset too', async () => {
  expect((await file.read(4096n, 3)).join()).toBe(data.subarray(4096, 4099).join());
});

test('1,000 reads at once, each with its own content', async () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 2 ** 31);
  let random = seed;
  const offsets = Array.from({ length: 1000 }, () => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return random % data.length;
  });
  const blocks = await Promise.all(offsets.map((offset) => file.read(offset, 512)));
  const wrong = offsets.filter((offset, n) => Buffer.compare(blocks[n] ?? new Uint8Array(), data.subarray(offset, offset + 512)) !== 0);
  expect({ seed, wrong }).toEqual({ seed, wrong: [] });
});

test.each([[-1], [0.5], [NaN], [-1n], [2n ** 60n], [Infinity]])('offset %p is refused', async (offset) => {
  expect((await failure(file.read(offset, 1), 'ERR_AIO_INVALID_ARG')).message).toMatch(/offset must be an integer/);
});

test.each([[-1], [0.5], [NaN], [2 ** 31]])('length %p is refused', async (length) => {
  expect((await failure(file.read(0, length), 'ERR_AIO_INVALID_ARG')).message).toMatch(/length must be an integer/);
});

test('a missing file: ENOENT, and its name', async () => {
  const error = await failure(io.open('/nowhere/at/all'), 'ERR_AIO_IO');
  expect(error.errno).toBe('ENOENT');
  expect(error.message).toMatch(/^\/nowhere\/at\/all: /);
});

test('a directory: EISDIR', async () => {
  expect((await failure(io.open(dir.path), 'ERR_AIO_IO')).errno).toBe('EISDIR');
});

test('a FIFO, in which a read could not be ended: ENOTSUP', async () => {
  const fifo = join(dir.path, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  expect((await failure(io.open(fifo), 'ERR_AIO_IO')).errno).toBe('ENOTSUP');
});

test('a closed file refuses by name; closing again is nothing', async () => {
  const other = await io.open(path);
  await other.close();
  await other.close();
  expect((await failure(other.read(0, 1), 'ERR_AIO_CLOSED')).message).toContain(path);
});

test('a view that is transferred while it is read into: the request says so, and no other view gets its bytes', async () => {
  const [one, two] = [new Uint8Array(16), new Uint8Array(16)];
  const reading = failure(file.readv(0, [one, two]), 'ERR_AIO_INVALID_ARG');
  structuredClone(one.buffer, { transfer: [one.buffer] });
  expect((await reading).message).toMatch(/view of 16 bytes was transferred/);
  expect(two).toEqual(new Uint8Array(16));
  expect(await file.read(0, two)).toBe(16);
});

test('the array of views is the caller’s again at once', async () => {
  const views = [new Uint8Array(16)];
  const reading = file.readv(0, views);
  const [first] = views.splice(0) as [Uint8Array];
  expect(await reading).toBe(16);
  expect(Buffer.compare(first, data.subarray(0, 16))).toBe(0);
});

test('reads that are in flight when the file is closed end well', async () => {
  const other = await io.open(path);
  const reads = Array.from({ length: 64 }, (_, n) => other.read(n * 100, 100));
  const closed = other.close();
  const blocks = await Promise.all(reads);
  await closed;
  blocks.forEach((block, n) => expect(block.join()).toBe(data.subarray(n * 100, n * 100 + 100).join()));
});

test('a memory that is full is an error, and nothing else', async () => {
  const small = await Runtime.create({ maximumMemory: 24 * 1024 ** 2, reserve: 0 });
  const thread = await small.iothread('small');
  const same = await thread.open(path);
  expect((await failure(same.read(0, 30 * 1024 ** 2), 'ERR_AIO_NO_MEMORY')).message).toMatch(/maximumMemory/);
  expect((await same.read(5, 3)).join()).toBe(data.subarray(5, 8).join());
  await small.close();
});

/** How often this process has it open. */
const openFds = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;

test('closing a file, its IOThread or the runtime gives the fd back', async () => {
  const before = openFds();
  const own = await Runtime.create();
  const [a, b] = await Promise.all([own.iothread('a'), own.iothread('b')]);
  const files = await Promise.all([a.open(path), a.open(path), b.open(path)]);
  expect(openFds()).toBe(before + 3);
  await files[0].close();
  expect(openFds()).toBe(before + 2);
  await a.close();
  expect(openFds()).toBe(before + 1);
  await own.close();
  expect(openFds()).toBe(before);
});

test('a file whose IOThread, or runtime, is closed while it is being opened', async () => {
  const before = openFds();
  const own = await Runtime.create();
  const [a, b] = await Promise.all([own.iothread('a'), own.iothread('b')]);
  const opening = failure(a.open(path), 'ERR_AIO_CLOSED');
  await a.close();
  await opening;
  const late = failure(b.open(path), 'ERR_AIO_CLOSED');
  await own.close();
  await late;
  await until(() => openFds() === before);
});

test('the owner sees what is read after a worker has made the memory grow', async () => {
  const own = await Runtime.create({ module: fixture('threads') });
  const thread = await own.iothread('io0');
  const same = await thread.open(path);
  expect((await same.read(0, 100)).join()).toBe(data.subarray(0, 100).join());
  for (let step = 0; step < 4; step++) {
    expect(await thread.call('take_memory', 24 * 1024 ** 2)).toBe(1);
    // Its buffer lies behind what has been taken, where old views do not reach.
    const all = await same.read(0, data.length);
    expect(Buffer.compare(all, data)).toBe(0);
  }
  await own.close();
});

test('an error of the host in the middle of a read', async () => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const own = await Runtime.create();
    const same = await (await own.iothread('io0')).open(path);
    const error = await failure(same.read(BAD_OFFSET, 10), 'ERR_AIO_IO');
    expect(error.errno).toBe('EIO');
    expect(error.message).toContain(`${path}: read of 10 bytes at ${BAD_OFFSET}`);
    expect((await same.read(0, 10)).length).toBe(10);
    await own.close();
  } finally {
    restore();
  }
});
