// SPDX-License-Identifier: MIT
/** AioFile: writeZeroes, discard, blockStatus and FUA, on files of this machine and on exports of NBD servers. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioEngine, type AioFile, type FileExtent, type IOThread } from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { be, chunk, NbdPeer, type PeerOptions } from './helpers/nbd-peer.js';
import { cli, pathOf } from './helpers/paths.js';

const SIZE = 300_000;
const [FUA, NO_HOLE] = [1, 2];
const [WRITE, FLUSH, TRIM, ZEROES, STATUS] = [1, 3, 4, 6, 7];
/** All that a server may offer. */
const ALL = 1 | 4 | 8 | 32 | 64;

const dir = scratch(true);
let runtime: Runtime;
let io: IOThread;
let peer: NbdPeer | undefined;

beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread('io0');
});
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});
afterAll(async () => {
  await runtime.close();
  dir.remove();
});

const ones = (): Buffer => Buffer.alloc(SIZE, 1);
/** The content of ones(), with zeros in a range. */
const withZeros = (from: number, length: number): Buffer => ones().fill(0, from, from + length);

async function extentsOf(extents: AsyncIterable<FileExtent>): Promise<FileExtent[]> {
  const all: FileExtent[] = [];
  for await (const extent of extents) all.push(extent);
  return all;
}

