// SPDX-License-Identifier: MIT
/** The owner's loop: bottom halves, timers, notifiers and pipes that are JavaScript's. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { AioError, Runtime, type AioContext, type Notifier, type Pipe } from 'wasm-aio';
import { failure } from './helpers/errors.js';

let runtime: Runtime;
let context: AioContext;
beforeEach(async () => {
  runtime = await Runtime.create({ reserve: 0 });
  ({ context } = runtime);
});
afterEach(() => runtime.close());

const thrown = (work: () => unknown): AioError => {
  try {
    work();
  } catch (error) {
    if (error instanceof AioError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

/** Resolves when the function has been called so many times. */
function calls(count: number): { called(): void; done: Promise<void> } {
  let resolve = (): void => {};
  const done = new Promise<void>((r) => (resolve = r));
  return {
    called() {
      if (--count === 0) resolve();
    },
    done,
  };
}

test('bottom halves run last in, first out, once for any number of schedules', async () => {
  const order: string[] = [];
  const { called, done } = calls(3);
  const make = (name: string) => context.bottomHalf(name, () => {
    order.push(name);
    called();
  });
  const [a, b, c] = [make('a'), make('b'), make('c')];
  a.schedule();
  b.schedule();
  a.schedule();
  c.schedule();
  await done;
  expect(order).toEqual(['c', 'b', 'a']);
  expect(context.stats().bottomHalves).toBeGreaterThanOrEqual(3);
});

test('one that schedules itself lets JavaScript have its turns', async () => {
  let runs = 0;
  const again = context.bottomHalf('again', () => {
    runs++;
    again.schedule();
  });
  again.schedule();
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  const before = runs;
  expect(before).toBeGreaterThan(0);
  again.close();
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(runs).toBe(before);
});

test('closed before its run it does not run', async () => {
  const gone = context.bottomHalf('gone', () => {
    throw new Error('it ran');
  });
  gone.schedule();
  gone.close();
  gone.close();
  const { called, done } = calls(1);
  const after = context.bottomHalf('after', called);
  after.schedule();
  await done;
  const error = thrown(() => gone.schedule());
  expect(error.code).toBe('ERR_AIO_CLOSED');
  expect(error.message).toBe("bottom half 'gone' is closed");
});

test('a handle is of no use once its place is somebody else’s', () => {
  const first = context.bottomHalf('first', () => {});
  const copy = context.fromHandle(structuredClone(first.toHandle()));
  copy.schedule();
  first.close();
  const second = context.bottomHalf('second', () => {});
  expect(thrown(() => copy.schedule()).code).toBe('ERR_AIO_CLOSED');
  expect(thrown(() => copy.close()).message).toMatch(/closed only in the thread that created it/);
  second.close();
});

test('timers run in the order of their times, and when they are armed alone', async () => {
  const order: string[] = [];
  const { called, done } = calls(3);
  const timer = (name: string) => context.timer(name, () => {
    order.push(name);
    called();
  });
  const [late, soon, never, moved] = [timer('late'), timer('soon'), timer('never'), timer('moved')];
  moved.arm(0);
  late.arm(20);
  soon.arm(0.5);
  never.arm(1);
  // Before it is armed: whatever comes between makes it later, not earlier.
  const begun = performance.now();
  moved.arm(40);
  never.cancel();
  expect([late.pending, never.pending]).toEqual([true, false]);
  await done;
  expect(order).toEqual(['soon', 'late', 'moved']);
  expect(performance.now() - begun).toBeGreaterThanOrEqual(39);
  expect(moved.pending).toBe(false);
  expect(thrown(() => late.arm(NaN)).message).toMatch(/^delayMs must be a number of ms from 0 to 1000000000000000, not NaN$/);
  late.close();
  expect(thrown(() => late.arm(1)).message).toBe("timer 'late' is closed");
});

test('the longest timers neither run at once nor hold up short ones, and can be shortened', async () => {
  const order: string[] = [];
  const { called, done } = calls(2);
  const long = [2 ** 32, 2 ** 40, 1e13, 1e15].map((ms) => {
    const timer = context.timer(`${ms} ms`, () => void order.push(timer.name));
    timer.arm(ms);
    return timer;
  });
  const sleeps = jest.spyOn(globalThis, 'setTimeout');
  // The loop goes to sleep again, with nothing but the long timers.
  context.bottomHalf('turn', () => {}).schedule();
  while (sleeps.mock.calls.length === 0) await new Promise(setImmediate);
  const delays = sleeps.mock.calls.map(([, ms]) => ms);
  sleeps.mockRestore();
  for (const [name, ms] of [['short', 1], ['shortened', 30]] as const) {
    const timer = context.timer(name, () => {
      order.push(name);
      called();
    });
    timer.arm(1e12);
    timer.arm(ms);
  }
  await done;
  expect(order).toEqual(['short', 'shortened']);
  // One that is given more than that runs after 1 ms.
  for (const ms of delays) expect(ms).toBeLessThan(2 ** 31);
  expect(long.every(({ pending }) => pending)).toBe(true);
});

