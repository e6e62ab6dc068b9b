// SPDX-License-Identifier: MIT
/** What a loop's promises and async iterations wait for: time, notifiers, room in a pipe; and how signals and ends stop them. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Runtime, type AioContext, type Notifier } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

let runtime: Runtime;
let context: AioContext;
beforeEach(async () => {
  runtime = await Runtime.create({ reserve: 0, module: fixture('types') });
  context = runtime.createContext('own');
});
afterEach(() => runtime.close());

const bytes = (length: number, from = 0): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, (_, n) => (from + n * 7) & 255);
const nothingHeld = (): void => expect(context.held).toEqual({ registrations: 0, watched: 0 });

test('sleep() ends in the order of the times, not before them, and leaves nothing', async () => {
  const begun = performance.now();
  const order: number[] = [];
  await Promise.all([30, 0, 10.5].map((ms) => context.sleep(ms).then(() => order.push(ms))));
  expect(order).toEqual([0, 10.5, 30]);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(29);
  nothingHeld();
});

test('a signal ends sleep() with its reason, before and during it', async () => {
  await expect(context.sleep(1e9, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
  const abort = new AbortController();
  const asleep = context.sleep(1e9, { signal: abort.signal });
  abort.abort(0);
  await expect(asleep).rejects.toBe(0);
  nothingHeld();
  // The signal does nothing to one that has ended.
  const late = new AbortController();
  await context.sleep(0, { signal: late.signal });
  late.abort();
});

test('closing the context ends sleep() and an interval', async () => {
  const asleep = failure(context.sleep(1e9), 'ERR_AIO_CLOSED');
  const ticks = context.interval(1e9);
  const next = ticks.next();
  await context.close();
  expect((await asleep).message).toBe("context 'own' is closed");
  expect(await next).toEqual({ value: undefined, done: true });
  await failure(context.sleep(1), 'ERR_AIO_CLOSED');
  await failure(() => context.interval(1), 'ERR_AIO_CLOSED');
});

test('an interval tells how many periods have passed, and does not drift', async () => {
  const begun = performance.now();
  let passed = 0;
  let turns = 0;
  for await (const periods of context.interval(10)) {
    expect(periods).toBeGreaterThanOrEqual(turns === 2 ? 3 : 1);
    passed += periods;
    expect(performance.now() - begun).toBeGreaterThanOrEqual(passed * 10 - 1);
    if (turns === 1) {
      // The thread does something else for more than three periods.
      const busy = performance.now();
      while (performance.now() - busy < 40) continue;
    }
    if (++turns === 4) break;
  }
  nothingHeld();
  const abort = new AbortController();
  const ticks = context.interval(1e9, { signal: abort.signal });
  const next = ticks.next();
  abort.abort('enough');
  await expect(next).rejects.toBe('enough');
  await failure(() => context.interval(0), 'ERR_AIO_INVALID_ARG');
});

test('a set resolves all waits of a thread, also one that began when it was set', async () => {
  const { context: own } = runtime;
  const before = own.held;
  const notifier = own.notifier('n');
  const other = own.fromHandle(notifier.toHandle());
  const abort = new AbortController();
  const aborted = notifier.wait({ signal: abort.signal });
  const waits = [notifier.wait(), other.wait(), notifier.wait()];
  abort.abort('left');
  await expect(aborted).rejects.toBe('left');
  notifier.set();
  // It must not take what the others wait for.
  waits.push(notifier.wait());
  await Promise.all(waits);
  expect(notifier.testAndClear()).toBe(false);
  const left = [notifier.wait(), other.wait()].map((wait) => failure(wait, 'ERR_AIO_CLOSED'));
  expect(() => own.onSet(notifier, () => {})).toThrow(/already has one \(wait for notifier 'n'\)/);
  notifier.close();
  await Promise.all(left);
  expect(own.held).toEqual(before);
});

test('an iteration over a notifier or a pipe ends by its signal, and the bytes stay', async () => {
  const notifier = context.notifier('n');
  const pipe = context.pipe('p');
  const abort = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    for await (const _ of notifier.values({ signal: abort.signal })) seen.push('set');
  })();
  const reading = (async () => {
    for await (const piece of pipe.values({ signal: abort.signal })) seen.push(`${piece.length} bytes`);
  })();
  pipe.write(bytes(3));
  while (pipe.length > 0) await context.sleep(0);
  abort.abort('enough');
  pipe.write(bytes(5));
  await expect(watching).rejects.toBe('enough');
  await expect(reading).rejects.toBe('enough');
  expect(seen).toEqual(['3 bytes']);
  expect([...pipe.read()]).toEqual([...bytes(5)]);
  await failure(() => notifier.values({ signal: 1 as never }), 'ERR_AIO_INVALID_ARG');
});

test('writeAll() writes more than there is room for, in order', async () => {
  const pipe = context.pipe('p', { capacity: 64 });
  const sent = bytes(10_000);
  const received: number[] = [];
  const reading = (async () => {
    for await (const piece of pipe) received.push(...piece);
  })();
  await pipe.writeAll(sent);
  await pipe.writeAll(new Uint8Array(0));
  pipe.end();
  await reading;
  expect(received).toEqual([...sent]);
});

test('writeAll() rejects if it is aborted, its buffer transferred, or its pipe ended or closed', async () => {
  const full = (): ReturnType<AioContext['pipe']> => context.pipe('p', { capacity: 16 });
  const [aborted, moved, ended, closed] = [full(), full(), full(), full()];
  const abort = new AbortController();
  const writing = aborted.writeAll(bytes(20), { signal: abort.signal });
  abort.abort('enough');
  await expect(writing).rejects.toBe('enough');
  expect(aborted.length).toBe(16);
  await expect(aborted.writeAll(bytes(1), { signal: abort.signal })).rejects.toBe('enough');

  const view = bytes(20);
  const transferred = failure(moved.writeAll(view), 'ERR_AIO_INVALID_ARG');
  structuredClone(view.buffer, { transfer: [view.buffer] });
  moved.read();
  expect((await transferred).message).toBe('the buffer of bytes was transferred or resized before all were written');

  const after = failure(ended.writeAll(bytes(20)), 'ERR_AIO_CLOSED');
  ended.end();
  ended.read();
  await after;
  const gone = failure(closed.writeAll(bytes(20)), 'ERR_AIO_CLOSED');
  closed.close();
  await gone;
});

test('a failure of the runtime rejects what waits, and counts as heard', async () => {
  const own = await Runtime.create({ reserve: 0, module: fixture('death') });
  const notifier: Notifier = own.context.notifier('n');
  const waits = [own.context.sleep(1e9), notifier.wait(), notifier.wait(), own.context.interval(1e9).next()].map((wait) => failure(wait, 'ERR_AIO_PANIC'));
  expect(() => own.call('die_here', 0)).toThrow();
  await Promise.all(waits);
  await own.closed.catch(() => {});
  await own.close();
});

test("a buffer's address is the pointer for C", async () => {
  const buffer = runtime.allocate(8);
  buffer.bytes.set([1, 2, 3, 250]);
  expect(runtime.call('add_one', buffer.address + 1, 4)).toBe(255);
  expect([...buffer.bytes]).toEqual([1, 3, 4, 251, 1, 0, 0, 0]);
  buffer.close();
  await failure(() => buffer.address, 'ERR_AIO_CLOSED');
});
