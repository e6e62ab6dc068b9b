// SPDX-License-Identifier: MIT
/** wasm-aio/socket in the worker of an IOThread, and Node's own sockets at the other end. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { Runtime, type IOThread } from 'wasm-aio';
import { connect as aioConnect, listen as aioListen } from 'wasm-aio/socket';
import type { Sockets } from './fixtures/iothread-socket.js';
import { scratch } from './helpers/child.js';
import { pathOf } from './helpers/paths.js';
import { webSockets } from './helpers/web-socket.js';

const dir = scratch(true);
afterAll(dir.remove);
const MIB = 1024 ** 2;
/** What Node has of its own behind the bytes that wait in a socket: one chunk, and what it reads ahead. */
const AHEAD = 2 * 65536;
const pem = (name: string): string => readFileSync(pathOf(`test/jest/fixtures/tls/${name}.pem`), 'utf8');
const tls = { cert: pem('cert'), key: pem('key') };
const bytesOf = (count: number): Buffer => Buffer.from(Uint32Array.from({ length: count / 4 }, (_, n) => n * 2654435761).buffer);
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let runtime: Runtime;
let io: IOThread<Sockets>;
const start = async (name = 'sockets'): Promise<IOThread<Sockets>> => runtime.iothread<Sockets>(name, { module: new URL('./fixtures/iothread-socket.js', import.meta.url) });
beforeEach(async () => {
  runtime = await Runtime.create();
  io = await start();
});
afterEach(async () => {
  await runtime.close();
});

const portOf = (address: object): number => (address as { port: number }).port;

/** A server of Node's, with its first connection. */
async function server(options: object = {}): Promise<{ port: number; server: Server; first: Promise<Socket> }> {
  const made = createServer({ allowHalfOpen: true, ...options }).listen(0, '127.0.0.1');
  await once(made, 'listening');
  const first = (once(made, 'connection') as Promise<[Socket]>).then(([socket]) => socket.on('error', () => {}));
  return { port: (made.address() as AddressInfo).port, server: made, first };
}

/** All that a socket receives. */
async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Sends bytes, ends, and resolves with what comes back. */
async function exchange(socket: Socket, bytes: Uint8Array): Promise<Buffer> {
  socket.end(bytes);
  return all(socket);
}

describe('a server sends back what arrives, and the end', () => {
  const data = bytesOf(3 * MIB);

  test('by async iteration: TCP on the loopback, several clients at a time', async () => {
    const address = await io.remote.echo({ port: 0 });
    expect(address).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
    const got = await Promise.all([1, 2, 3, 4].map(() => exchange(connect(portOf(address), '127.0.0.1'), data)));
    for (const bytes of got) expect(bytes.equals(data)).toBe(true);
    await io.remote.closeListener();
    expect(await io.remote.events()).toEqual(['listened']);
  });

  test('by call-backs of the loop alone', async () => {
    const address = await io.remote.echoInLoop();
    const got = await Promise.all([1, 2, 3, 4].map(() => exchange(connect(portOf(address), '127.0.0.1'), data)));
    for (const bytes of got) expect(bytes.equals(data)).toBe(true);
  });

  test('by a Unix socket, whose name is gone afterwards', async () => {
    const path = join(dir.path, 'echo');
    expect(await io.remote.echo({ path })).toEqual({ path });
    expect((await exchange(connect(path), data)).equals(data)).toBe(true);
    await io.remote.closeListener();
    expect(existsSync(path)).toBe(false);
  });

  test('by TLS', async () => {
    const address = await io.remote.echo({ port: 0 }, { tls });
    const client = connectTls({ port: portOf(address), host: '127.0.0.1', ca: tls.cert, servername: 'localhost', ...{ allowHalfOpen: true } });
    expect((await exchange(client, data)).equals(data)).toBe(true);
  });

  test('by TLS with an authority: only clients that have a certificate of it', async () => {
    const { port } = (await io.remote.echo({ port: 0 }, { tls: { ...tls, ca: tls.cert } })) as { port: number };
    const trusted = { ca: tls.cert, servername: 'localhost' };
    const client = connectTls({ port, host: '127.0.0.1', ...trusted, ...tls, ...{ allowHalfOpen: true } });
    expect((await exchange(client, data)).equals(data)).toBe(true);
    // By TLS 1.3 a client learns that it was refused only after its own handshake: it gets no byte, and an error.
    const refused = connectTls({ port, host: '127.0.0.1', ...trusted });
    const outcome = new Promise<string | undefined>((resolve) => {
      refused.once('data', (bytes: Buffer) => resolve(`was let in: ${bytes}`)).once('error', ({ code }: NodeJS.ErrnoException) => resolve(code)).write('hello');
    });
    expect(await outcome).toMatch(/^(ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED|ECONNRESET|EPIPE)$/);
    refused.destroy();
    // The listener has taken no connection for it, and goes on.
    const own = await start('own');
    await own.remote.connect({ port }, { tls: { ...trusted, ...tls } });
    await own.remote.write('with a certificate');
    expect(await own.remote.readText()).toBe('with a certificate');
    await own.remote.close();
  });
});

