// SPDX-License-Identifier: MIT
/** Pipes and files as streams of the platform, and as Node's: back-pressure, ends, cancelling, aborting, errors. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { Runtime, type AioFile, type IOThread, type Pipe } from 'wasm-aio';
import { readable, writable, type ByteReadableStream } from 'wasm-aio/streams';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';

const dir = scratch(true);
const text = new TextEncoder();
let runtime: Runtime;
let io: IOThread;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  io = await runtime.iothread('io');
});
afterAll(async () => {
  await runtime.close();
  dir.remove();
});

let names = 0;
const newPipe = (capacity = 64): Pipe => runtime.context.pipe(`p${names++}`, { capacity });
const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, n) => (n * 7) & 255);
async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}
/** The DOM's types, which these tests have beside Node's, are not assignable to those. */
const nodeReadable = (stream: ByteReadableStream): Readable => Readable.fromWeb(stream as never);
/** Runs everything that is due now, in this thread's loop. */
const turns = async (): Promise<void> => {
  for (let n = 0; n < 5; n++) await runtime.context.sleep(0);
};
async function withFile(content: Uint8Array, work: (file: AioFile, path: string) => Promise<void>): Promise<void> {
  const path = join(dir.path, `file${names++}`);
  writeFileSync(path, content);
  const file = await io.open(path, { write: true });
  await work(file, path);
  await file.close();
}

test('from one end of a pipe to the other, more than it holds', async () => {
  const pipe = newPipe();
  const sent = bytes(10_000);
  const writer = writable(pipe).getWriter();
  const reading = all(readable(pipe));
  for (let at = 0; at < sent.length; at += 999) await writer.write(sent.subarray(at, at + 999));
  await writer.close();
  expect(Buffer.compare(await reading, sent)).toBe(0);
  // The pipe is its creator's.
  expect(pipe.ended).toBe(true);
  pipe.close();
});

test('a slow reader makes the writer wait, and nothing is read that nobody asked for', async () => {
  const pipe = newPipe(16);
  const reader = readable(pipe).getReader();
  const writer = writable(pipe).getWriter();
  await writer.write(bytes(16));
  const state = { written: false };
  const second = writer.write(bytes(8)).then(() => (state.written = true));
  await turns();
  expect([pipe.length, writer.desiredSize, state.written]).toEqual([16, 0, false]);
  expect((await reader.read()).value?.length).toBe(16);
  await second;
  expect(pipe.length).toBe(8);
  await writer.close();
  expect((await reader.read()).value?.length).toBe(8);
  expect((await reader.read()).done).toBe(true);
  await reader.closed;
});

test('cancelling the readable side closes the pipe, which its writer is told of', async () => {
  const pipe = newPipe(16);
  const writer = writable(pipe).getWriter();
  const writing = [failure(writer.write(bytes(20)), 'ERR_AIO_CLOSED'), failure(writer.closed, 'ERR_AIO_CLOSED')];
  await readable(pipe).cancel('enough');
  await Promise.all(writing);
  await failure(() => pipe.length, 'ERR_AIO_CLOSED');
  // Also while a read waits, and by leaving a loop.
  const idle = newPipe();
  const reader = readable(idle).getReader();
  const waiting = reader.read();
  await reader.cancel();
  expect(await waiting).toEqual({ done: true, value: undefined });
  await failure(() => idle.length, 'ERR_AIO_CLOSED');
  const left = newPipe();
  left.write(bytes(3));
  for await (const piece of readable(left)) {
    expect(piece.length).toBe(3);
    break;
  }
  await failure(() => left.length, 'ERR_AIO_CLOSED');
});

test('aborting the writable side ends a write that waits, and closes the pipe', async () => {
  const pipe = newPipe(16);
  const reading = failure(all(readable(pipe)), 'ERR_AIO_CLOSED');
  await turns();
  const blocked = newPipe(16);
  const writer = writable(blocked).getWriter();
  const write = writer.write(bytes(20)).catch((error: unknown) => error);
  writer.closed.catch(() => {});
  await writer.abort('given up');
  expect(await write).toBe('given up');
  await failure(() => blocked.length, 'ERR_AIO_CLOSED');
  await writable(pipe).abort();
  await reading;
});

test('a signal gives either side up, before and while something waits, with its reason', async () => {
  const abort = new AbortController();
  const [one, other] = [newPipe(16), newPipe(16)];
  const reader = readable(one, { signal: abort.signal }).getReader();
  const writer = writable(other, { signal: abort.signal }).getWriter();
  const ends = [reader.read(), reader.closed, writer.write(bytes(20)), writer.closed].map((end) => end.catch((error: unknown) => error));
  abort.abort('enough');
  expect(await Promise.all(ends)).toEqual(['enough', 'enough', 'enough', 'enough']);
  await failure(() => one.length, 'ERR_AIO_CLOSED');
  await failure(() => other.length, 'ERR_AIO_CLOSED');
  const late = newPipe();
  await expect(readable(late, { signal: abort.signal }).getReader().read()).rejects.toBe('enough');
  await failure(() => late.length, 'ERR_AIO_CLOSED');
});

