// SPDX-License-Identifier: MIT
/** Habits of all classes: close() any number of times, disposal, use after close, AbortSignal. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { readFileSync } from 'node:fs';
import { AioError, Runtime, type AioContext, type IOThread } from 'wasm-aio';
import { AioStream, WasiHost } from 'wasm-aio/wasi';
import { fixture, pathOf, top } from './helpers/paths.js';

const file = pathOf('package.json');
/** Waits for its standard input to end. */
const guest = new URL('build/examples/rot13.wasm', top);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let runtime: Runtime;
let io: IOThread;
beforeAll(async () => {
  runtime = await Runtime.create();
  io = await runtime.iothread('io');
});
afterAll(() => runtime.close());

interface Closable {
  close(): unknown;
  [Symbol.dispose]?(): void;
  [Symbol.asyncDispose]?(): Promise<void>;
}

interface Case<T extends Closable> {
  make(): T | Promise<T>;
  /** Its kind and name, as messages have it. */
  named: string;
  /** What it refuses when it is closed. */
  uses: Record<string, (object: T) => unknown>;
}
const entry = <T extends Closable>(row: Case<T>): Case<Closable> => row as unknown as Case<Closable>;

let count = 0;
const unique = (): string => `io ${++count}`;
const classes: Record<string, Case<Closable>> = {
  Runtime: entry({
    make: () => Runtime.create(),
    named: 'the runtime',
    uses: {
      iothread: (r: Runtime) => r.iothread('x'), iothreads: (r: Runtime) => r.iothreads(), allocate: (r: Runtime) => r.allocate(1),
      main: (r: Runtime) => r.main(), call: (r: Runtime) => r.call('malloc', 1),
    },
  }),
  IOThread: entry({
    make: () => runtime.iothread(unique()),
    named: "IOThread 'io \\d+'",
    uses: {
      set: (i: IOThread) => i.set({}), stats: (i: IOThread) => i.stats(), open: (i: IOThread) => i.open(file), clock: (i: IOThread) => i.clock(),
      engineStats: (i: IOThread) => i.engineStats('threads'), call: (i: IOThread) => i.call('malloc', 1), coroutine: (i: IOThread) => i.coroutine('x'),
    },
  }),
  AioFile: entry({
    make: () => io.open(file),
    named: `file '${file}'`,
    uses: {
      read: (f) => f.read(0, 1), readv: (f) => f.readv(0, [new Uint8Array(1)]), write: (f) => f.write(0, bytes('x')), flush: (f) => f.flush(),
    },
  }),
  AioBuffer: entry({ make: () => runtime.allocate(10), named: 'buffer of 10 bytes', uses: { bytes: (b) => b.bytes } }),
  AioContext: entry({
    make: () => runtime.createContext('further'),
    named: "context 'further'",
    uses: {
      bottomHalf: (c: AioContext) => c.bottomHalf('b', () => {}), timer: (c: AioContext) => c.timer('t', () => {}),
      notifier: (c: AioContext) => c.notifier('n'), pipe: (c: AioContext) => c.pipe('p'), stats: (c: AioContext) => c.stats(),
    },
  }),
  BottomHalf: entry({ make: () => runtime.context.bottomHalf('b', () => {}), named: "bottom half 'b'", uses: { schedule: (b) => b.schedule() } }),
  Timer: entry({
    make: () => runtime.context.timer('t', () => {}), named: "timer 't'", uses: { arm: (t) => t.arm(1), cancel: (t) => t.cancel() },
  }),
  Notifier: entry({
    make: () => runtime.context.notifier('n'), named: "notifier 'n'",
    uses: { set: (n) => n.set(), testAndClear: (n) => n.testAndClear(), wait: (n) => n.wait(), onSet: (n) => runtime.context.onSet(n, () => {}) },
  }),
  Pipe: entry({
    make: () => runtime.context.pipe('p'), named: "pipe 'p'",
    uses: { write: (p) => p.write(bytes('x')), read: (p) => p.read(), length: (p) => p.length, drain: (p) => p.drain() },
  }),
  Watch: entry({ make: () => runtime.context.onSet(runtime.context.notifier('w'), () => {}), named: '', uses: {} }),
  AioStream: entry({
    make: () => AioStream.from(new PassThrough()), named: 'the stream',
    uses: { read: (s) => s.read(), write: (s) => s.write(bytes('x')), iteration: (s) => s[Symbol.asyncIterator]().next() },
  }),
  WasiHost: entry({
    make: () => WasiHost.create({ module: guest, args: ['rot13'], stdin: '', stdout: 'closed' }),
    named: "WasiHost 'rot13'",
    uses: { run: (w) => w.run() },
  }),
};