test('a notifier: sets are one until it is cleared', async () => {
  const notifier = context.notifier('n');
  expect(notifier.testAndClear()).toBe(false);
  notifier.set();
  notifier.set();
  expect(notifier.testAndClear()).toBe(true);
  expect(notifier.testAndClear()).toBe(false);

  let runs = 0;
  const { called, done } = calls(2);
  const watch = context.onSet(notifier, () => {
    // A set during the call-back brings another run.
    if (runs++ === 0) notifier.set();
    called();
  });
  expect(thrown(() => context.onSet(notifier, () => {})).message).toMatch(/already has one/);
  notifier.set();
  await done;
  watch.close();
  notifier.set();
  expect(notifier.testAndClear()).toBe(true);
  expect(runs).toBe(2);
  notifier.close();
  expect(thrown(() => notifier.set()).message).toBe("notifier 'n' is closed");
});

test('waiting for a notifier: set, aborted, closed', async () => {
  const notifier = context.notifier('n');
  notifier.set();
  await notifier.wait();
  const waiting = notifier.wait();
  notifier.set();
  await waiting;

  const abort = new AbortController();
  const aborted = notifier.wait({ signal: abort.signal });
  abort.abort();
  await expect(aborted).rejects.toBe(abort.signal.reason);
  await expect(notifier.wait({ signal: abort.signal })).rejects.toBe(abort.signal.reason);

  const left = failure(notifier.wait(), 'ERR_AIO_CLOSED');
  notifier.close();
  expect((await left).message).toBe("notifier 'n' is closed");
});

test('a notifier as an async iterable ends when it is closed', async () => {
  const notifier = context.notifier('n');
  let seen = 0;
  notifier.set();
  for await (const _ of notifier) {
    if (++seen === 3) notifier.close();
    else notifier.set();
  }
  expect(seen).toBe(3);
});

test('a pipe keeps the order of bytes, across its end and its size', async () => {
  const pipe = context.pipe('p', { capacity: 100 });
  expect(pipe.capacity).toBe(128);
  const sent = Uint8Array.from({ length: 10_007 }, (_, i) => (i * 7) % 251);
  const received: number[] = [];
  const reader = (async () => {
    for await (const bytes of pipe) received.push(...bytes);
  })();
  for (let done = 0; done < sent.length;) {
    const count = pipe.write(sent.subarray(done, done + 61));
    done += count;
    if (count === 0) await pipe.drain();
  }
  pipe.end();
  await reader;
  expect(Uint8Array.from(received)).toEqual(sent);
  expect(thrown(() => pipe.write(sent)).message).toMatch(/was ended/);
});

test('a reader is called while there are bytes, a writer when there is room again', async () => {
  const pipe = context.pipe('p', { capacity: 8 });
  const read: number[] = [];
  const { called, done } = calls(1);
  // One byte a run.
  context.onReadable(pipe, () => {
    read.push(...pipe.read(1));
    if (read.length === 12) called();
  });
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => i);
  let written = pipe.write(bytes);
  expect(written).toBe(8);
  context.onWritable(pipe, () => {
    written += pipe.write(bytes.subarray(written));
  });
  await done;
  expect(read).toEqual([...bytes]);
  pipe.close();
  pipe.close();
  expect(thrown(() => pipe.read()).message).toBe("pipe 'p' is closed");
});

// What it throws, or the library after it, is an uncaught error, which fails this file.
test('the call-back of a readable pipe may close it, and is not called again', async () => {
  const pipe = context.pipe('p');
  const run = jest.fn(() => pipe.close());
  context.onReadable(pipe, run);
  pipe.write(Uint8Array.of(1, 2));
  while (run.mock.calls.length === 0) await new Promise(setImmediate);
  const { called, done } = calls(1);
  context.bottomHalf('later', called).schedule();
  await done;
  expect(run).toHaveBeenCalledTimes(1);
});