describe('a client', () => {
  test('sends and receives after it has said what it wants, and learns of the end while it may still send', async () => {
    const { port, server: made, first } = await server();
    expect(await io.remote.connect({ port })).toBe(`127.0.0.1:${port}`);
    const peer = await first;
    expect(await io.remote.write('question')).toBe(8);
    expect(String((await once(peer, 'data'))[0])).toBe('question');
    peer.end('answer');
    expect(await io.remote.readText()).toBe('answer');
    await io.remote.wait();
    expect(await io.remote.pending()).toBeUndefined();
    expect(await io.remote.events()).toEqual(['ended']);
    const rest = all(peer);
    expect(await io.remote.write('still here')).toBe(10);
    await io.remote.end();
    expect(String(await rest)).toBe('still here');
    made.close();
  });

  test('by TLS: a certificate is trusted by ca and has the name, or there is no connection', async () => {
    const made = createTlsServer(tls, (socket) => socket.on('error', () => {}).end('secret')).listen(0, '127.0.0.1');
    await once(made, 'listening');
    const { port } = made.address() as AddressInfo;
    await io.remote.connect({ port }, { tls: { ca: tls.cert, servername: 'localhost' } });
    expect(await io.remote.readText()).toBe('secret');
    await io.remote.close();
    expect(await io.remote.connectFailure({ port }, { tls: {} })).toMatchObject({ code: 'ERR_AIO_IO', errno: 'EPROTO', message: expect.stringMatching(/self.signed/) });
    expect(await io.remote.connectFailure({ port }, { tls: { ca: tls.cert, servername: 'example.org' } })).toMatchObject({ code: 'ERR_AIO_IO', errno: 'EPROTO', message: expect.stringMatching(/example\.org/) });
    expect(await io.remote.connectFailure({ port }, { tls: { ca: tls.cert, cert: 'no', key: 'no' } })).toMatchObject({ code: 'ERR_AIO_IO' });
    made.close();
  });

  test('by WebSocket, where Node has it', async () => {
    if (!('WebSocket' in globalThis)) return;
    const made = await webSockets((stream) => stream.on('data', (bytes) => stream.write(bytes)));
    await io.remote.connect({ url: `ws://127.0.0.1:${made.port}/` });
    await io.remote.write('by WebSocket');
    expect(await io.remote.readText()).toBe('by WebSocket');
    await io.remote.wait();
    await made.close();
    expect(await io.remote.pending()).toMatchObject({ code: 'ERR_AIO_IO', errno: 'ECONNRESET' });
    expect(await io.remote.connectFailure({ url: `ws://127.0.0.1:${made.port}/` })).toMatchObject({ code: 'ERR_AIO_IO', errno: 'ECONNREFUSED' });
  });
});

