// SPDX-License-Identifier: MIT
/** io.open('nbd://…') in Node, against a server in this file's process. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Runtime, type AioFile, type IOThread } from 'wasm-aio';
import { scratch, wasmAio } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { NbdPeer, type PeerOptions } from './helpers/nbd-peer.js';
import { cli, pathOf } from './helpers/paths.js';

const SIZE = 1_000_003;
/** Every byte tells its offset. */
const content = (): Buffer => Buffer.from(new Uint8Array(SIZE).map((_, at) => (at * 7 + (at >> 8)) & 0xff));
const cert = readFileSync(pathOf('test/jest/fixtures/tls/cert.pem'), 'utf8');
const key = readFileSync(pathOf('test/jest/fixtures/tls/key.pem'), 'utf8');

const dir = scratch();
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

async function serve(options: PeerOptions = {}): Promise<{ peer: NbdPeer; url: string }> {
  peer = new NbdPeer(content(), options);
  return { peer, url: `nbd://127.0.0.1:${await peer.listen()}/disk` };
}

test('an IOThread has at most 256 exports open, and says so', async () => {
  const { url } = await serve();
  const files = await Promise.all(Array.from({ length: 256 }, () => io.open(url)));
  const error = await failure(io.open(url), 'ERR_AIO_IO');
  expect(error).toMatchObject({ errno: 'EMFILE', message: `${url}: this IOThread has 256 exports open: close one, or open it in another IOThread` });
  await files.pop()?.close();
  files.push(await io.open(url));
  await Promise.all(files.map((file) => file.close()));
});

test.each([
  ['structured replies', {}],
  ['simple replies', { structured: false }],
  ['replies out of order', { reversed: true }],
])('reads, writes and flushes with %s', async (_, options) => {
  const { peer, url } = await serve(options);
  await using file = await io.open(url, { write: true });
  expect(file.aio).toBe('nbd');
  expect(file.size).toBe(SIZE);
  expect(file.path).toBe(url);
  const expected = content();
  const pairs = Array.from({ length: 20 }, (_, n) => [n * 50_000, 3 + n * 1000] as const);
  const read = await Promise.all(pairs.map(([offset, length]) => file.read(offset, length)));
  read.forEach((bytes, n) => {
    const [offset, length] = pairs[n] as readonly [number, number];
    expect(Buffer.compare(bytes, expected.subarray(offset, offset + length))).toBe(0);
  });
  const data = Buffer.alloc(300_000, 'wasm-aio');
  const buffer = runtime.allocate(5000);
  buffer.bytes.fill(9);
  await Promise.all([file.writev(1001, [data.subarray(0, 100_000), new Uint8Array(0), data.subarray(100_000)]), file.write(500_000, buffer.bytes)]);
  await Promise.all([file.flush(), file.flush()]);
  expect(peer.flushes).toBe(2);
  data.copy(expected, 1001);
  expected.fill(9, 500_000, 505_000);
  expect(Buffer.compare(peer.disk, expected)).toBe(0);
  const one = new Uint8Array(7);
  const [done, also] = await Promise.all([file.readv(SIZE - 5, [one.subarray(0, 3), one.subarray(3)]), file.read(0, 1)]);
  expect([done, also.length]).toEqual([5, 1]);
  expect([...one]).toEqual([...expected.subarray(SIZE - 5), 0, 0]);
  expect((await file.read(2 ** 40, 10)).length).toBe(0);
  expect((await file.stat()).size).toBe(SIZE);
});

test('the engine counts what it does', async () => {
  const before = await io.engineStats('nbd');
  const { url } = await serve();
  await using file = await io.open(url);
  await Promise.all(Array.from({ length: 10 }, (_, n) => file.read(n * 10, 10)));
  const after = await io.engineStats('nbd');
  expect(after.requests - before.requests).toBe(10);
  expect(after.submissions).toBeGreaterThan(before.submissions);
});

