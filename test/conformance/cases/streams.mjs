// SPDX-License-Identifier: MIT
/** Streams of the platform over pipes and files, in the owner's thread and in an IOThread: more than a pipe holds, ends, cancelling, aborting. */
import { Runtime } from 'wasm-aio';
import { readable, writable } from 'wasm-aio/streams';

const bytes = (length) => Uint8Array.from({ length }, (_, n) => (n * 7) & 255);

async function all(stream) {
  const reader = stream.getReader();
  const pieces = [];
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) pieces.push(...piece.value);
  return pieces;
}

export default async function ({ path, makeWorker, check }) {
  const aio = await Runtime.create();
  const { context } = aio;
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./streams.worker.mjs', import.meta.url)) });
  const code = (promise) => promise.then(() => 'done', (error) => error.code ?? String(error));
  const same = (got, length) => got.length === length && got.every((byte, n) => byte === ((n * 7) & 255));

  // Through an IOThread and back.
  const [there, back] = [context.pipe('there', { capacity: 4096 }), context.pipe('back', { capacity: 1024 })];
  const echo = io.remote.echo(there, back);
  const reading = all(readable(back));
  const writer = writable(there).getWriter();
  for (let at = 0; at < 50_000; at += 5000) await writer.write(bytes(50_000).subarray(at, at + 5000));
  await writer.close();
  check(same(await reading, 50_000), 'what came back is not what was sent');
  check((await echo) === 'closed', 'the echo has not ended');

  // Given up on either side.
  const cancelled = context.pipe('cancelled', { capacity: 64 });
  const blocked = writable(cancelled).getWriter();
  const writes = [code(blocked.write(bytes(100))), code(blocked.closed)];
  await readable(cancelled).cancel('enough');
  check((await Promise.all(writes)).join() === 'ERR_AIO_CLOSED,ERR_AIO_CLOSED', `a write after cancel(): ${await writes[0]}`);
  const aborted = context.pipe('aborted', { capacity: 64 });
  const waiting = code(all(readable(aborted)));
  const giving = writable(aborted).getWriter();
  const write = code(giving.write(bytes(1000)));
  code(giving.closed);
  await giving.abort('given up');
  const ends = [await write, await waiting];
  check(ends.join() === 'given up,ERR_AIO_CLOSED', `after abort(): ${ends}`);
  const abort = new AbortController();
  const idle = code(readable(context.pipe('idle'), { signal: abort.signal }).getReader().read());
  abort.abort('enough');
  check((await idle) === 'enough', `a signal: ${await idle}`);

  // A file.
  const file = await io.open(await path('streams'), { create: true });
  const into = writable(file, { offset: 0 }).getWriter();
  for (const piece of [bytes(70_000), bytes(140_000).subarray(70_000)]) await into.write(piece);
  await into.close();
  check(same(await all(readable(file, { chunkSize: 3000 })), 140_000), 'the file is not what was written');
  check((await file.stat()).size === 140_000, `${(await file.stat()).size} bytes`);
  const age = Math.abs(Date.now() - (await file.stat()).mtimeMs);
  check(age < 3_600_000, `it was changed ${age} ms ago`);
  await file.truncate(1000);
  check(same(await all(readable(file)), 1000), 'truncated');
  await file.truncate(1002);
  check((await all(readable(file, { offset: 999 }))).join() === `${999 * 7 & 255},0,0`, 'grown');
  await file.truncate(0);
  await file.close();
  await aio.close();
}