/** What came of work: the error that it threw, or that its promise was rejected with. */
const refusal = async (work: () => unknown): Promise<unknown> => {
  try {
    return { not: await work() };
  } catch (error) {
    return error;
  }
};

describe.each(Object.entries(classes))('%s', (_, { make, named, uses }) => {
  test('close() again, and while another one is under way', async () => {
    const object = await make();
    const [first, second] = [object.close(), object.close()];
    expect([await first, await second, await object.close()]).toEqual([undefined, undefined, undefined]);
  });

  test('after close() it is refused by name', async () => {
    const object = await make();
    await object.close();
    for (const [name, use] of Object.entries(uses)) {
      const error = await refusal(() => use(object));
      expect([name, error instanceof AioError && error.code, String((error as Error).message)])
        .toEqual([name, 'ERR_AIO_CLOSED', expect.stringMatching(new RegExp(`^${named} is closed$`))]);
    }
  });

  test('disposal closes it', async () => {
    const object = await make();
    const [dispose, asyncDispose] = [object[Symbol.dispose], object[Symbol.asyncDispose]];
    expect([dispose, asyncDispose].filter((method) => typeof method === 'function')).toHaveLength(1);
    dispose?.call(object);
    await asyncDispose?.call(object);
    for (const use of Object.values(uses)) expect(await refusal(() => use(object))).toMatchObject({ code: 'ERR_AIO_CLOSED' });
    await object.close();
  });
});

interface Wait {
  /** Starts it; what is undone afterwards. */
  (signal: AbortSignal, cleanUp: (work: () => unknown) => void): Promise<unknown>;
}
const makeRuntime = async (cleanUp: (work: () => unknown) => void): Promise<Runtime> => {
  const made = await Runtime.create({ module: fixture('program'), reserve: 1, args: ['program', 'clocks'] });
  cleanUp(() => made.close());
  return made;
};
const waiting: Record<string, Wait> = {
  'Notifier.wait': (signal) => runtime.context.notifier('never set').wait({ signal }),
  'Pipe.drain': (signal) => {
    const pipe = runtime.context.pipe('full', { capacity: 1 });
    pipe.write(bytes('x'));
    return pipe.drain({ signal });
  },
  'AioStream.read': (signal) => AioStream.from(new PassThrough()).read({ signal }),
  'AioStream.write': (signal) => AioStream.from(new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) })).write(bytes('x'), { signal }),
  'WasiHost.run': async (signal, cleanUp) => {
    const host = await WasiHost.create({ module: guest, stdin: new PassThrough(), stdout: 'closed' });
    cleanUp(() => host.close());
    return host.run({ signal });
  },
  'WasiHost.run, whose output nobody takes': async (signal, cleanUp) => {
    const stdout = new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) });
    const host = await WasiHost.create({ module: guest, stdin: 'x', stdout });
    cleanUp(() => host.close());
    return host.run({ signal });
  },
};
/** These come to an end by themselves. */
const ending: Record<string, Wait> = {
  'Runtime.create': async (signal, cleanUp) => {
    const made = await Runtime.create({ reserve: 0, signal });
    cleanUp(() => made.close());
  },
  'Runtime.iothread': async (signal) => (await runtime.iothread(unique(), { signal })).close(),
  'Runtime.main': async (signal, cleanUp) => (await makeRuntime(cleanUp)).main({ signal }),
  'IOThread.clock': (signal) => io.clock({ signal }),
  'IOThread.call': (signal) => io.call('malloc', 1, { signal }),
  'IOThread.open': async (signal) => (await io.open(file, { signal })).close(),
  'AioFile.read': async (signal) => {
    const opened = await io.open(file);
    await opened.read(0, 1, { signal }).finally(() => opened.close());
  },
  'WasiHost.create': async (signal, cleanUp) => {
    const host = await WasiHost.create({ module: guest, stdin: '', stdout: 'closed', signal });
    cleanUp(() => host.close());
  },
};