test('closing the file says good-bye to the server, and the thread sleeps as before', async () => {
  const { peer, url } = await serve();
  const file = await io.open(url);
  await file.read(0, 10);
  await file.close();
  await file.close();
  await failure(file.read(0, 1), 'ERR_AIO_CLOSED');
  while (peer.sockets.size > 0) await new Promise(setImmediate);
  expect(peer.goodByes).toBe(1);
  expect(typeof (await io.clock())).toBe('number');
});

test('a Unix socket', async () => {
  const path = join(dir.path, 'nbd.sock');
  peer = new NbdPeer(content(), { name: 'a b/ü' });
  await peer.listen({ path });
  await using file = await io.open(`nbd+unix:///a%20b/%C3%BC?socket=${encodeURIComponent(path)}`);
  expect(Buffer.compare(await file.read(1000, 1000), content().subarray(1000, 2000))).toBe(0);
});

describe('TLS', () => {
  test('with the right authority', async () => {
    const { url } = await serve({ tls: { cert, key } });
    await using file = await io.open(url.replace('nbd:', 'nbds:'), { tls: { ca: cert } });
    expect(Buffer.compare(await file.read(0, 500_000), content().subarray(0, 500_000))).toBe(0);
  });

  test('a certificate that nobody trusts is refused', async () => {
    const { url } = await serve({ tls: { cert, key } });
    const error = await failure(io.open(url.replace('nbd:', 'nbds:')), 'ERR_AIO_IO');
    expect(error.message).toMatch(/TLS with 127\.0\.0\.1:\d+ failed: .*self-signed/);
  });

  test('a server that demands it, or has none', async () => {
    const tls = await serve({ tls: { cert, key } });
    const error = await failure(io.open(tls.url), 'ERR_AIO_IO');
    expect(error.message).toMatch(/use nbds:/);
    expect(error.errno).toBe('EACCES');
    await peer?.close();
    const plain = await serve();
    expect((await failure(io.open(plain.url.replace('nbd:', 'nbds:')), 'ERR_AIO_IO')).message).toMatch(/the server has no TLS/);
  });
});

describe('what cannot be opened', () => {
  test('an export that there is not', async () => {
    const { url } = await serve();
    const error = await failure(io.open(`${url}s`), 'ERR_AIO_IO');
    expect(error.errno).toBe('ENOENT');
    expect(error.message).toMatch(/no export named 'disks'.*no such export/);
  });

  test('nobody listens', async () => {
    const { url } = await serve();
    await peer?.close();
    const error = await failure(io.open(url), 'ERR_AIO_IO');
    expect(error.errno).toBe('ECONNREFUSED');
    expect(error.message).toMatch(/cannot connect to 127\.0\.0\.1:\d+/);
  });

  test('another server', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await failure(io.open(`nbd://127.0.0.1:${port}/`), 'ERR_AIO_IO');
    server.close();
    expect(error.message).toMatch(/no NBD server/);
  });

  test('a server that says nothing', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const error = await failure(io.open(`nbd://127.0.0.1:${port}/`, { requestTimeout: 30 }), 'ERR_AIO_IO');
    const reason = new Error('enough');
    await expect(io.open(`nbd://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(20), requestTimeout: 100 })).rejects.toThrow(/abort|timeout/i);
    await expect(io.open(`nbd://127.0.0.1:${port}/`, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    server.close();
    expect(error.errno).toBe('ETIMEDOUT');
  });

  test('to write what is read-only', async () => {
    const { url } = await serve({ flags: 1 | 2 });
    expect((await failure(io.open(url, { write: true }), 'ERR_AIO_IO')).errno).toBe('EROFS');
    await using file = await io.open(url);
    expect((await failure(file.write(0, new Uint8Array(1)), 'ERR_AIO_IO')).errno).toBe('EBADF');
  });

  test('its size is the server\'s', async () => {
    const { url } = await serve();
    await using file = await io.open(url, { write: true });
    expect((await failure(file.truncate(0), 'ERR_AIO_UNSUPPORTED')).message).toMatch(/the size that its server gives it/);
    expect((await failure(file.write(SIZE - 1, new Uint8Array(2)), 'ERR_AIO_IO')).errno).toBe('ENOSPC');
  });

  test.each([
    ['nbd://[', /no URL/],
    ['nbd+tcp://host/', /unknown scheme/],
    ['nbds+ws://host/', /unknown scheme/],
    ['nbd://user@host/', /a user/],
    ['nbd://host/%ff', /not valid UTF-8/],
    ['nbd://host/?socket=x', /unknown parameter 'socket'/],
    ['nbd+unix:///', /\?socket=PATH/],
    ['nbd+unix://host/?socket=x', /three slashes/],
    [`nbd://host/${'x'.repeat(4097)}`, /4096/],
  ])('%.40s', async (url, message) => {
    expect((await failure(io.open(url), 'ERR_AIO_INVALID_ARG')).message).toMatch(message);
  });

  test('options that do not fit', async () => {
    await failure(io.open('nbd://host/', { aio: 'threads' }), 'ERR_AIO_INVALID_ARG');
    await failure(io.open('nbd://host/', { create: true }), 'ERR_AIO_INVALID_ARG');
    await failure(io.open('nbd://host/', { tls: {} }), 'ERR_AIO_INVALID_ARG');
    await failure(io.open('nbd://host/', { connections: 17 }), 'ERR_AIO_INVALID_ARG');
    await failure(io.open('/a/file', { aio: 'nbd' }), 'ERR_AIO_INVALID_ARG');
  });
});

