// SPDX-License-Identifier: MIT
/** Bottom halves, notifiers and pipes between threads: nothing is lost, no message is sent. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Runtime, type BottomHalf, type IOThread, type Notifier, type Remote } from 'wasm-aio';
import type { Plane } from './fixtures/iothread-plane.js';
import { asleep, until, workersOf } from './helpers/workers.js';

const module = new URL('./fixtures/iothread-plane.js', import.meta.url);
const counter = new SharedArrayBuffer(4);
const word = new Int32Array(counter);

let runtime: Runtime;
let io: IOThread<Plane>;
let other: IOThread<Plane>;
let answer: Notifier;
let remote: Remote<Plane>;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  [io, other] = await Promise.all([runtime.iothread<Plane>('io', { module }), runtime.iothread<Plane>('other', { module })]);
  answer = runtime.context.notifier('answer');
  ({ remote } = io);
  await remote.attach(answer, counter);
});
afterAll(() => runtime.close());

test('a sleeping loop runs what the owner schedules and sets, without a message', async () => {
  const { tick, bell } = remote;
  const before = await remote.state();
  let posted = 0;
  const [worker] = workersOf(runtime, 'IO io');
  if (!worker) throw new Error('no worker');
  const { post } = worker;
  worker.post = (...args) => {
    posted++;
    post(...args);
  };
  for (let i = 0; i < 200; i++) {
    if (i % 10 === 0) await asleep(runtime, io);
    tick.schedule();
    await answer.wait();
    bell.set();
    await answer.wait();
  }
  worker.post = post;
  expect(posted).toBe(0);
  const after = await remote.state();
  expect(after.ticks - before.ticks).toBe(200);
  expect(after.rung - before.rung).toBe(200);
});

test('what another IOThread schedules is never lost: the last run sees the last write', async () => {
  for (const times of [1, 2, 10, 1000, 100_000]) {
    await other.remote.scheduleOther(remote.tick, counter, times);
    const written = Atomics.load(word, 0);
    for (;;) {
      const { seen } = await remote.state();
      if (seen === written) break;
    }
  }
});

test('bytes from the owner', async () => {
  const sent = Uint8Array.from({ length: 100_003 }, (_, i) => (i * 13) % 256);
  const { inbox } = remote;
  for (let done = 0; done < sent.length;) {
    const written = inbox.write(sent.subarray(done, done + 777));
    done += written;
    if (written === 0) await inbox.drain();
  }
  inbox.end();
  await until(() => inbox.length === 0);
  let state = await remote.state();
  while (state.bytes < sent.length) state = await remote.state();
  expect(state.bytes).toBe(sent.length);
  expect(state.sum).toBe(sent.reduce((sum, byte) => (Math.imul(sum, 31) + byte) >>> 0, 0));
});

test('bytes to the owner, through a pipe of the owner’s', async () => {
  const pipe = runtime.context.pipe('up', { capacity: 1 << 12 });
  const poured = io.remote.pour(pipe, 500_000);
  let count = 0;
  for await (const bytes of pipe) {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== ((count + i) % 1000) % 251) throw new Error(`byte ${count + i} is ${bytes[i]}`);
    }
    count += bytes.length;
  }
  await poured;
  expect(count).toBe(500_000);
  pipe.close();
});

test('a call-back may be async, and its timers run while the loop would sleep', async () => {
  answer.testAndClear();
  const before = await remote.state();
  for (let i = 0; i < 5; i++) {
    await asleep(runtime, io);
    remote.slow.schedule();
    await answer.wait();
  }
  expect((await remote.state()).slept - before.slept).toBe(5);
});

test('microtasks of a call-back run before the loop sleeps', async () => {
  for (let i = 0; i < 50; i++) {
    await asleep(runtime, io);
    remote.chain.schedule();
    await answer.wait();
  }
  expect((await remote.state()).chained).toBe(50);
});

test('a timer of an IOThread’s', async () => {
  await remote.arm(1);
  await answer.wait();
});

test('scheduling races with closing: ERR_AIO_CLOSED, and nobody else’s is touched', async () => {
  const { exports } = runtime.instance;
  for (let round = 0; round < 100; round++) {
    let runs = 0;
    const bh: BottomHalf = runtime.context.bottomHalf('short-lived', () => {
      runs++;
      if (runs >= 3) bh.close();
    });
    const scheduled = await Promise.all([io.remote.scheduleUntilClosed(bh), other.remote.scheduleUntilClosed(bh)]);
    expect(runs).toBe(3);
    expect(scheduled[0] + scheduled[1]).toBeGreaterThanOrEqual(3);
  }
  const open = exports.rt_handles_open();
  const one = runtime.context.bottomHalf('one', () => {});
  expect(exports.rt_handles_open()).toBe(open + 1);
  one.close();
});

test('closed in its thread, it is closed in all', async () => {
  await remote.closeTick();
  expect(() => remote.tick.schedule()).toThrow("bottom half 'tick' is closed");
  await other.close();
  const { bell, inbox } = other.remote;
  expect(() => bell.set()).toThrow("notifier 'bell' is closed");
  expect(() => inbox.write(new Uint8Array(1))).toThrow("pipe 'inbox' is closed");
});
