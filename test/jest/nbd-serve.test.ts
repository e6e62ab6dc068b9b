// SPDX-License-Identifier: MIT
/** The command `wasm-aio nbd-serve`: real files, addresses, signals. */
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Runtime } from 'wasm-aio';
import { scratch, wasmAio } from './helpers/child.js';
import { CMD, FUA, OPT, RawNbd, REP, goData, request } from './helpers/nbd-client.js';
import { cli, pathOf } from './helpers/paths.js';
import { RawWebSocket } from './helpers/web-socket-client.js';

const dir = scratch(true);
afterAll(dir.remove);
const SIZE = 1024 ** 2;
const disk = join(dir.path, 'disk.img');
const content = (): Buffer => Buffer.from(Uint32Array.from({ length: SIZE / 4 }, (_, n) => n * 2654435761).buffer);
writeFileSync(disk, content());
/** With characters that mean something in an URL. */
const socket = join(dir.path, 'a socket & #1');

interface Serving {
  url: string;
  /** What it has said on standard error. */
  stderr: () => string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

let last: ChildProcess | undefined;
afterEach(() => void last?.kill('SIGKILL'));

async function serve(...args: string[]): Promise<Serving> {
  const child = (last = spawn(process.execPath, [cli, 'nbd-serve', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
  const ended = (once(child, 'close') as Promise<[number | null]>).then(([code]) => code);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [said] = (await Promise.race([once(child.stdout ?? child, 'data'), ended])) as [unknown];
  const stop = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return { url: String(said).replace(/ \(Ctrl-C ends it\)\n$/, ''), stderr: () => stderr, ended, stop };
}

test('several connections and IOThreads read and write the file', async () => {
  writeFileSync(disk, content());
  const { url, stop, stderr } = await serve('--bind=127.0.0.1:0', '--aio=native', '--iothreads=2', '--export=a disk', disk);
  const [, port] = /^nbd:\/\/127\.0\.0\.1:(\d+)\/a%20disk$/.exec(url) ?? [];
  const expected = content();
  const clients = await Promise.all([1, 2, 3].map(() => RawNbd.go(Number(port))));
  await Promise.all(clients.map(async (client, n) => {
    const data = Buffer.alloc(70_000, n + 1);
    expect(await client.ask({ type: CMD.WRITE, offset: n * 100_000 + 1, data, flags: n === 1 ? FUA : 0 })).toMatchObject({ error: 0 });
    expected.set(data, n * 100_000 + 1);
    expect(await client.ask({ type: CMD.WRITE_ZEROES, offset: n * 100_000 + 500, length: 1000 })).toMatchObject({ error: 0 });
    expected.fill(0, n * 100_000 + 500, n * 100_000 + 1500);
  }));
  for (const client of clients) expect((await client.ask({ type: CMD.READ, length: SIZE })).data.equals(expected)).toBe(true);
  expect(await stop('SIGINT')).toBe(0);
  expect(readFileSync(disk).equals(expected)).toBe(true);
  expect(stderr()).toBe('');
});

test('by WebSocket, without TLS and with it, to the client of this package', async () => {
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io0');
  const tls = [`--tls-cert=${pathOf('test/jest/fixtures/tls/cert.pem')}`, `--tls-key=${pathOf('test/jest/fixtures/tls/key.pem')}`];
  writeFileSync(disk, content());
  try {
    const { url, stop, stderr } = await serve('--ws', '--bind=127.0.0.1:0', '--origin=https://example.org/', '--export=disk', disk);
    expect(url).toMatch(/^nbd\+ws:\/\/127\.0\.0\.1:\d+\/disk$/);
    if ('WebSocket' in globalThis) {
      const file = await io.open(url, { write: true });
      await file.write(5, Buffer.from('by WebSocket'));
      expect(Buffer.compare(await file.read(0, SIZE), readFileSync(disk))).toBe(0);
      await file.close();
    }
    const page = await RawWebSocket.open(Number(new URL(url).port), { Origin: 'https://example.org' });
    page.destroy();
    expect([await stop('SIGTERM'), stderr()]).toEqual([0, '']);
    const secured = await serve('--ws', '--bind=127.0.0.1:0', ...tls, disk);
    expect(secured.url).toMatch(/^nbd\+wss:\/\/127\.0\.0\.1:\d+\/$/);
    const socket = connect({ port: Number(new URL(secured.url).port), host: '127.0.0.1', ca: readFileSync(pathOf('test/jest/fixtures/tls/cert.pem')), servername: 'localhost' });
    await once(socket, 'secureConnect');
    const inside = await RawWebSocket.over(socket);
    const nbd = new RawNbd(inside as unknown as Socket);
    await nbd.greet();
    expect((await nbd.negotiate(OPT.STARTTLS))[0]?.type).toBe(REP.ERR_UNSUP);
    await nbd.acked(OPT.GO, goData());
    expect((await nbd.ask({ type: CMD.READ, length: SIZE })).data.equals(readFileSync(disk))).toBe(true);
    inside.destroy();
    expect([await secured.stop('SIGTERM'), secured.stderr()]).toEqual([0, '']);
  } finally {
    await runtime.close();
  }
});

test('SIGTERM: what was in flight is answered and in the file, and the socket is gone', async () => {
  writeFileSync(disk, content());
  const { url, ended, stop } = await serve(`--unix=${socket}`, disk);
  expect(new URL(url)).toMatchObject({ protocol: 'nbd+unix:', pathname: '/', hash: '' });
  expect(new URL(url).searchParams.get('socket')).toBe(socket);
  const client = await RawNbd.go(socket);
  // Many requests, of which the signal finds some at each stage.
  const block = 4096;
  for (let n = 0; n < SIZE / block; n++) client.send(request({ type: CMD.WRITE, offset: n * block, data: Buffer.alloc(block, 0xee), cookie: n }));
  await client.bytes(16);
  void stop('SIGTERM');
  const done = [0];
  for (;;) {
    const reply = await client.reply().catch(() => undefined);
    if (!reply) break;
    expect(reply.error).toBe(0);
    done.push(Number(reply.cookie));
  }
  // Nothing but whole replies.
  expect(client.left).toBe(0);
  expect(await ended).toBe(0);
  const after = readFileSync(disk);
  for (const n of done.slice(1)) expect(after.subarray(n * block, (n + 1) * block).equals(Buffer.alloc(block, 0xee))).toBe(true);
  expect(existsSync(socket)).toBe(false);
});

test('a socket that a killed server has left is replaced; another server\'s is not, nor is a port', async () => {
  await (await serve(`--unix=${socket}`, disk)).stop('SIGKILL');
  expect(existsSync(socket)).toBe(true);
  const { stop } = await serve(`--unix=${socket}`, '--read-only', disk);
  expect(await wasmAio('nbd-serve', `--unix=${socket}`, disk)).toMatchObject({ code: 1, stdout: '', stderr: `wasm-aio: --unix=${socket}: another program listens there: choose another name\n` });
  const client = await RawNbd.go(socket);
  expect(await client.ask({ type: CMD.WRITE, data: Buffer.from('x') })).toMatchObject({ error: 1 });
  expect(await stop('SIGTERM')).toBe(0);
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  expect(await wasmAio('nbd-serve', `--bind=127.0.0.1:${port}`, disk)).toMatchObject({ code: 1, stdout: '', stderr: `wasm-aio: --bind=127.0.0.1:${port}: the port is in use: choose another one\n` });
  other.close();
});

test('an address that others can reach is told with what that means, and faults are lines; the server goes on', async () => {
  const { url, stop, stderr } = await serve('--bind=0.0.0.0:0', disk);
  const [, port] = /^nbd:\/\/0\.0\.0\.0:(\d+)\/$/.exec(url) ?? [];
  for (let n = 0; n < 15; n++) {
    const client = await RawNbd.go(Number(port));
    client.send(request({ type: CMD.READ, magic: 1 }));
    await client.ended;
  }
  expect((await (await RawNbd.go(Number(port))).ask({ type: CMD.READ, length: 4 })).data).toHaveLength(4);
  expect(await stop('SIGINT')).toBe(0);
  const [warning, ...faults] = stderr().trimEnd().split('\n');
  expect(warning).toMatch(/^wasm-aio: nbd-serve: 0\.0\.0\.0:\d+ is not of this machine alone, and NBD has no authentication: /);
  expect(faults).toHaveLength(11);
  expect(faults[0]).toMatch(/^wasm-aio: nbd-serve: 127\.0\.0\.1:\d+: a request has the wrong magic 0x1: the connection was closed$/);
  expect(faults[10]).toBe('wasm-aio: nbd-serve: 5 more such lines were left out');
});

test('what cannot be served is one sentence', async () => {
  const cases: [args: string[], code: number, words: RegExp][] = [
    [[], 2, /^wasm-aio: no file is named; usage: wasm-aio nbd-serve /],
    [['--bind=127.0.0.1:0', '--unix=x', disk], 2, /--bind and --unix exclude each other/],
    [['--ws', '--unix=x', disk], 2, /--ws and --unix exclude each other: a page connects by TCP/],
    [['--origin=https://example.org', disk], 2, /--origin is for pages: give --ws, too/],
    [['--ws', '--origin=example.org', disk], 2, /--origin=example\.org: must be the origin of a page, such as https/],
    [['--ws', '--origin=https://example.org/page', disk], 2, /must be the origin of a page/],
    [['--bind=127.0.0.1:http', disk], 2, /--bind=127\.0\.0\.1:http: must be HOST:PORT/],
    [['--bind=127.0.0.1:65536', disk], 2, /--bind=65536: must be a whole number/],
    [['--aio=fast', disk], 2, /--aio=fast: must be one of auto, threads, native, io_uring, sync$/m],
    [[join(dir.path, 'none')], 1, /none.*ENOENT/],
    [['--read-only', dir.path], 1, /is no regular file/],
  ];
  await Promise.all(cases.map(async ([args, code, words]) => {
    const ended = await wasmAio('nbd-serve', ...args);
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(words) });
    expect(ended.stderr).toMatch(/^wasm-aio: [^\n]*\n$/);
  }));
});