describe('connections that are lost', () => {
  test('requests in flight are sent again on a new one', async () => {
    let losses = 0;
    const { peer, url } = await serve({
      ignore({ type }, socket) {
        if (type !== 0 || losses === 3) return false;
        losses++;
        // Half a reply, and the end.
        socket.end(Buffer.from('668e33ef00010001', 'hex'));
        return true;
      },
    });
    await using file = await io.open(url, { write: true });
    const writes = Array.from({ length: 30 }, (_, n) => file.write(n * 10_000, Buffer.alloc(5000, n)));
    const bytes = await file.read(700_000, 100_000);
    await Promise.all(writes);
    expect(losses).toBe(3);
    expect(peer.connections).toBe(4);
    expect(Buffer.compare(bytes, content().subarray(700_000, 800_000))).toBe(0);
    for (let n = 0; n < 30; n++) expect(peer.disk.subarray(n * 10_000, n * 10_000 + 5000).every((byte) => byte === n)).toBe(true);
  });

  test('the server comes back within the delay', async () => {
    const { peer: first, url } = await serve({ ignore: () => true });
    const file = await io.open(url, { reconnectDelay: 60_000 });
    const reading = file.read(10, 10);
    while (first.requests === 0) await new Promise(setImmediate);
    const port = Number(new URL(url).port);
    await first.close();
    peer = new NbdPeer(content());
    await peer.listen({ port });
    expect([...(await reading)]).toEqual([...content().subarray(10, 20)]);
    await file.close();
  });

  test('without a delay they reject, and the next request connects again', async () => {
    const { peer: first, url } = await serve({ ignore: ({ offset }) => offset === 10 });
    await using file = await io.open(url, { reconnectDelay: 0 });
    const reading = file.read(10, 10);
    while (first.requests === 0) await new Promise(setImmediate);
    first.drop();
    const error = await failure(reading, 'ERR_AIO_IO');
    expect(error.errno).toBe('ECONNRESET');
    expect(error.message).toMatch(/: read of 10 bytes at 10: ECONNRESET: .*connection/);
    expect((await file.read(0, 10)).length).toBe(10);
    await first.close();
    expect((await failure(file.read(0, 10), 'ERR_AIO_IO')).errno).toMatch(/ECONNRE/);
  });

  test('a server that does not answer counts as lost', async () => {
    const { url } = await serve({ ignore: () => true });
    const file: AioFile = await io.open(url, { write: true, reconnectDelay: 0, requestTimeout: 50 });
    const error = await failure(file.read(0, 10), 'ERR_AIO_IO');
    expect(error.errno).toBe('ETIMEDOUT');
    expect(error.message).toBe(`${url}: read of 10 bytes at 0: ETIMEDOUT: the server has been silent for 50 ms`);
    // An error that is not the loss has nothing to do with it.
    expect((await failure(file.write(SIZE, new Uint8Array(1)), 'ERR_AIO_IO')).message).toBe(`${url}: write of 1 bytes at ${SIZE}: ENOSPC`);
    await file.close();
  });

  test('a request says what the server did wrong', async () => {
    const { url } = await serve({
      ignore(_, socket) {
        socket.write('GET / HTTP/1.1\r\n\r\n');
        return true;
      },
    });
    await using file = await io.open(url, { reconnectDelay: 0 });
    const error = await failure(file.read(0, 4096), 'ERR_AIO_IO');
    expect(error.errno).toBe('EPROTO');
    expect(error.message).toBe(`${url}: read of 4096 bytes at 0: EPROTO: the server has sent something else than a reply (0x47455420)`);
  });

  test('several connections, where the server allows them', async () => {
    const { peer, url } = await serve({ flags: 1 | 4 | (1 << 8) });
    await using file = await io.open(url, { connections: 4 });
    while (peer.connections < 4) await file.read(0, 1);
    expect(Buffer.compare(await file.read(0, SIZE), content())).toBe(0);
  });
});