describe('back-pressure', () => {
  const data = bytesOf(32 * MIB);

  test.each([1000, 65536, MIB])('a reader that is slow makes the peer wait, and holds little: capacity %d', async (capacity) => {
    const address = await io.remote.listen({ port: 0 }, { capacity });
    const peer = connect(portOf(address), '127.0.0.1');
    let isSent = false;
    peer.end(data, () => (isSent = true));
    await io.remote.accept();
    // More than the system's buffers take.
    expect(isSent).toBe(false);
    const { most, hash } = await io.remote.readSlowly(data.length);
    expect(hash).toBe(hashOf(data));
    expect(most).toBeLessThanOrEqual(capacity + AHEAD);
    const closed = once(peer, 'close');
    await io.remote.close();
    await closed;
  });

  test('write() takes what there is room for, and drain() waits for the peer to read', async () => {
    const { port, server: made, first } = await server({ pauseOnConnect: true });
    await io.remote.connect({ port }, { capacity: 10_000 });
    const peer = await first;
    const taken = await io.remote.fillAll(1000);
    let got = 0;
    await new Promise<void>((resolve) => {
      peer.on('data', (bytes) => {
        got += bytes.length;
        if (got >= taken) resolve();
      });
      peer.resume();
    });
    expect(await io.remote.pending()).toBeUndefined();
    expect(got).toBe(taken);
    const ended = once(peer, 'end').then(() => peer.end());
    await io.remote.writeAll(data);
    await io.remote.close();
    await ended;
    expect(got).toBe(taken + data.length);
    made.close();
  });

  test('at once, write() takes no more than the capacity', async () => {
    const { port, server: made, first } = await server({ pauseOnConnect: true });
    await io.remote.connect({ port }, { capacity: 5000 });
    // One call of write(): nothing of it can have been sent before.
    expect(await io.remote.fill(new Uint8Array(MIB))).toBe(5000);
    (await first).resume();
    expect(await io.remote.pending()).toBeUndefined();
    made.close();
  });

  test('connections beyond the backlog are closed', async () => {
    const address = await io.remote.listen({ port: 0 }, { backlog: 2 });
    const clients: Socket[] = [];
    for (let n = 0; n < 3; n++) {
      const client = connect(portOf(address), '127.0.0.1');
      clients.push(client.on('error', () => {}));
      await once(client, 'connect');
    }
    await once(clients[2] as Socket, 'close');
    const peers = [await io.remote.accept(), await io.remote.accept()];
    expect(peers).toEqual(clients.slice(0, 2).map((client) => ({ host: '127.0.0.1', port: client.localPort })));
    await io.remote.closeListener();
    for (const client of clients) client.destroy();
  });

  test('a reader that sleeps between its reads, with the socket stopped, gets everything', async () => {
    const address = await io.remote.listen({ port: 0 }, { capacity: 4 });
    const peer = connect(portOf(address), '127.0.0.1');
    const text = Array.from({ length: 30 }, (_, n) => String(n).padStart(4, '.')).join('');
    peer.end(text);
    await io.remote.accept();
    await io.remote.closeListener();
    const got = await new Promise<string>((resolve, reject) => {
      io.remote.readByTimer(2, (read) => resolve(read)).catch(reject);
    });
    expect(got).toBe(text);
    peer.destroy();
  });
});

