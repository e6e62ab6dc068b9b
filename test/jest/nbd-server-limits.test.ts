// SPDX-License-Identifier: MIT
/** The NBD server and peers that are slow, greedy, or gone. */
import { expect, test } from '@jest/globals';
import { Duplex } from 'node:stream';
import type * as budgets from '../../dist/nbd-server/budget.js';
import type * as connections from '../../dist/nbd-server/connection.js';
import type * as faultLogs from '../../dist/nbd-server/fault-log.js';
import { dist } from './helpers/paths.js';
import { CMD, OPT, RawNbd, goData, metaData, option, request, u32 } from './helpers/nbd-client.js';
import { seeded } from './helpers/random.js';
import { MemoryFile, nbdServers } from './helpers/nbd-server.js';

const { Account, ALL_BYTES, ALWAYS_BYTES, Budget, CONNECTION_BYTES, CONNECTION_REQUESTS } = (await import(dist('nbd-server/budget.js'))) as typeof budgets;
const { Connection } = (await import(dist('nbd-server/connection.js'))) as typeof connections;
const { FaultLog } = (await import(dist('nbd-server/fault-log.js'))) as typeof faultLogs;

const start = nbdServers();

const MAX = 32 * 1024 ** 2;
const lives = async (path: string): Promise<void> => expect(await (await RawNbd.go(path)).ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });

test('a connection has a number of requests in flight, and the rest wait', async () => {
  const { path, file } = await start();
  const client = await RawNbd.go(path);
  file.isHolding = true;
  // One chunk: the server has seen all of them when it has begun the first.
  client.send(...Array.from({ length: 300 }, (_, n) => request({ type: CMD.READ, offset: n, length: 1, cookie: n })));
  await file.hasBegun(1);
  expect(file.began).toHaveLength(256);
  file.release('read 77+1');
  expect(await client.reply(1)).toMatchObject({ cookie: 77n });
  await file.hasBegun(257);
  expect(file.began).toHaveLength(257);
  file.releaseAll();
  const rest = new Set<bigint>();
  for (let n = 0; n < 299; n++) rest.add((await client.reply(1)).cookie);
  expect(rest.size).toBe(299);
});

test('a peer that does not read its replies holds two of the largest, and gets the others when it reads', async () => {
  const { path, file } = await start({ size: 2 ** 40 });
  const client = await RawNbd.go(path);
  client.socket.pause();
  client.send(...[0, 1, 2].map((cookie) => request({ type: CMD.READ, offset: cookie * 2 ** 30, length: MAX, cookie })));
  await file.hasBegun(2);
  await lives(path);
  expect(file.began.filter((name) => /^read/.test(name))).toHaveLength(2);
  client.socket.resume();
  for (const cookie of [0n, 1n, 2n]) expect(await client.reply(MAX)).toMatchObject({ cookie });
});