test('an image of wasm-aio nbd-serve is the file, and the bench verifies it', async () => {
  const image = join(dir.path, 'disk.img');
  const socket = join(dir.path, 'served.sock');
  const seeded = await wasmAio('bench', '--create-only', `--filename=${image}`, '--size=4m');
  expect(seeded.code).toBe(0);
  const server = spawn(process.execPath, [cli, 'nbd-serve', `--unix=${socket}`, image], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    const url = `nbd+unix:///?socket=${socket}`;
    const file = await io.open(url, { write: true, connections: 2 });
    expect(Buffer.compare(await file.read(0, file.size), readFileSync(image))).toBe(0);
    const { code, stdout } = await wasmAio('bench', `--filename=${url}`, '--number-ios=200', '--iodepth=2', '--verify', '--json');
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { jobs: [{ ios: number; loops: { wakeups_sent: number }[] }] };
    expect(result).toMatchObject({ jobs: [{ ios: 200 }] });
    // A reply runs a turn of the loop itself, without waking it.
    for (const { wakeups_sent } of result.jobs[0].loops) expect(wakeups_sent).toBeLessThan(20);
    const data = Buffer.alloc(100_000, 'nbd');
    await Promise.all([file.write(0, data), file.write(1_000_001, data)]);
    await file.flush();
    const now = readFileSync(image);
    expect(Buffer.compare(now.subarray(0, 100_000), data)).toBe(0);
    expect(Buffer.compare(now.subarray(1_000_001, 1_100_001), data)).toBe(0);
    await file.close();
  } finally {
    const ended = once(server, 'close');
    server.kill('SIGTERM');
    await ended;
  }
});

test('an IOThread that is closed closes its exports', async () => {
  const { peer, url } = await serve();
  const other = await runtime.iothread('io1');
  const file = await other.open(url);
  await file.read(0, 10);
  await other.close();
  while (peer.sockets.size > 0) await new Promise(setImmediate);
  await failure(file.read(0, 1), 'ERR_AIO_CLOSED');
});

test('an IOThread that is terminated leaves nothing behind', async () => {
  const { peer, url } = await serve({ ignore: () => true });
  const other = await runtime.iothread('io1');
  const file = await other.open(url);
  const reading = failure(file.read(0, 10), 'ERR_AIO_THREAD_LOST');
  while (peer.requests === 0) await new Promise(setImmediate);
  await other.terminate();
  await reading;
  await file.close();
  while (peer.sockets.size > 0) await new Promise(setImmediate);
});
