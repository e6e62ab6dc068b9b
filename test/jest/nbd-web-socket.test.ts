// SPDX-License-Identifier: MIT
/** The NBD server by WebSocket: the handshake, frames right and wrong, whose pages may connect. */
import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type * as webSocket from '../../dist/nbd-server/web-socket.js';
import { CMD, OPT, RawNbd, goData, option, request as nbdRequest, u32 } from './helpers/nbd-client.js';
import { nbdServers, type Running } from './helpers/nbd-server.js';
import { dist } from './helpers/paths.js';
import { ACCEPT, OP, RawWebSocket, closing, frame, request } from './helpers/web-socket-client.js';

const { WebSocketStream, MAX_FRAME } = (await import(dist('nbd-server/web-socket.js'))) as typeof webSocket;
const startWith = nbdServers();
const clients: RawWebSocket[] = [];
const start = (origins: string[] = [], options: Parameters<typeof startWith>[0] = {}): Promise<Running> => startWith({ webSocket: { origins }, ...options });
async function open(path: string): Promise<RawWebSocket> {
  const client = await RawWebSocket.open(path);
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** Sends one request of HTTP, and returns its answer. */
async function asked(path: string, text: string): ReturnType<RawWebSocket['response']> {
  const client = await RawWebSocket.connect(path);
  clients.push(client);
  client.socket.write(text);
  return client.response();
}

/** A connection that a test feeds, and whose output it sees. */
class Wire extends Duplex {
  readonly sent: Buffer[] = [];
  /** Ends the write that waits, if writes have to. */
  release: (() => void) | undefined;

  constructor(private readonly isSlow = false) {
    super();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.sent.push(chunk);
    if (this.isSlow) this.release = done;
    else done();
  }
}

test('an NBD session by binary messages', async () => {
  const { path, file, said } = await start();
  const client = await open(path);
  const nbd = new RawNbd(client as unknown as Socket);
  await nbd.greet();
  await nbd.acked(OPT.GO, goData());
  const data = Buffer.alloc(40_000, 'by WebSocket');
  expect(await nbd.ask({ type: CMD.WRITE, offset: 1000, data })).toMatchObject({ error: 0 });
  expect((await nbd.ask({ type: CMD.READ, length: 65536 })).data.equals(file.content)).toBe(true);
  expect(file.content.subarray(1000, 41_000).equals(data)).toBe(true);
  expect(said).toEqual([]);
});

test('the handshake', async () => {
  const { path } = await start();
  const { status, headers } = await asked(path, request());
  expect([status, headers.get('sec-websocket-accept'), headers.get('upgrade'), headers.has('sec-websocket-protocol')]).toEqual([101, ACCEPT, 'websocket', false]);
  expect((await asked(path, request({ 'Sec-WebSocket-Protocol': 'base64, binary' }))).headers.get('sec-websocket-protocol')).toBe('binary');
  expect((await asked(path, request({ 'Sec-WebSocket-Protocol': 'chat', 'Sec-WebSocket-Extensions': 'permessage-deflate' }))).headers).toEqual(headers);
});

test.each([
  ['a plain request', request({ Upgrade: '', Connection: '' }), 426],
  ['another protocol', request({ Upgrade: 'h2c' }), 426],
  ['another version', request({ 'Sec-WebSocket-Version': '8' }), 426],
  ['a short key', request({ 'Sec-WebSocket-Key': 'c2hvcnQ=' }), 400],
  ['another method', request({}, 'POST /disk HTTP/1.1'), 400],
  ['what is no HTTP', 'NBDMAGIC\r\n\r\n', 400],
])('%s is answered, and the connection closed', async (_, text, expected) => {
  const { path } = await start();
  const { status, headers, body } = await asked(path, text);
  expect(status).toBe(expected);
  if (expected !== 426) return;
  expect([headers.get('upgrade'), headers.get('sec-websocket-version')]).toEqual(['websocket', '13']);
  expect(body).toBe('This is a block device (NBD) by WebSocket: open it by nbd+ws:// and this address.\n');
});

test('pages of the loopback and of origins that are named may connect, and so may programs; others may not', async () => {
  const { path, said } = await start(['https://example.org', 'http://example.net:8080']);
  const status = async (origin: string): Promise<number> => (await asked(path, request({ Origin: origin }))).status;
  for (const origin of ['', 'http://localhost', 'http://localhost:5173', 'https://app.localhost:1', 'http://127.0.0.1:8080', 'http://[::1]:80', 'https://example.org', 'http://example.net:8080']) {
    expect([origin, await status(origin)]).toEqual([origin, 101]);
  }
  expect(said).toEqual([]);
  const others = ['null', 'http://example.org', 'https://example.org:444', 'https://example.org.evil.test', 'http://localhost.evil.test', 'http://127.0.0.1.evil.test', 'http://evil.test:127', 'http://notlocalhost', 'file://localhost'];
  for (const origin of others) expect([origin, await status(origin)]).toEqual([origin, 403]);
  expect(said).toHaveLength(others.length);
  expect(said[0]).toMatch(/^client \d+: Pages of null may not connect: the server has to name them \(--origin\)\.$/);
});

test('frames may be cut anywhere, and messages be divided anyhow', async () => {
  const payload = Buffer.from(Array.from({ length: 140 }, (_, n) => n));
  const bytes = Buffer.concat([
    frame(OP.BINARY, payload.subarray(0, 3), { isLast: false }), frame(OP.PING, Buffer.from('here')), frame(OP.CONTINUATION, Buffer.alloc(0), { isLast: false }),
    frame(OP.CONTINUATION, payload.subarray(3, 10)), frame(OP.BINARY), frame(OP.BINARY, payload.subarray(10)), frame(OP.CLOSE, closing(1001, 'bye')), frame(OP.BINARY, payload),
  ]);
  for (let at = 0; at <= bytes.length; at++) {
    const wire = new Wire();
    const stream = new WebSocketStream(wire, Buffer.from(bytes.subarray(0, at)));
    const got: Buffer[] = [];
    stream.on('data', (part: Buffer) => got.push(part)).on('end', () => stream.end());
    const closed = once(stream, 'close');
    wire.push(Buffer.from(bytes.subarray(at)));
    await closed;
    expect([at, Buffer.concat(got).equals(payload)]).toEqual([at, true]);
    expect(Buffer.concat(wire.sent)).toEqual(Buffer.concat([frame(OP.PONG, Buffer.from('here'), { isMasked: false }), frame(OP.CLOSE, closing(1001), { isMasked: false })]));
  }
});

const PARTS = [frame(OP.BINARY, u32(3), { isLast: false })];
test.each([
  ['a frame without a mask', [frame(OP.BINARY, u32(3), { isMasked: false })], 1002, 'a frame is not masked'],
  ['reserved bits', [frame(OP.BINARY, u32(3), { reserved: 4 })], 1002, 'a frame has reserved bits, but no extension was agreed on'],
  ['a text message', [frame(OP.TEXT, Buffer.from('hello'))], 1003, 'it has sent a text message instead of bytes'],
  ['an unknown opcode', [frame(3)], 1002, 'a frame has the unknown opcode 3'],
  ['an unknown opcode of a control frame', [frame(11)], 1002, 'a frame has the unknown opcode 11'],
  ['a ping that is too long', [frame(OP.PING, Buffer.alloc(126))], 1002, 'a control frame has more than 125 bytes'],
  ['a ping in fragments', [frame(OP.PING, Buffer.alloc(1), { isLast: false })], 1002, 'a control frame is a fragment'],
  ['a continuation of nothing', [frame(OP.CONTINUATION, u32(3))], 1002, 'a frame continues no message'],
  ['a message within another one', [...PARTS, frame(OP.BINARY, u32(3))], 1002, 'a message begins within another one'],
  ['a length in too many bytes', [frame(OP.BINARY, u32(3), { lengthBytes: 2 })], 1002, 'a frame gives its length by more bytes than it needs'],
  ['a frame that is too long', [frame(OP.BINARY, u32(3), { length: MAX_FRAME + 1 })], 1009, `a frame has ${MAX_FRAME + 1} bytes, more than ${MAX_FRAME}`],
  ['half a code', [frame(OP.CLOSE, Buffer.of(3))], 1002, 'the code of a close frame has one byte'],
  ['a code that is none', [frame(OP.CLOSE, closing(1005))], 1002, '1005 is no code of a close frame'],
])('%s ends the connection, and no other', async (_, frames, code, why) => {
  const { path, says } = await start();
  const other = new RawNbd((await open(path)) as unknown as Socket);
  const client = await open(path);
  client.socket.write(Buffer.concat(frames));
  expect(await client.nextControl()).toEqual({ opcode: OP.CLOSE, data: closing(code, why) });
  expect(await says(/frame|message/)).toMatch(`: ${why}: the connection was closed`);
  await once(client.resume(), 'end');
  await other.greet();
  await other.acked(OPT.GO, goData());
});

test('the largest frame is taken as it arrives', async () => {
  const wire = new Wire();
  const stream = new WebSocketStream(wire, frame(OP.BINARY, Buffer.from('the begin'), { length: MAX_FRAME }));
  expect(String((await once(stream, 'data'))[0])).toBe('the begin');
});

test('a close frame is answered when all requests are', async () => {
  const { path, file, said } = await start();
  const client = await open(path);
  file.isHolding = true;
  client.socket.write(frame(OP.BINARY, Buffer.concat([u32(3), option(OPT.GO, goData()), nbdRequest({ type: CMD.READ, length: 100 })])));
  const got: Buffer[] = [];
  client.on('data', (part: Buffer) => got.push(part));
  client.socket.write(frame(OP.CLOSE, closing(3000)));
  await file.hasBegun(1);
  expect(client.control).toEqual([]);
  file.releaseAll();
  expect(await client.nextControl()).toEqual({ opcode: OP.CLOSE, data: closing(3000) });
  expect(Buffer.concat(got).subarray(-100)).toEqual(file.content.subarray(0, 100));
  await once(client, 'end');
  expect(said).toEqual([]);
});

test('the server closes what has not begun, and says goodbye to the others', async () => {
  const { path, server } = await start();
  const silent = await RawWebSocket.connect(path);
  const half = await RawWebSocket.connect(path);
  half.socket.write('GET / HTTP/1.1\r\n');
  const client = await open(path);
  await new RawNbd(client as unknown as Socket).greet();
  const closed = server.close();
  expect(await client.nextControl()).toEqual({ opcode: OP.CLOSE, data: closing(1000) });
  client.socket.end(frame(OP.CLOSE, closing(1000)));
  await closed;
  for (const { socket } of [silent, half]) if (!socket.destroyed) await once(socket, 'close');
});

test('back-pressure: who does not read is not read from, and pings do not pile up', async () => {
  const wire = new Wire(true);
  const stream = new WebSocketStream(wire, Buffer.alloc(0));
  stream.on('data', () => {});
  stream.pause();
  const part = Buffer.alloc(16384);
  for (let n = 0; n < 64; n++) wire.push(frame(OP.BINARY, part));
  await once(wire, 'pause');
  expect(stream.readableLength).toBeLessThan(stream.readableHighWaterMark + part.length + 1);
  expect(wire.readableLength).toBeGreaterThan(50 * part.length);
  let length = 0;
  const all = new Promise<void>((resolve) => stream.on('data', (data: Buffer) => (length += data.length) === 64 * part.length && resolve()));
  stream.resume();
  await all;
  for (let n = 0; n < 1000; n++) wire.push(frame(OP.PING, u32(n)));
  const next = once(stream, 'data');
  wire.push(frame(OP.BINARY, Buffer.from('x')));
  await next;
  expect(wire.writableLength).toBeLessThan(100);
  wire.release?.();
  while (wire.sent.length < 2) await new Promise(setImmediate);
  wire.release?.();
  expect(wire.sent.map((bytes) => bytes.readUInt32BE(2))).toEqual([0, 999]);
});