describe.each(Object.entries({ ...waiting, ...ending }))('AbortSignal and %s', (name, wait) => {
  const undo: (() => unknown)[] = [];
  const cleanUp = (work: () => unknown): void => void undo.push(work);
  const cleaned = async (): Promise<void> => {
    for (const work of undo.splice(0)) await work();
  };

  test('one that is aborted already', async () => {
    const reason = new Error('enough');
    await expect(wait(AbortSignal.abort(reason), cleanUp)).rejects.toBe(reason);
    await cleaned();
  });

  test(name in waiting ? 'one that is aborted meanwhile' : 'one that is not aborted: no listener stays', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const done = wait(signal, cleanUp);
    if (name in waiting) {
      const reason = new Error('enough');
      // It waits when it listens.
      while (getEventListeners(signal, 'abort').length === 0) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(reason);
      await expect(done).rejects.toBe(reason);
    } else {
      await done;
    }
    await cleaned();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

test('a runtime, an IOThread and a file that came after the abort are closed again', async () => {
  const reason = new Error('too late');
  const abortSoon = (): AbortSignal => {
    const controller = new AbortController();
    queueMicrotask(() => controller.abort(reason));
    return controller.signal;
  };
  const name = unique();
  await expect(runtime.iothread(name, { signal: abortSoon() })).rejects.toBe(reason);
  while ((await runtime.iothreads()).some((thread) => thread.name === name)) await io.clock();
  await (await runtime.iothread(name)).close();
  await expect(io.open(file, { signal: abortSoon() })).rejects.toBe(reason);
  await expect(Runtime.create({ signal: abortSoon() })).rejects.toBe(reason);
});

test('a piece that comes after its read was aborted is the next one\'s', async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const stream = AioStream.from(readable);
  const controller = new AbortController();
  const reading = stream.read({ signal: controller.signal });
  await expect(stream.read()).rejects.toMatchObject({ code: 'ERR_AIO_INVALID_ARG' });
  controller.abort();
  await expect(reading).rejects.toBe(controller.signal.reason);
  void writable.getWriter().write(bytes('first'));
  expect(await stream.read()).toEqual(bytes('first'));
  await stream.close();
});

test('an aborted run ends its guest', async () => {
  const host = await WasiHost.create({
    module: new URL('build/plain/command.wasm', top), args: ['command', 'wait'], stdin: new PassThrough(), stdout: 'closed',
  });
  const controller = new AbortController();
  const done = host.run({ signal: controller.signal });
  while (!host.dump().startsWith('1 threads')) await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  await expect(done).rejects.toBe(controller.signal.reason);
  while (!host.dump().startsWith('0 threads')) await new Promise((resolve) => setImmediate(resolve));
  await host.close();
});

test('a read that waits when the stream is closed is refused', async () => {
  const stream = AioStream.from(new PassThrough());
  const reading = stream.read();
  const closed = stream.close();
  await expect(reading).rejects.toMatchObject({ code: 'ERR_AIO_CLOSED' });
  await closed;
});

test('an AioStream as an async iterable: all pieces; who leaves it early leaves the rest', async () => {
  const text = readFileSync(file, 'utf8');
  const pieces: Uint8Array[] = [];
  const whole = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < text.length; at += 100) controller.enqueue(bytes(text.slice(at, at + 100)));
      controller.close();
    },
  });
  for await (const piece of AioStream.from(whole)) pieces.push(piece);
  expect(Buffer.concat(pieces).toString()).toBe(text);

  let canceled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes('x')),
    cancel: () => void (canceled = true),
  });
  for await (const piece of AioStream.from(endless)) {
    expect(piece).toEqual(bytes('x'));
    break;
  }
  expect(canceled).toBe(true);
});