describe('the end of a connection', () => {
  test('what was written before close() arrives, and who waits gets ERR_AIO_CLOSED', async () => {
    const { port, server: made, first } = await server();
    await io.remote.connect({ port }, { name: 'mine', capacity: MIB });
    const peer = await first;
    await io.remote.wait();
    await io.remote.writeAll(new Uint8Array(500_000));
    const closed = io.remote.close();
    const got = await exchange(peer, Buffer.alloc(0));
    expect(got).toHaveLength(500_000);
    await closed;
    await io.remote.close();
    const refused = { code: 'ERR_AIO_CLOSED', message: "socket 'mine' is closed" };
    expect(await io.remote.pending()).toEqual(refused);
    expect(await io.remote.afterClose()).toEqual(Array.from({ length: 8 }, () => refused));
    made.close();
  });

  test('a peer that resets: what had arrived is read, then each call and wait fails by errno', async () => {
    const { port, server: made, first } = await server();
    await io.remote.connect({ port });
    const peer = await first;
    peer.write('last words');
    expect(await io.remote.readText()).toBe('last words');
    await io.remote.wait();
    peer.resetAndDestroy();
    const lost = { code: 'ERR_AIO_IO', errno: 'ECONNRESET', message: expect.stringMatching(/^socket '127\.0\.0\.1:\d+': the connection was lost: .*ECONNRESET/) };
    expect(await io.remote.pending()).toEqual(lost);
    await expect(io.remote.write('x')).rejects.toMatchObject({ code: 'ERR_AIO_IO', errno: 'ECONNRESET' });
    await io.remote.close();
    made.close();
  });

  test('a peer that resets while drain() waits for it', async () => {
    const { port, server: made, first } = await server({ pauseOnConnect: true });
    await io.remote.connect({ port });
    const peer = await first;
    await io.remote.fillAll(1000);
    peer.resetAndDestroy();
    expect(await io.remote.pending()).toMatchObject({ code: 'ERR_AIO_IO', errno: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) });
    made.close();
  });

  test('closing the IOThread closes sockets and listeners, and the peers learn of it', async () => {
    const { port, server: made, first } = await server();
    const address = await io.remote.listen({ port: 0 });
    await io.remote.connect({ port });
    const peer = await first;
    const other = connect(portOf(address), '127.0.0.1').on('error', () => {});
    await once(other, 'connect');
    await io.close();
    await expect(io.closed).resolves.toEqual({ workersLeft: 0 });
    await all(peer.resume());
    if (!other.closed) await once(other.resume(), 'close');
    const again = connect(portOf(address), '127.0.0.1');
    const [error] = (await once(again, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    made.close();
  });

  test('the death of the IOThread closes its sockets, and the runtime goes on', async () => {
    const { port, server: made, first } = await server();
    const address = await io.remote.echo({ port: 0 });
    await io.remote.connect({ port });
    const peer = await first;
    const other = connect(portOf(address), '127.0.0.1').on('error', () => {});
    await once(other, 'connect');
    io.closed.catch(() => {});
    io.remote.dies().catch(() => {});
    for (const socket of [peer, other]) if (!socket.closed && !socket.readableEnded) await Promise.race([once(socket.resume(), 'close'), once(socket, 'end')]);
    await expect(io.closed).rejects.toMatchObject({ message: expect.stringContaining('the code is broken') });
    const next = await start('next');
    expect((await exchange(connect(portOf(await next.remote.echo({ port: 0 })), '127.0.0.1'), Buffer.from('hello'))).toString()).toBe('hello');
    made.close();
  });
});

describe('errors', () => {
  test('there is no server, the port is in use, the wait is given up', async () => {
    const { port, server: made } = await server();
    expect(await io.remote.listenFailure({ port })).toMatchObject({ code: 'ERR_AIO_IO', errno: 'EADDRINUSE' });
    made.close();
    await once(made, 'close');
    expect(await io.remote.connectFailure({ port })).toEqual({
      code: 'ERR_AIO_IO', errno: 'ECONNREFUSED', message: expect.stringMatching(new RegExp(`^socket '127\\.0\\.0\\.1:${port}': cannot connect to 127\\.0\\.0\\.1:${port}: .*ECONNREFUSED`)),
    });
    expect(await io.remote.connectFailure({ path: join(dir.path, 'none') })).toMatchObject({ code: 'ERR_AIO_IO', errno: 'ENOENT' });
    expect(await io.remote.abortedConnect({ port })).toEqual({ message: 'given up' });
    await io.remote.listen({ port: 0 });
    await io.remote.waitForConnection();
    await io.remote.closeListener();
    expect(await io.remote.pending()).toMatchObject({ code: 'ERR_AIO_CLOSED' });
  });

  test('wrong arguments are refused by name', async () => {
    const wrong: [object, object, RegExp][] = [
      [{}, {}, /^address must be \{ port, host \}, \{ path \} or \{ url \}$/],
      [{ port: 1, path: 'x' }, {}, /^address must be/],
      [{ port: 65536 }, {}, /^address\.port must be an integer from 0 to 65535/],
      [{ prot: 1 }, {}, /unknown property "prot": did you mean 'port'/],
      [{ url: 'http://localhost' }, {}, /^address\.url must be an address that begins with ws: or wss:/],
      [{ port: 1 }, { capacity: 0 }, /^options\.capacity must be/],
      [{ port: 1 }, { tls: { ca: 1 } }, /^options\.tls\.ca must be a string/],
    ];
    for (const [address, options, words] of wrong) {
      const refused = { code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(words) };
      expect(await io.remote.connectFailure(address as never, options)).toEqual(refused);
    }
    expect(await io.remote.listenFailure({ url: 'ws://localhost' })).toMatchObject({ code: 'ERR_AIO_UNSUPPORTED' });
    await expect(aioConnect({} as never, { port: 1 })).rejects.toMatchObject({ code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(/^context must be an AioContext/) });
    const { port, server: made } = await server();
    await io.remote.connect({ port });
    expect(await io.remote.twoReaders()).toMatchObject({ code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(/already has one/) });
    made.close();
  });
});

test('close() waits for a peer to take what was written, and not for its end; one that takes nothing has a second', async () => {
  const seconds: (() => void)[] = [];
  const { setTimeout: real } = globalThis;
  // A second passes when this test says so.
  globalThis.setTimeout = ((run: () => void, ms?: number) => (ms === 1000 ? void seconds.push(run) : real(run, ms))) as never;
  try {
    const { port, server: made, first } = await server({ pauseOnConnect: true });
    const socket = await aioConnect(runtime.context, { port }, { capacity: 16 * MIB });
    const peer = await first;
    socket.write(Buffer.from('all of it'));
    await socket.close();
    expect(peer.writableEnded).toBe(false);
    expect(String(await all(peer.resume()))).toBe('all of it');
    peer.destroy();
    const next = (once(made, 'connection') as Promise<[Socket]>).then(([each]) => each);
    const full = await aioConnect(runtime.context, { port }, { capacity: 16 * MIB });
    // More than the system's buffers take.
    expect(full.write(new Uint8Array(16 * MIB))).toBe(16 * MIB);
    seconds.length = 0;
    let isClosed = false;
    const closed = full.close().then(() => (isClosed = true));
    for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
    expect([isClosed, seconds.length]).toEqual([false, 1]);
    seconds[0]?.();
    await closed;
    (await next).destroy();
    made.close();
  } finally {
    globalThis.setTimeout = real;
  }
});

test('the thread that owns the runtime has sockets, too, until its context is closed', async () => {
  const context = runtime.createContext('mine');
  const listener = await aioListen(context, { port: 0 });
  const client = await aioConnect(context, listener.address);
  const peer = await listener.accept();
  client.write(Buffer.from('hello'));
  let read = '';
  await new Promise<void>((resolve) => {
    const watch = peer.onReadable(() => {
      read += Buffer.from(peer.read()).toString();
      if (read === 'hello') resolve(watch.close());
    });
  });
  const waits = client.values().next();
  const refused = expect(waits).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
  await context.close();
  await refused;
  expect(() => listener.address).toThrow("listener '127.0.0.1:0' is closed");
  await expect(aioConnect(context, { port: 1 })).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
  await runtime.close();
  await expect(aioConnect(runtime.context, { port: 1 })).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
});