test('a peer that does not read its replies in time is closed', async () => {
  const { path, says } = await start({ size: 2 ** 40, timeout: 100 });
  const idle = await RawNbd.go(path);
  const client = await RawNbd.go(path);
  client.socket.pause();
  client.send(request({ type: CMD.READ, length: MAX }));
  await says(/^client 2: it does not read its replies: the connection was closed$/);
  // Between requests a client may be silent for as long as it likes.
  expect(await idle.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
});

test.each([
  ['that is silent', [], /the handshake takes too long/],
  ['that sends half an option', [u32(3), option(OPT.GO, goData()).subarray(0, 20)], /the handshake takes too long/],
  ['that sends half a request', [u32(3), option(OPT.GO, goData()), request({ type: CMD.READ }).subarray(0, 27)], /a request does not arrive completely/],
  ['that sends half the data of a write', [u32(3), option(OPT.GO, goData()), request({ type: CMD.WRITE, length: 1000 }), Buffer.alloc(999)], /a request does not arrive completely/],
])('a peer %s is closed after the time-out', async (_, parts, words) => {
  const { path, says, file } = await start({ timeout: 100 });
  const client = await RawNbd.connect(path);
  client.send(...parts);
  await says(words);
  await client.ended;
  expect(file.began).toEqual([]);
  await lives(path);
});

test('a storm of peers that go away at any byte leaves nothing behind', async () => {
  const { path, file, server, said } = await start({ maxConnections: 200 });
  const all = Buffer.concat([u32(3), option(OPT.STRUCTURED_REPLY), option(OPT.GO, goData()), request({ type: CMD.WRITE, data: Buffer.alloc(100), offset: 5 })]);
  await Promise.all(Array.from({ length: all.length }, async (__, length) => {
    const client = await RawNbd.connect(path);
    client.send(all.subarray(0, length));
    if (length % 2) client.socket.end();
    else client.socket.destroySoon();
    await client.ended;
  }));
  await lives(path);
  await server.close();
  // What was not complete was not carried out.
  expect(file.began.filter((name) => name !== 'flush')).toEqual([]);
  for (const sentence of said) expect(sentence).toMatch(/^client \d+: closed the connection in the middle of a message$/);
  expect(said.length).toBeGreaterThan(50);
});

test('whatever bytes a peer sends, the server lives, and others notice nothing', async () => {
  const source = seeded();
  const random = (below: number): number => Math.floor(source.random() * below);
  const { path, server, file } = await start();
  const good = [u32(3), option(OPT.LIST), option(OPT.STRUCTURED_REPLY), option(OPT.SET_META_CONTEXT, metaData('', 'base:allocation')), option(OPT.GO, goData('', 1, 3)),
    request({ type: CMD.READ, length: 100 }), request({ type: CMD.CACHE, length: 100 }), request({ type: CMD.BLOCK_STATUS, length: 100 }), request({ type: CMD.FLUSH })];
  const other = await RawNbd.go(path);
  for (let n = 0; n < 200; n++) {
    const bytes = Buffer.concat(good);
    for (let faults = 1 + random(4); faults > 0; faults--) bytes[random(bytes.length)] = random(256);
    const client = await RawNbd.connect(path);
    const cut = random(bytes.length);
    client.send(bytes.subarray(0, cut)).send(bytes.subarray(cut));
    client.socket.end();
    client.socket.resume();
    await client.ended;
    if (n % 20 === 0) expect((await other.ask({ type: CMD.READ, offset: n, length: 100 })).data.equals(file.content.subarray(n, n + 100))).toBe(true);
  }
  other.close();
  await server.close();
});

test('writes that never arrive give back their memory when their peers are gone', async () => {
  const { path, server } = await start({ size: 2 ** 40 });
  // More than all connections may have together.
  for (let n = 0; n <= ALL_BYTES / MAX; n++) {
    const client = await RawNbd.go(path);
    client.send(request({ type: CMD.WRITE, length: MAX }), Buffer.alloc(100));
    client.socket.end();
    await client.ended;
  }
  const client = await RawNbd.go(path);
  const size = 2 * ALWAYS_BYTES;
  expect(await client.ask({ type: CMD.WRITE, data: Buffer.alloc(size) })).toMatchObject({ error: 0 });
  await server.close();
});

test('requests wait for memory in turn; what can never have it fails, and what a peer that is gone has waited for is given back', async () => {
  const { path, file, server } = await start();
  file.room = 1000;
  file.isHolding = true;
  const [first, second, third, gone] = await Promise.all([0, 1, 2, 3].map(() => RawNbd.go(path)));
  first?.send(request({ type: CMD.READ, length: 900 }));
  await file.hasBegun(1);
  // Those behind the request that waits are not looked at before it.
  second?.send(request({ type: CMD.WRITE, offset: 7, data: Buffer.alloc(500, 7) }), request({ type: CMD.FLUSH, cookie: 2 }));
  while (file.waiting.length < 1) await new Promise(setImmediate);
  third?.send(request({ type: CMD.WRITE, offset: 0, data: Buffer.alloc(2000, 9), cookie: 3 }), request({ type: CMD.FLUSH, cookie: 4 }));
  while (file.waiting.length < 2) await new Promise(setImmediate);
  gone?.send(request({ type: CMD.READ, length: 300 }));
  while (file.waiting.length < 3) await new Promise(setImmediate);
  expect(file.began).toEqual(['read 0+900']);
  file.isHolding = false;
  file.release('read 0+900');
  expect(await first?.reply(900)).toMatchObject({ error: 0 });
  expect([await second?.reply(), await second?.reply()]).toMatchObject([{ error: 0 }, { cookie: 2n, error: 0 }]);
  gone?.socket.destroy();
  file.grant({ refuse: true });
  expect([await third?.reply(), await third?.reply()]).toMatchObject([{ cookie: 3n, error: 12 }, { cookie: 4n, error: 0 }]);
  expect(file.content.subarray(7, 507).equals(Buffer.alloc(500, 7))).toBe(true);
  for (const client of [first, second, third]) client?.close();
  await server.close();
  expect([file.allocated, file.waiting]).toEqual([0, []]);
});

test('a reply gives back its memory once, however often the stream says that it has failed', async () => {
  // As Node does if a stream that has failed is uncorked by what its call-backs do.
  class Failing extends Duplex {
    override _read(): void {}
    override write(_: unknown, done?: unknown): boolean {
      if (typeof done === 'function') for (let n = 0; n < 2; n++) (done as (error: Error) => void)(new Error('EPIPE'));
      return false;
    }
  }
  const budget = new Budget();
  const file = new MemoryFile(MAX);
  const stream = new Failing();
  const connection = new Connection(stream, { exported: { name: '', size: MAX, isReadOnly: true }, budget, report: () => {}, fail: () => {} }, file, 'client 1');
  stream.push(Buffer.concat([u32(3), option(OPT.GO, goData()), request({ type: CMD.READ, length: 4 * ALWAYS_BYTES })]));
  await file.hasBegun(1);
  stream.push(null);
  await connection.closed;
  expect(file.allocated).toBe(0);
  // No more than the limit can be taken.
  const accounts = Array.from({ length: ALL_BYTES / CONNECTION_BYTES }, () => new Account(budget));
  for (const account of accounts) expect(account.take(CONNECTION_BYTES, () => {})).toBe(true);
  expect(new Account(budget).take(2 * ALWAYS_BYTES, () => {})).toBe(false);
});

test('what a peer that is gone has asked for is forgotten, and no failure of the server', async () => {
  const { server, path, file, said } = await start();
  let hasFailed = false;
  server.failed.catch(() => (hasFailed = true));
  file.isHolding = true;
  const client = await RawNbd.go(path);
  client.send(request({ type: CMD.READ, length: 100 }), request({ type: CMD.FLUSH }));
  await file.hasBegun(2);
  expect(file.forgotten).toEqual([]);
  // It is reset, because there is something that it has not read: the reply to a request that is refused.
  client.socket.pause();
  client.send(request({ type: CMD.READ, offset: 2 ** 40 }));
  client.socket.destroy();
  while (file.forgotten.length === 0) await new Promise(setImmediate);
  file.error = { code: 'ERR_AIO_CANCELED', errno: 'ECANCELED' };
  file.releaseAll();
  while (file.allocated > 0) await new Promise(setImmediate);
  file.error = undefined;
  await lives(path);
  expect([hasFailed, said]).toEqual([false, []]);
});

test('what a faulty peer has in flight ends, and begins nothing more', async () => {
  const { server, path, file, says } = await start();
  const client = await RawNbd.go(path);
  file.isHolding = true;
  client.send(request({ type: CMD.WRITE, offset: 7, data: Buffer.from('kept') }), request({ type: CMD.WRITE_ZEROES, offset: 100, length: 60_000 }), request({ type: CMD.READ, magic: 1 }));
  await says(/wrong magic 0x1/);
  await client.ended;
  file.releaseAll();
  await server.close();
  expect(file.content.toString('latin1', 7, 11)).toBe('kept');
  // The first piece had begun; for the others there is nobody any more.
  expect(file.began).toEqual(['write 7+4', 'write 100+4096']);
});

test('when no request can succeed any more, the server fails', async () => {
  const { path, file, server } = await start();
  const client = await RawNbd.go(path);
  file.error = { code: 'ERR_AIO_THREAD_LOST' };
  client.send(request({ type: CMD.FLUSH }));
  await expect(server.failed).rejects.toMatchObject({ code: 'ERR_AIO_THREAD_LOST' });
});

test('there is a limit on connections, and a place is free again when one ends', async () => {
  const { path, says } = await start({ maxConnections: 2 });
  const [first] = [await RawNbd.go(path), await RawNbd.go(path)];
  const third = await RawNbd.connect(path);
  await third.ended;
  expect(third.left).toBe(0);
  await says(/^a connection was refused: there are 2 already \(--max-connections\)$/);
  first?.send(request({ type: CMD.DISC }));
  await first?.ended;
  for (;;) {
    const again = await RawNbd.connect(path);
    if (await again.greet().then(() => true, () => false)) break;
  }
});

test('memory: a connection has a part, all have a limit, and who waits is served in turn', () => {
  const budget = new Budget();
  const granted: string[] = [];
  const take = (account: InstanceType<typeof Account>, bytes: number, name: string): boolean => account.take(bytes, () => granted.push(name));
  const accounts = Array.from({ length: ALL_BYTES / CONNECTION_BYTES }, () => new Account(budget));
  for (const account of accounts) expect([take(account, MAX, ''), take(account, CONNECTION_BYTES - MAX, '')]).toEqual([true, true]);
  const [one, other] = [new Account(budget), new Account(budget)];
  // All is taken, but not what everybody may always have.
  expect([take(one, ALWAYS_BYTES, ''), take(one, 0, ''), take(one, MAX, 'one'), take(other, MAX, 'other')]).toEqual([true, true, false, false]);
  expect(granted).toEqual([]);
  accounts[0]?.give(MAX);
  // ALWAYS_BYTES more than the limit are in use.
  expect(granted).toEqual([]);
  accounts[0]?.give(CONNECTION_BYTES - MAX);
  expect(granted).toEqual(['one']);
  one.give(MAX);
  expect(granted).toEqual(['one', 'other']);
  // A connection that ends leaves the queue, which then goes on.
  expect(take(one, CONNECTION_BYTES - ALWAYS_BYTES, 'large')).toBe(false);
  const small = new Account(budget);
  expect(take(small, ALWAYS_BYTES + 1, 'small')).toBe(false);
  one.stop();
  expect(granted).toEqual(['one', 'other', 'small']);
  // The limits of one connection.
  const full = new Account(new Budget());
  expect([take(full, CONNECTION_BYTES, ''), take(full, 1, 'full')]).toEqual([true, false]);
  full.give(CONNECTION_BYTES);
  expect(granted.at(-1)).toBe('full');
  const many = new Account(new Budget());
  for (let n = 0; n < CONNECTION_REQUESTS; n++) expect(take(many, 0, '')).toBe(true);
  expect(take(many, 0, 'many')).toBe(false);
  many.give(0);
  expect(granted.at(-1)).toBe('many');
  expect(many.requests).toBe(CONNECTION_REQUESTS);
});

test('what the server says of peers is bounded, and has no control characters', () => {
  const lines: string[] = [];
  const log = new FaultLog((text) => lines.push(text));
  for (let n = 0; n < 25; n++) log.add(`fault\n\x1b[2J ${n}`);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toBe('fault??[2J 0');
  log.end();
  expect(lines[10]).toBe('15 more such lines were left out');
  log.add('again');
  log.end();
  expect(lines.slice(11)).toEqual(['again']);
});