test('bad arguments are refused by name', async () => {
  expect(thrown(() => context.bottomHalf(7 as unknown as string, () => {})).message).toBe('name must be a string, not 7');
  expect(thrown(() => context.bottomHalf('x', undefined as unknown as () => void)).message).toBe('run must be a function, not undefined');
  expect(thrown(() => context.pipe('x', { capacity: 0 })).message).toMatch(/^options\.capacity must be an integer from 1 to \d+, not 0$/);
  for (const handle of [undefined, {}, { aio: 'pipe' }, { aio: 'pipe', name: 'p', slots: [{ number: 0, generation: 1 }] }, { aio: 'notifier', slots: [7] }]) {
    expect(thrown(() => context.fromHandle(handle as never)).message).toMatch(/^handle must be what toHandle\(\) returned in another thread, not /);
  }
  // One that stands for something else than it says: it is nothing that is open.
  const [notifier, pipe, bh] = [context.notifier('n'), context.pipe('p'), context.bottomHalf('b', () => {})].map((one) => one.toHandle() as unknown as { slots: unknown[]; version: string });
  const { version } = notifier as { version: string };
  const forged = (aio: string, { slots }: { slots: unknown[] } = { slots: [] }): never => ({ aio, name: 'forged', slots: Array(aio === 'pipe' ? 3 : 1).fill(slots[0]), version }) as never;
  for (const other of [pipe, bh]) {
    const of = context.fromHandle(forged('notifier', other)) as Notifier;
    expect([thrown(() => of.testAndClear()).code, thrown(() => context.onSet(of, () => {})).code]).toEqual(['ERR_AIO_CLOSED', 'ERR_AIO_CLOSED']);
  }
  for (const other of [notifier, bh]) {
    const of = context.fromHandle(forged('pipe', other)) as Pipe;
    expect([thrown(() => of.read()).code, thrown(() => of.write(new Uint8Array(1))).code]).toEqual(['ERR_AIO_CLOSED', 'ERR_AIO_CLOSED']);
  }
  const strange = context.fromHandle({ aio: 'notifier', name: 'strange', slots: [{ number: 65536, generation: 0 }], version } as never);
  expect(thrown(() => (strange as Notifier).set()).message).toBe("notifier 'strange' is closed");
  strange.close();
  await expect(context.close()).rejects.toThrow(/closed with its runtime/);
  expect(thrown(() => runtime.createContext(7 as unknown as string)).message).toBe('name must be a string, not 7');
});

test('what is open is closed with the runtime; then all calls say so', async () => {
  const bh = context.bottomHalf('bh', () => {});
  const timer = context.timer('timer', () => {});
  timer.arm(1e6);
  const notifier = context.notifier('notifier');
  const pipe = context.pipe('pipe');
  const waiting = failure(notifier.wait(), 'ERR_AIO_CLOSED');
  await runtime.close();
  await waiting;
  for (const work of [() => bh.schedule(), () => timer.arm(1), () => notifier.set(), () => pipe.write(new Uint8Array(1)), () => context.bottomHalf('x', () => {})]) {
    expect(thrown(work).code).toBe('ERR_AIO_CLOSED');
  }
  bh.close();
  timer.close();
  notifier.close();
  pipe.close();
});

test('several contexts in one thread: each has its own, and ends by itself', async () => {
  const [one, two] = [runtime.createContext('one'), runtime.createContext('two')];
  expect(thrown(() => runtime.createContext('one')).message).toMatch(/'one' already/);
  const order: string[] = [];
  const { called, done } = calls(4);
  const objects = [context, one, two].map((each) => {
    const timer = each.timer('late', () => {
      order.push(`${each.name} late`);
      called();
    });
    return each.bottomHalf('bh', () => {
      order.push(each.name);
      if (each === one) timer.arm(5);
      called();
    });
  });
  for (const bh of objects) bh.schedule();
  await done;
  expect(order.sort()).toEqual(['one', 'one late', 'owner', 'two']);

  const notifier = two.notifier('n');
  const watch = one.onSet(notifier, () => {});
  two.timer('never', () => {}).arm(1e6);
  const closing = two.close();
  expect(two.close()).toBe(closing);
  await closing;
  expect(thrown(() => notifier.set()).message).toBe("notifier 'n' is closed");
  expect(thrown(() => two.timer('x', () => {})).message).toBe("context 'two' is closed");
  watch.close();
  // Another may have the name now; and what is left ends with the runtime.
  runtime.createContext('two').bottomHalf('left', () => {});
});
