// SPDX-License-Identifier: MIT
/** The programs of docs/examples, and guests on streams of every kind. */
import { afterAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { MessageChannel } from 'node:worker_threads';
import * as library from 'wasm-aio/wasi';
import { runScript, scratch } from './helpers/child.js';
import { cli, pathOf, top } from './helpers/paths.js';
import { filterGuest, pollGuest } from './helpers/wasi-streams.js';

const { WasiHost } = library;
const dir = scratch();
afterAll(dir.remove);
/** For what takes seconds, on a machine that is busy with other things too. */
const PATIENCE_MS = 180_000;
const example = (name: string): URL => new URL(`build/examples/${name}.wasm`, top);
const bytesOf = (path: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(pathOf(path)));

/** Serves so many clients at once, twice, with 10 and 100 messages each there and back, every byte checked. Prints how many messages were right, and by how much the process has grown. */
const ECHO = `
import { connect } from 'node:net';
import { WasiHost } from 'wasm-aio/wasi';

const clients = 1000;
function client(port, id, messages) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let right = 0;
    let got = Buffer.alloc(0);
    const message = (n) => Buffer.from(\`client \${id} message \${n} \`.padEnd(64, String.fromCharCode(97 + ((id + n) % 26))));
    socket.on('connect', () => socket.write(message(0)));
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      if (got.length < 64) return;
      if (!got.equals(message(right))) return socket.destroy(new Error(\`client \${id}: got \${got}\`));
      got = Buffer.alloc(0);
      if (++right === messages) socket.end();
      else socket.write(message(right));
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(right));
  });
}

// What Node and V8 keep of the first time is there the second time.
for (const messages of [10, 100]) {
  const host = await WasiHost.create({ module: new URL(MODULE), args: ['echo', '3', String(clients)], listen: ['127.0.0.1:0'], stdout: 'closed' });
  gc();
  const before = process.memoryUsage().rss;
  const done = host.run();
  const rights = await Promise.all(Array.from({ length: clients }, (_, id) => client(host.ports[0], id, messages)));
  const code = await done;
  gc();
  console.log(JSON.stringify({ right: rights.reduce((sum, n) => sum + n), code, grown: process.memoryUsage().rss - before }));
  await host.close();
}
`;

test('the echo server: 1,000 connections at once, 100 messages each, and memory stays bounded', async () => {
  // In a process of its own: the heap of this one has whatever size the tests before have left.
  const { stdout, stderr, code } = await runScript(dir.path, ECHO.replace('MODULE', JSON.stringify(example('echo'))), ['--expose-gc']);
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  const times = stdout.trim().split('\n').map((line) => JSON.parse(line) as { right: number; code: number; grown: number });
  expect(times.map(({ right, code: ended }) => [right, ended])).toEqual([[10_000, 0], [100_000, 0]]);
  // Two rings of 16 KiB a connection, what Node needs for 2,000 sockets, and the program.
  expect(times[1]?.grown).toBeLessThan(100 << 20);
}, PATIENCE_MS);

test('the echo server: a client that does not read is held back, and gets all of it in the end', async () => {
  const host = await WasiHost.create({ module: example('echo'), args: ['echo', '3', '1'], listen: ['127.0.0.1:0'], stdout: 'closed' });
  const done = host.run();
  const [port = 0] = host.ports;
  const socket = connect(port, '127.0.0.1');
  const total = 32 << 20;
  const [sent, got] = [createHash('sha256'), createHash('sha256')];
  let [written, received] = [0, 0];
  const chunk = (n: number): Buffer => Buffer.alloc(65536, `${n} and so on `);
  socket.pause();
  let held = false;
  for (let n = 0; written < total; n++) {
    sent.update(chunk(n));
    written += 65536;
    if (socket.write(chunk(n))) continue;
    if (!held) {
      // The first time: nobody reads, so it is not taken; from now on this reads.
      held = true;
      socket.on('data', (data) => {
        got.update(data);
        received += data.length;
        if (received === total) socket.end();
      });
      socket.resume();
    }
    await new Promise((resolve) => socket.once('drain', resolve));
  }
  await new Promise((resolve) => socket.once('close', resolve));
  expect([held, received, got.digest('hex')]).toEqual([true, total, sent.digest('hex')]);
  expect(await done).toBe(0);
  await host.close();
}, PATIENCE_MS);

test('the filter: 64 MiB through pipes, none lost', async () => {
  const child = spawn(process.execPath, [cli, 'run', pathOf('build/examples/rot13.wasm')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const rot = new Uint8Array(256).map((_, c) => {
    const base = c >= 97 && c <= 122 ? 97 : c >= 65 && c <= 90 ? 65 : 0;
    return base ? base + ((c - base + 13) % 26) : c;
  });
  const [sent, got] = [createHash('sha256'), createHash('sha256')];
  let length = 0;
  child.stdout.on('data', (piece: Buffer) => {
    length += piece.length;
    got.update(piece);
  });
  const chunk = Buffer.alloc(1 << 20);
  for (let i = 0; i < 64; i++) {
    for (let at = 0; at < chunk.length; at += 4) chunk.writeUInt32LE((i * 2654435761 + at * 40503) >>> 0, at);
    sent.update(Buffer.from(chunk).map((c) => rot[c] ?? 0));
    if (!child.stdin.write(Buffer.from(chunk))) await new Promise((resolve) => child.stdin.once('drain', resolve));
  }
  child.stdin.end();
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect({ code, length, hash: got.digest('hex') }).toEqual({ code: 0, length: 64 << 20, hash: sent.digest('hex') });
}, PATIENCE_MS);

test('the filter on WHATWG streams: all of it, and never much on the way', async () => {
  const { ahead, ...rest } = await filterGuest(library, bytesOf('build/examples/rot13.wasm'), 8);
  expect(rest).toEqual({ code: 0, wrong: 0, length: 8 << 20 });
  expect(ahead).toBeLessThan(2 << 20);
});

test('the filter on a MessagePort, whose other end acknowledges each piece', async () => {
  const { port1, port2 } = new MessageChannel();
  const stream = library.AioStream.from(port2 as unknown as MessagePort);
  const host = await WasiHost.create({ module: example('rot13'), stdin: stream, stdout: stream, stderr: 'inherit' });
  let text = '';
  let unanswered = 0;
  port1.on('message', (data: Uint8Array | number | null) => {
    if (typeof data === 'number') unanswered--;
    else if (data === null) port1.close();
    else {
      text += Buffer.from(data).toString();
      port1.postMessage(data.length);
    }
  });
  const words = Array.from({ length: 500 }, (_, i) => `Word number ${i}\n`);
  for (const word of words) {
    unanswered++;
    port1.postMessage(new TextEncoder().encode(word));
  }
  port1.postMessage(null);
  expect(await host.run()).toBe(0);
  await host.close();
  expect(text).toBe(words.join('').replace(/[a-zA-Z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + (c.toLowerCase() < 'n' ? 13 : -13))));
  expect(unanswered).toBeLessThanOrEqual(1);
});

test('poll_oneoff on streams that change while the guest sleeps', async () => {
  expect(await pollGuest(library, bytesOf('build/plain/poll.wasm'))).toBe(0);
});
