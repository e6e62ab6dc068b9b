// SPDX-License-Identifier: MIT
/** The NBD server in the worker of an IOThread, whose own loop carries out the requests. */
import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type AioEngine, type IOThread } from 'wasm-aio';
import type { ServeOptions } from '../../dist/nbd-server/worker.js';
import { scratch } from './helpers/child.js';
import { CMD, RawNbd, request } from './helpers/nbd-client.js';
import { dist } from './helpers/paths.js';
import type { Forgets } from './fixtures/iothread-forget.js';

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
async function serve(aio: AioEngine, prepared = (): void => {}): Promise<{ io: IOThread; server: Sockets; path: string }> {
  const io = await runtime.iothread('nbd0', { module: new URL(dist('nbd-server/worker.js'), import.meta.url) });
  const file = (await io.open(disk, { aio, write: true })) as unknown as OpenFile;
  const server = io.remote as unknown as Sockets;
  prepared();
  server.begin({
    exported: { name: '', size: SIZE, isReadOnly: false }, maxConnections: 20, timeout: 60_000, tls: undefined, origins: undefined,
    files: [{ path: disk, handle: file.host.handle, context: file.ioThread.context, ...file.settings }],
  }, () => {}).catch(() => {});
  const path = join(dir.path, `s${sockets++}`);
  await server.listen({ path });
  return { io, server, path };
}

test('a request wakes no thread: the loop of the worker that has the socket carries it out', async () => {
  const { io, server, path } = await serve('sync');
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
  const io = await runtime.iothread<Forgets>('nbd0', { module: new URL('./fixtures/iothread-forget.js', import.meta.url) });
  const file = (await io.open(disk, { aio: 'native', write: true })) as unknown as OpenFile;
  // Requests of this engine begin when it is unplugged.
  const { kept, gone } = await io.remote.readAndForget({ path: disk, handle: file.host.handle, context: file.ioThread.context, ...file.settings }, 10);
  expect(kept).toEqual(Array.from({ length: 10 }, () => 4096));
  expect(gone).toEqual(Array.from({ length: 10 }, () => 'ERR_AIO_CANCELED'));
});

test('a server that has no memory does not listen, and says so', async () => {
  await runtime.close();
  runtime = await Runtime.create({ maximumMemory: 32 * 1024 ** 2, reserve: 0 });
  const served = serve('sync', () => {
    for (;;) {
      try {
        runtime.allocate(1024 ** 2);
      } catch {
        return;
      }
    }
  });
  expect(await served.catch((error: unknown) => error)).toMatchObject({ code: 'ERR_AIO_NO_MEMORY' });
});