test('what is no bytes fails the stream, and the reader does not take the rest for all', async () => {
  const pipe = newPipe();
  const reading = failure(all(readable(pipe)), 'ERR_AIO_CLOSED');
  const writer = writable(pipe).getWriter();
  await writer.write(bytes(3));
  writer.closed.catch(() => {});
  expect((await failure(writer.write('text' as never), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^chunk must be a Uint8Array/);
  await reading;
  await failure(() => readable({} as never), 'ERR_AIO_INVALID_ARG');
  await failure(() => writable(pipe, { offset: 1 } as never), 'ERR_AIO_INVALID_ARG');
});

test('a file is read piece by piece, whole or in part', async () => {
  await withFile(bytes(200_000), async (file) => {
    expect(Buffer.compare(await all(readable(file)), bytes(200_000))).toBe(0);
    const lengths: number[] = [];
    for await (const piece of readable(file, { offset: 199_000, chunkSize: 400 })) lengths.push(piece.length);
    expect(lengths).toEqual([400, 400, 200]);
    expect(Buffer.compare(await all(readable(file, { offset: 10, length: 1000, chunkSize: 300 })), bytes(1010).subarray(10))).toBe(0);
    expect(await all(readable(file, { length: 0 }))).toHaveLength(0);
    expect(await new Response(readable(file, { length: 70_000 })).bytes?.() ?? bytes(70_000)).toHaveLength(70_000);
    await failure(() => readable(file, { chunkSize: 0 }), 'ERR_AIO_INVALID_ARG');
  });
});

test('a file is written one chunk after the other, and stays open whatever happens', async () => {
  await withFile(text.encode('0123456789'), async (file, path) => {
    const writer = writable(file, { offset: 4 }).getWriter();
    void writer.write(text.encode('abc'));
    void writer.write(text.encode('de'));
    await writer.close();
    expect(readFileSync(path, 'latin1')).toBe('0123abcde9');
    await readable(file).cancel();
    const reader = readable(file, { chunkSize: 1 }).getReader();
    await reader.read();
    await reader.cancel();
    const given = writable(file).getWriter();
    await given.write(text.encode('X'));
    given.closed.catch(() => {});
    await given.abort();
    const reason = writable(file, { signal: AbortSignal.abort('enough') }).getWriter();
    await expect(reason.closed).rejects.toBe('enough');
    expect(Buffer.from(await file.read(0, 3)).toString()).toBe('X12');
  });
});

test('errors of a file are those of its requests', async () => {
  const path = join(dir.path, 'read-only');
  writeFileSync(path, 'x');
  const file = await io.open(path);
  const writer = writable(file).getWriter();
  const ends = [failure(writer.write(bytes(1)), 'ERR_AIO_IO'), failure(writer.closed, 'ERR_AIO_IO')];
  expect((await Promise.all(ends)).map(({ errno }) => errno)).toEqual(['EBADF', 'EBADF']);
  const stream = readable(file);
  await file.close();
  await all(stream).catch(() => {});
  await failure(all(readable(file)), 'ERR_AIO_CLOSED');
});

test("Node's streams, through Node's own functions", async () => {
  const sent = bytes(300_000);
  const [packed, unpacked] = [newPipe(4096), newPipe(4096)];
  const reading = all(nodeReadable(readable(unpacked)));
  await Promise.all([
    pipeline(Readable.from([sent.subarray(0, 100_000), sent.subarray(100_000)]), createGzip(), Writable.fromWeb(writable(packed))),
    pipeline(nodeReadable(readable(packed)), createGunzip(), Writable.fromWeb(writable(unpacked))),
  ]);
  expect(Buffer.compare(await reading, sent)).toBe(0);
  // destroy() cancels or aborts.
  const pipe = newPipe();
  const stream = nodeReadable(readable(pipe));
  const closed = new Promise((resolve) => stream.once('close', resolve));
  stream.destroy();
  await closed;
  await turns();
  await failure(() => pipe.length, 'ERR_AIO_CLOSED');
  const other = newPipe();
  const sink = Writable.fromWeb(writable(other));
  const failed = new Promise((resolve) => sink.once('error', resolve));
  sink.destroy(new Error('given up'));
  expect(await failed).toMatchObject({ message: 'given up' });
  await turns();
  await failure(() => other.length, 'ERR_AIO_CLOSED');
});

test('streams keep no process alive that has nothing to wait for', async () => {
  const own = runtime.createContext('own');
  const pipe = own.pipe('p');
  const before = own.held;
  const stream = readable(pipe);
  writable(pipe);
  await turns();
  expect(own.held).toEqual(before);
  await stream.cancel();
  await own.close();
});
