// SPDX-License-Identifier: MIT
/** The NBD server in the worker of an IOThread, whose own loop carries out the requests. */
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioEngine, type IOThread } from 'wasm-aio';
import type { ServeOptions } from '../../dist/nbd-server/worker.js';
import { scratch } from './helpers/child.js';
import { CMD, RawNbd, request } from './helpers/nbd-client.js';
import type { Reads } from './fixtures/iothread-reads.js';

const dir = scratch();
afterAll(dir.remove);
const SIZE = 256 * 1024;
const disk = join(dir.path, 'disk.img');
const content = Buffer.from(Uint32Array.from({ length: SIZE / 4 }, (_, n) => n * 2654435761).buffer);
let runtime: Runtime;
beforeEach(async () => {
  writeFileSync(disk, content);
  runtime = await Runtime.create();
});
afterEach(() => runtime.close());
let sockets = 0;

/** What the worker serves. */
interface Sockets {
  begin(options: ServeOptions, print: (text: string) => void): Promise<void>;
  listen(address: { path: string }): Promise<unknown>;
  close(): Promise<void>;
}

/** The properties of an open file that are the package's own. */
type Inside = Pick<ServeOptions['files'][0], 'aio' | 'aioMaxBatch'>;
interface OpenFile {
  host: { handle: number };
  ioThread: { context: ServeOptions['files'][0]['context'] };
  settings: Inside;
}

/** Serves the file in the worker of an IOThread. prepared: called once the file is open. */
async function serve(aio: AioEngine, { prepared = (): void => {}, isDirect = false } = {}): Promise<{ io: IOThread; server: Sockets; path: string }> {
  const io = await runtime.iothread('nbd0', { module: new URL('./fixtures/iothread-nbd-server.js', import.meta.url) });
  const file = (await io.open(disk, { aio, write: true })) as unknown as OpenFile;
  const server = io.remote as unknown as Sockets;
  prepared();
  server.begin({
    exported: { name: '', size: SIZE, isReadOnly: false }, maxConnections: 20, timeout: 60_000, tls: undefined, origins: undefined,
    files: [{ path: disk, handle: file.host.handle, context: file.ioThread.context, ...file.settings, ...(isDirect ? { aio: 'threads', isDirect } : {}) }],
  }, () => {}).catch(() => {});
  const path = join(dir.path, `s${sockets++}`);
  await server.listen({ path });
  return { io, server, path };
}

test.each([['sync', false], ['auto', true]])('a request wakes no thread: the loop of the worker that has the socket carries it out (--aio=%s)', async (_, isDirect) => {
  const { io, server, path } = await serve('sync', { isDirect });
  const client = await RawNbd.go(path);
  const block = 4096;
  const { wakeupsSent: before } = await io.stats();
  for (let n = 0; n < 100; n++) {
    const offset = (n * block) % SIZE;
    expect((await client.ask({ type: CMD.READ, offset, length: block })).data.equals(content.subarray(offset, offset + block))).toBe(true);
  }
  const { wakeupsSent: after } = await io.stats();
  // Those of calls such as stats(), none of a request.
  expect(after - before).toBeLessThan(20);
  client.close();
  await server.close();
});

test('--aio=auto: flushes and large requests, which may take long, are carried out by other threads', async () => {
  const { io, server, path } = await serve('sync', { isDirect: true });
  const client = await RawNbd.go(path);
  const inLoop = async (): Promise<number> => (await io.engineStats('sync')).requests;
  expect((await client.ask({ type: CMD.READ, length: 64 * 1024 })).data.equals(content.subarray(0, 64 * 1024))).toBe(true);
  expect(await client.ask({ type: CMD.WRITE, offset: 5, data: Buffer.from('small') })).toMatchObject({ error: 0 });
  expect(await inLoop()).toBe(2);
  expect(await client.ask({ type: CMD.FLUSH })).toMatchObject({ error: 0 });
  expect(await client.ask({ type: CMD.WRITE, offset: 0, data: Buffer.alloc(64 * 1024 + 1, 3) })).toMatchObject({ error: 0 });
  expect((await client.ask({ type: CMD.READ, length: 64 * 1024 + 1 })).data.equals(Buffer.alloc(64 * 1024 + 1, 3))).toBe(true);
  expect(await inLoop()).toBe(2);
  client.close();
  await server.close();
});

test('--aio=auto: once the storage has made the loop wait, other threads read, until a twentieth of the time has made up for it', async () => {
  const io = await runtime.iothread<Reads>('nbd0', { module: new URL('./fixtures/iothread-reads.js', import.meta.url) });
  const file = (await io.open(disk, { aio: 'sync' })) as unknown as OpenFile;
  const opened = { path: disk, handle: file.host.handle, context: file.ioThread.context, aio: 'threads' as const, aioMaxBatch: 0, isDirect: true };
  // The clock goes on by 50 ms whenever it is read: a read in the loop takes so long, and so much is between two reads.
  const lengths = await io.remote.readByClock(opened, 32, 50);
  expect(lengths).toEqual(Array.from({ length: 32 }, () => 4096));
  // The first one takes 30 ms more than are left, the 13th 47.5 ms more, so that the 32nd is the next one.
  expect((await io.engineStats('sync')).requests).toBe(3);
});

test('requests that arrive together are submitted together', async () => {
  const { io, server, path } = await serve('native');
  const client = await RawNbd.go(path);
  await client.ask({ type: CMD.FLUSH });
  const before = await io.engineStats('native');
  client.send(...Array.from({ length: 30 }, (_, n) => request({ type: CMD.READ, offset: n * 100, length: 100, cookie: n })));
  for (let n = 0; n < 30; n++) {
    const { cookie, data } = await client.reply(100);
    expect(data.equals(content.subarray(Number(cookie) * 100, Number(cookie) * 100 + 100))).toBe(true);
  }
  const after = await io.engineStats('native');
  expect([after.requests - before.requests, after.submissions - before.submissions]).toEqual([30, 1]);
  client.close();
  await server.close();
});

test('reads of a connection that is lost are dropped before they begin, and no others', async () => {
  const io = await runtime.iothread<Reads>('nbd0', { module: new URL('./fixtures/iothread-reads.js', import.meta.url) });
  const file = (await io.open(disk, { aio: 'native', write: true })) as unknown as OpenFile;
  // Requests of this engine begin when it is unplugged.
  const { kept, gone } = await io.remote.readAndForget({ path: disk, handle: file.host.handle, context: file.ioThread.context, ...file.settings }, 10);
  expect(kept).toEqual(Array.from({ length: 10 }, () => 4096));
  expect(gone).toEqual(Array.from({ length: 10 }, () => 'ERR_AIO_CANCELED'));
});

test('a server that has no memory does not listen, and says so', async () => {
  await runtime.close();
  runtime = await Runtime.create({ maximumMemory: 32 * 1024 ** 2, reserve: 0 });
  const prepared = (): void => {
    for (;;) {
      try {
        runtime.allocate(1024 ** 2);
      } catch {
        return;
      }
    }
  };
  const served = serve('sync', { prepared });
  expect(await served.catch((error: unknown) => error)).toMatchObject({ code: 'ERR_AIO_NO_MEMORY' });
});