describe.each<AioEngine>(['threads', 'native', 'io_uring', 'sync'])('%s', (aio) => {
  let path: string;
  let file: AioFile;
  beforeAll(async () => {
    path = join(dir.path, `file-${aio}`);
    writeFileSync(path, ones());
    file = await io.open(path, { aio, write: true });
  });
  afterAll(() => file.close());

  test('zeros are written, also beyond the end', async () => {
    await file.writeZeroes(777, 150_000n);
    expect(Buffer.compare(readFileSync(path), withZeros(777, 150_000))).toBe(0);
    await file.writeZeroes(SIZE - 1, 3, { mayUnmap: true, fua: true });
    expect(file.size).toBe(SIZE + 2);
    expect([...readFileSync(path).subarray(SIZE - 2)]).toEqual([1, 0, 0, 0]);
    await file.writeZeroes(2 ** 40, 0);
    expect((await file.stat()).size).toBe(SIZE + 2);
  });

  test('FUA is a flush after the write', async () => {
    const before = aio === 'native' || aio === 'io_uring' ? await io.engineStats(aio) : undefined;
    await file.write(10, Buffer.from('fua'), { fua: true });
    await file.writev(13, [Buffer.from('f'), Buffer.from('ua')], { fua: true });
    await file.write(16, Buffer.from('not'), { fua: false });
    expect(readFileSync(path, 'latin1').slice(10, 19)).toBe('fuafuanot');
    if (before) expect((await io.engineStats(aio)).requests - before.requests).toBe(5);
  });

  test('to discard is a hint that nothing is done about, and all is data', async () => {
    const before = readFileSync(path);
    await file.discard(0, 4096);
    expect(Buffer.compare(readFileSync(path), before)).toBe(0);
    const { length } = before;
    expect(await extentsOf(file.blockStatus(100, 2n ** 50n))).toEqual([{ offset: 100, length: length - 100, zero: false, hole: false }]);
    expect(await extentsOf(file.blockStatus(100, 200))).toEqual([{ offset: 100, length: 200, zero: false, hole: false }]);
    expect(await extentsOf(file.blockStatus(length, 200))).toEqual([]);
  });

  test('what is wrong', async () => {
    await using read = await io.open(path, { aio });
    expect((await failure(read.writeZeroes(0, 1), 'ERR_AIO_IO')).errno).toBe('EBADF');
    expect((await failure(read.discard(0, 1), 'ERR_AIO_IO')).errno).toBe('EBADF');
    await failure(file.writeZeroes(2 ** 53 - 1, 1), 'ERR_AIO_INVALID_ARG');
    expect(() => file.blockStatus(0, -1)).toThrow(/length must be/);
    const reason = new Error('enough');
    await expect(file.writeZeroes(0, 1, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(extentsOf(file.blockStatus(0, 1, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });
});

test('an abort ends zeros of a file between two parts', async () => {
  await using file = await io.open(join(dir.path, 'long'), { aio: 'native', create: true });
  const abort = new AbortController();
  const reason = new Error('enough');
  // Nobody would wait for its end.
  const zeros = file.writeZeroes(0, 2 ** 52, { signal: abort.signal });
  while ((await file.stat()).size === 0) await new Promise(setImmediate);
  abort.abort(reason);
  await expect(zeros).rejects.toBe(reason);
});

async function serve(options: PeerOptions): Promise<{ peer: NbdPeer; file: AioFile }> {
  peer = new NbdPeer(ones(), options);
  const url = `nbd://127.0.0.1:${await peer.listen()}/disk`;
  return { peer, file: await io.open(url, { write: true }) };
}
const asked = (peer: NbdPeer): unknown[] => peer.asked.map(({ type, flags, offset, length }) => [type, flags, offset, length]);

describe('nbd', () => {
  test('a server that offers all', async () => {
    const { peer, file } = await serve({ flags: ALL, extents: [[100_000, 0], [1000, 3], [500, 3], [4096, 0], [SIZE, 2]] });
    await file.write(0, Buffer.alloc(10, 2), { fua: true });
    await file.writeZeroes(1000, 5000);
    await file.writeZeroes(1, 2, { mayUnmap: true });
    await file.writeZeroes(1, 2, { mayUnmap: true, fua: true });
    await file.discard(8192, 4096);
    expect(await extentsOf(file.blockStatus(100_000, 2 ** 40))).toEqual([
      { offset: 100_000, length: 1500, zero: true, hole: true },
      { offset: 101_500, length: 4096, zero: false, hole: false },
      { offset: 105_596, length: SIZE - 105_596, zero: true, hole: false },
    ]);
    expect(asked(peer)).toEqual([
      [WRITE, FUA, 0, 10], [ZEROES, NO_HOLE, 1000, 5000], [ZEROES, 0, 1, 2], [ZEROES, FUA, 1, 2], [TRIM, 0, 8192, 4096],
      [STATUS, 0, 100_000, SIZE - 100_000],
    ]);
    const expected = withZeros(1000, 5000).fill(2, 0, 10).fill(0, 1, 3);
    expect(Buffer.compare(peer.disk, expected)).toBe(0);
    await file.close();
  });

  test('a server that offers nothing', async () => {
    const { peer, file } = await serve({ flags: 1 | 4 });
    await file.write(0, Buffer.alloc(10, 1), { fua: true });
    await file.writeZeroes(1000, 70_000, { fua: true });
    await file.discard(8192, 4096);
    expect(await extentsOf(file.blockStatus(0, 10))).toEqual([{ offset: 0, length: 10, zero: false, hole: false }]);
    expect(asked(peer)).toEqual([[WRITE, 0, 0, 10], [FLUSH, 0, 0, 0], [WRITE, 0, 1000, 65_536], [WRITE, 0, 66_536, 4464], [FLUSH, 0, 0, 0]]);
    expect(Buffer.compare(peer.disk, withZeros(1000, 70_000))).toBe(0);
    expect((await failure(file.writeZeroes(SIZE, 1), 'ERR_AIO_IO')).errno).toBe('ENOSPC');
    await file.close();
  });

  test('a server that tells a little each time is asked again, and neighbours that are alike are one extent', async () => {
    const { peer, file } = await serve({ flags: ALL, extents: Array.from({ length: 10 }, () => [1000, 3]), mostExtents: 1 });
    expect(await extentsOf(file.blockStatus(0, 5500))).toEqual([{ offset: 0, length: 5500, zero: true, hole: true }]);
    expect(asked(peer).length).toBe(6);
    await file.close();
  });

  test('more extents than are asked for at once', async () => {
    const { file } = await serve({ flags: ALL, extents: Array.from({ length: 3000 }, (_, n) => [1 + (n % 2), n % 2 ? 3 : 0]) });
    const extents = await extentsOf(file.blockStatus(0, 4000));
    expect(extents.reduce((sum, { length }) => sum + length, 0)).toBe(4000);
    let at = 0;
    for (const [n, { offset, length, zero, hole }] of extents.entries()) {
      expect(offset).toBe(at);
      at += length;
      expect(zero).toBe(hole);
      if (n > 0) expect(zero).not.toBe(extents[n - 1]?.zero);
    }
    await file.close();
  });

  test('what a server says about an error is in the message, without what could do something to a terminal', async () => {
    const { file } = await serve({
      flags: ALL,
      ignore({ cookie, type }, socket) {
        if (type !== ZEROES) return false;
        const text = Buffer.from('the \x1b[2Jdisk is on fire');
        socket.write(chunk(0x8001, cookie, Buffer.concat([be(5, 4), be(text.length, 2), text])));
        return true;
      },
    });
    const { message, errno } = await failure(file.writeZeroes(0, 10), 'ERR_AIO_IO');
    expect(errno).toBe('EIO');
    expect(message).toBe(`${file.path}: writeZeroes of 10 bytes at 0: EIO: the server says: the ?[2Jdisk is on fire`);
    await file.close();
  });

  test('wasm-aio nbd-serve has zeros, FUA and block status', async () => {
    const image = join(dir.path, 'disk.img');
    const socket = join(dir.path, 'served.sock');
    writeFileSync(image, ones());
    const server = spawn(process.execPath, [cli, 'nbd-serve', `--unix=${socket}`, image], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(server.stdout, 'data');
      await using file = await io.open(`nbd+unix:///?socket=${socket}`, { write: true });
      await file.write(0, Buffer.alloc(10, 1), { fua: true });
      await Promise.all([file.writeZeroes(777, 150_000, { mayUnmap: true, fua: true }), file.discard(0, 512)]);
      expect(Buffer.compare(readFileSync(image), withZeros(777, 150_000))).toBe(0);
      expect(await extentsOf(file.blockStatus(5, SIZE))).toEqual([{ offset: 5, length: SIZE - 5, zero: false, hole: false }]);
    } finally {
      const ended = once(server, 'close');
      server.kill('SIGTERM');
      await ended;
    }
  });
});

test('a module that was built before is refused by name, and does what it could', async () => {
  const built = readFileSync(pathOf('dist/aio.wasm'));
  const name = 'rt_file_request_range';
  const at = built.indexOf(name);
  expect(at).toBeGreaterThan(0);
  built.write('rt_file_request_ranges'.slice(1), at);
  await using other = await Runtime.create({ module: new WebAssembly.Module(built) });
  const thread = await other.iothread('io');
  const path = join(dir.path, 'earlier');
  await using file = await thread.open(path, { create: true });
  await file.write(0, Buffer.from('text'));
  const error = await failure(file.write(0, Buffer.from('x'), { fua: true }), 'ERR_AIO_UNSUPPORTED');
  expect(error.message).toBe(`${path}: write of 1 bytes at 0: the module was built by a version without it: build it again`);
  await failure(file.writeZeroes(0, 1), 'ERR_AIO_UNSUPPORTED');
  expect(readFileSync(path, 'latin1')).toBe('text');
});
