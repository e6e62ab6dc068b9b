// SPDX-License-Identifier: MIT
/**
 * JavaScript in an IOThread uses Node's own timers, sockets and requests, also those that no call waits for: the thread sleeps
 * in JavaScript's event loop as long as there are any, and inside WebAssembly otherwise.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { Runtime, type IOThread } from 'wasm-aio';
import type { Blocking } from './fixtures/iothread-blocking.js';
import type { Sockets } from './fixtures/iothread-sockets.js';
import { asleep } from './helpers/workers.js';

let runtime: Runtime;
let io: IOThread<Sockets>;
beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread<Sockets>('sockets', { module: new URL('./fixtures/iothread-sockets.js', import.meta.url) });
});
afterAll(() => runtime.close());

/** Sends a text to a server, and resolves with what it answers. */
const ask = (port: number, text: string): Promise<string> => new Promise((resolve, reject) => {
  let got = '';
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  socket.setEncoding('utf8').on('data', (piece) => (got += String(piece))).on('end', () => resolve(got)).on('error', reject);
});

/** Calls a function of the IOThread's, and resolves with what it tells when it has returned. */
const told = <T>(start: (tell: (value: T) => void) => Promise<void>): Promise<T> => new Promise((resolve, reject) => {
  start(resolve).catch(reject);
});

/** Waits until the thread sleeps inside WebAssembly. */
async function blocking(): Promise<void> {
  for (;;) {
    await asleep(runtime, io);
    if ((await io.stats()).sleeping === 'blocking') return;
  }
}

test('a server that was opened in serve() answers while nobody calls the IOThread', async () => {
  for (let n = 0; n < 100; n++) expect(await ask(io.remote.first, `first ${n}`)).toBe(`first ${n}`);
  expect((await io.stats()).sleeping).toBe('hosted');
  expect(await io.remote.mode()).toBe('hosted');
});

test('so does one that was opened in a call that has returned', async () => {
  const port = await told<number>((tell) => io.remote.open(tell));
  for (let n = 0; n < 100; n++) expect(await ask(port, `second ${n}`)).toBe(`second ${n}`);
});

test('the thread sleeps inside WebAssembly once all servers are closed', async () => {
  await io.remote.closeAll();
  await blocking();
  expect(await io.remote.mode()).toBe('blocking');
});

test('a server that is opened after that answers, too, and when it is closed, the thread sleeps as before', async () => {
  for (let round = 0; round < 5; round++) {
    await blocking();
    const port = await told<number>((tell) => io.remote.open(tell));
    for (let n = 0; n < 10; n++) expect(await ask(port, `third ${n}`)).toBe(`third ${n}`);
    await io.remote.closeAll();
  }
  await blocking();
});

test('an interval ticks until it is cleared', async () => {
  await blocking();
  const ticks: number[] = [];
  await new Promise<void>((resolve, reject) => {
    io.remote.ticks(20, (n) => void (ticks.push(n), n === 20 && resolve())).catch(reject);
  });
  expect(ticks).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  await blocking();
});

test.each(['read', 'digest', 'zip', 'fetch'] as const)('%s ends although nobody waits for it', async (name) => {
  for (let round = 0; round < 3; round++) {
    await blocking();
    expect(await told<unknown>((tell) => io.remote[name](tell))).toBeTruthy();
  }
  await blocking();
});

test('listeners of beforeExit hear nothing of it', async () => {
  const heard: number[] = [];
  await io.remote.onExit((n) => void heard.push(n));
  await told<number>((tell) => io.remote.read(tell));
  await blocking();
  // A call-back that was made before is taken before the answer.
  expect(await io.remote.mode()).toBe('blocking');
  expect(heard).toEqual([]);
});

test('serve() may ask for a thread that sleeps inside WebAssembly all the same', async () => {
  const other = await runtime.iothread<Blocking>('blocking', { module: new URL('./fixtures/iothread-blocking.js', import.meta.url) });
  let ticked = 0;
  await other.remote.start(() => void ticked++);
  await asleep(runtime, other);
  expect((await other.stats()).sleeping).toBe('blocking');
  expect(ticked).toBe(0);
  await other.close();
});

test('the end of an IOThread with an open server is an ordinary one', async () => {
  const other = await runtime.iothread<Sockets>('ends', { module: new URL('./fixtures/iothread-sockets.js', import.meta.url) });
  expect(await ask(other.remote.first, 'here')).toBe('here');
  await other.close();
  await expect(other.closed).resolves.toEqual({ workersLeft: 0 });
});
