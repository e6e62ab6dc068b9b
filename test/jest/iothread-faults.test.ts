// SPDX-License-Identifier: MIT
/** What can be wrong with the code of an IOThread, and what is said of it; what it prints. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cpSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Runtime, type AioErrorCode, type IOThreadCode } from 'wasm-aio';
import { runScript, scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { fixture, pathOf } from './helpers/paths.js';
import { holdTimeouts } from './helpers/timeout.js';
import { asleep } from './helpers/workers.js';

const dir = scratch();
afterAll(dir.remove);
let files = 0;
/** A module of this text; it finds wasm-aio as a user's does. */
function module(text: string): URL {
  const path = join(dir.path, `module-${files++}.mjs`);
  writeFileSync(path, text);
  return pathToFileURL(path);
}
const SERVE = "import { serve } from 'wasm-aio/iothread';\n";
const HELLO = `${SERVE}serve({ hello: () => 'hello' });`;
const bad = (options: unknown): IOThreadCode => options as IOThreadCode;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ reserve: 0 });
});
afterAll(() => runtime.close());

/** Starting it fails so, and afterwards the name is free and all is well. */
async function refused(code: IOThreadCode, expected: AioErrorCode, message: RegExp): Promise<unknown> {
  const error = await failure(runtime.iothread('io0', code), expected);
  expect(error.message).toMatch(message);
  const io = await runtime.iothread<{ hello(): string }>('io0', { module: module(HELLO) });
  expect(await io.remote.hello()).toBe('hello');
  await io.close();
  expect(runtime.workerCount).toBe(0);
  return error.cause;
}

describe('the options', () => {
  test.each<[string, unknown, RegExp]>([
    ['both', { worker: () => new Worker(''), module: module('') }, /'io0': options\.worker and options\.module exclude each other/],
    ['a worker instead of a function', { worker: 'disk.js' }, /options\.worker must be a function, not "disk\.js"/],
    ['a path instead of a URL', { module: './disk.js' }, /options\.module must be a URL .*, not "\.\/disk\.js"/],
  ])('%s', (_what, options, message) => refused(bad(options), 'ERR_AIO_INVALID_ARG', message).then(() => {}));

  test('a factory that throws', async () => {
    const cause = await refused({ worker: () => { throw new RangeError('none today'); } }, 'ERR_AIO_INVALID_ARG', /'IO io0': none today/);
    expect(cause).toBeInstanceOf(RangeError);
  });

  test('no code: there is no remote, and it says so', async () => {
    const own = await Runtime.create();
    const io = await own.iothread('plain');
    await failure(() => io.remote, 'ERR_AIO_INVALID_ARG');
    await own.close();
  });
});

describe('the file', () => {
  test('a module that is not there, or throws, or is wrong', async () => {
    await refused({ module: new URL('file:///nowhere/disk.js') }, 'ERR_AIO_INVALID_ARG', /'io0': file:\/\/\/nowhere\/disk\.js cannot be loaded: .*nowhere/);
    const cause = await refused({ module: module('throw new RangeError("early");') }, 'ERR_AIO_INVALID_ARG', /module-\d+\.mjs cannot be loaded: (Error: )?early$/);
    expect(cause).toBeInstanceOf(RangeError);
    expect((cause as Error).stack).toMatch(/module-\d+\.mjs:1/);
    await refused({ module: module('this is no JavaScript') }, 'ERR_AIO_INVALID_ARG', /cannot be loaded: /);
  });

  test('a module that calls no serve()', async () => {
    await refused({ module: module('export default 1;') }, 'ERR_AIO_INVALID_ARG', /cannot be loaded: it never called serve\(\) \(wasm-aio\/iothread\)/);
  });

  test('a worker that throws, or ends', async () => {
    await refused({ worker: () => new Worker(module(`${SERVE}throw new Error('early');`)) }, 'ERR_AIO_INVALID_ARG', /'io0': its worker file cannot be loaded: (Error: )?early$/);
    await refused({ worker: () => new Worker(module("import 'wasm-aio/iothread'; await new Promise(setImmediate); throw new Error('late');")) }, 'ERR_AIO_INVALID_ARG', /cannot be loaded: (Error: )?late$/);
    await refused({ worker: () => new Worker(module('')) }, 'ERR_AIO_INVALID_ARG', /'io0': its worker file cannot be loaded: its worker ended at once; does it call serve\(\)/);
    await refused({ worker: () => new Worker(module("import 'wasm-aio/iothread';")) }, 'ERR_AIO_INVALID_ARG', /its worker ended at once; does/);
  });

  test.each([
    ['', 'online', /after 10 s its worker file does not import 'wasm-aio\/iothread', or/],
    ["import 'wasm-aio/iothread';", 'message', /after 10 s its worker file has not called serve\(\)/],
  ])('a worker that goes on without a word, %s: there is a limit', async (start, event, message) => {
    const timeouts = holdTimeouts(10_000);
    const file = module(`${start} setInterval(() => {}, 1e6);`);
    try {
      const worker = (): Worker => {
        const made = new Worker(file);
        // The runtime's own listener hears of it, too.
        made.once(event, () => setImmediate(() => timeouts.fire()));
        return made;
      };
      await refused({ worker }, 'ERR_AIO_TIMEOUT', message);
    } finally {
      timeouts.restore();
    }
  });

  test('serve() that is called twice, or with nothing', async () => {
    await refused({ module: module(`${HELLO} serve({});`) }, 'ERR_AIO_INVALID_ARG', /serve\(\): called twice/);
    await refused({ module: module(`${SERVE} serve(1);`) }, 'ERR_AIO_INVALID_ARG', /serve\(\)'s argument .* must be an object, or a function that makes one, not 1/);
    await refused({ module: module(`${SERVE} serve(() => 1);`) }, 'ERR_AIO_INVALID_ARG', /function given to serve\(\) failed: serve\(\): the function has to return an object, not 1/);
    const cause = await refused({ module: module(`${SERVE} serve(async () => { await null; throw new SyntaxError('x'); });`) }, 'ERR_AIO_INVALID_ARG', /serve\(\) failed: x/);
    expect(cause).toBeInstanceOf(SyntaxError);
    await refused({ module: module(`${SERVE} serve({ symbol: Symbol('s') });`) }, 'ERR_AIO_INVALID_ARG', /serve\(\) failed: (DataCloneError: )?Symbol\(s\) could not be cloned/);
  });

  test('serve() outside of an IOThread', async () => {
    const { stderr, code } = await runScript(dir.path, HELLO);
    expect(code).toBe(1);
    expect(stderr).toMatch(/AioError: serve\(\): this thread is not an IOThread; start/);
  });

  test('importing wasm-aio/iothread in the main thread, or a worker that is none, does no harm', async () => {
    const { stdout, stderr, code } = await runScript(dir.path, `
      import 'wasm-aio/iothread';
      import { isMainThread, Worker } from 'node:worker_threads';
      if (isMainThread) new Worker(new URL(import.meta.url)).on('exit', (code) => console.log('ended', code));`);
    expect({ stdout, stderr, code }).toEqual({ stdout: 'ended 0\n', stderr: '', code: 0 });
  });

  test('a file that was bundled with a copy of the package', async () => {
    const copy = join(dir.path, 'copy');
    cpSync(pathOf('dist'), copy, { recursive: true, filter: (path) => !/\.map$|\.wasm$|\.d\.ts$/.test(path) });
    const io = await runtime.iothread<{ sum(): { add(n: number): number } }>('copied', {
      module: module(`import { proxy, serve } from ${JSON.stringify(pathToFileURL(join(copy, 'iothread-node.js')))};
        class Sum { #sum = 0; add(n) { return (this.#sum += n); } }
        serve({ sum: () => proxy(new Sum()) });`),
    });
    const sum = await io.remote.sum();
    expect(await sum.add(2)).toBe(2);
    await io.close();
  });

  test('an error is an AioError of either entry, and its class has its name', async () => {
    const io = await runtime.iothread<{ kinds(): boolean[]; fail(): never; name: string }>('kinds', {
      module: module(`import { AioError as Ours, serve } from 'wasm-aio/iothread';
        import { AioError } from 'wasm-aio';
        class Own extends AioError {}
        const classes = [Ours, AioError, Own];
        const kinds = (error) => classes.map((type) => error instanceof type);
        serve((context) => ({
          kinds() {
            try {
              context.pipe('none', { capacity: 0 });
            } catch (error) {
              return [...kinds(error), ...kinds(new Own('ERR_AIO_IO', 'own')), ...kinds(new Error('other'))];
            }
          },
          fail() { throw new Own('ERR_AIO_IO', 'own'); },
          name: context.notifier('n').constructor.name,
        }));`),
    });
    expect(io.remote.name).toBe('Notifier');
    expect(await io.remote.kinds()).toEqual([true, true, false, true, true, true, false, false, false]);
    await failure(io.remote.fail(), 'ERR_AIO_IO');
    await io.close();
  });

  test('an api of a class: its methods', async () => {
    const io = await runtime.iothread<{ add(n: number): number }>('class', {
      module: module(`${SERVE} class Sum { #sum = 0; data = Symbol('not sent'); add(n) { return (this.#sum += n); } } serve(new Sum());`),
    });
    expect(await io.remote.add(2)).toBe(2);
    expect(await io.remote.add(3)).toBe(5);
    await io.close();
  });

  test('what waits there, and nobody catches, when it is closed', async () => {
    const io = await runtime.iothread<{ hello(): string }>('waiting', {
      module: module(`${SERVE}
        serve((context) => {
          const notifier = context.notifier('never');
          void (async () => { for (;;) await notifier.wait(); })();
          return { hello: () => 'hello' };
        });`),
    });
    expect(await io.remote.hello()).toBe('hello');
    await io.close();
    runtime.context.bottomHalf('still there', () => {}).close();
  });

  test('messages of its own, both ways, are not taken for the runtime\'s', async () => {
    let worker!: Worker;
    const io = await runtime.iothread<{ got(): unknown[] }>('own', {
      worker: () => (worker = new Worker(module(`${SERVE}
        import { parentPort } from 'node:worker_threads';
        const got = [];
        parentPort.on('message', (message) => typeof message === 'number' && got.push(message));
        parentPort.postMessage(null);
        parentPort.postMessage('hello');
        serve({ got: () => got });`))),
    });
    for (let i = 0; i < 50; i++) {
      worker.postMessage(null);
      worker.postMessage(i);
      await asleep(runtime, io);
      await io.remote.got();
    }
    expect(await io.remote.got()).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await io.close();
  });
});

describe('console', () => {
  test.each(['worker', 'module'])('of an IOThread that then sleeps for ever comes out at once, in order, by %s', async (how) => {
    const file = module(`${SERVE}
      console.log('loading');
      serve((context) => {
        console.log('starting %s', context.name);
        return {
          sleep() {
            for (let i = 0; i < 100; i++) console.log('line', i);
            console.log({ a: [1, { b: new Map([[1, 'two']]) }] });
            console.group('group');
            console.info('inner');
            console.groupEnd();
            console.error('to stderr');
            // Nothing of this thread's runs ever again.
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
          },
        };
      });`);
    const code = how === 'worker' ? `worker: () => new Worker(new URL(${JSON.stringify(file)}))` : `module: new URL(${JSON.stringify(file)})`;
    const { stdout, stderr } = await runScript(dir.path, `
      import { Worker } from 'node:worker_threads';
      import { Runtime } from 'wasm-aio';
      const aio = await Runtime.create();
      const io = await aio.iothread('chatty', { ${code} });
      io.remote.sleep().catch(() => {});
      `, [], (out, err) => out.includes('inner') && err.includes('to stderr'));
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join('');
    expect(stdout).toBe(`loading\nstarting chatty\n${lines}{ a: [ 1, { b: [Map] } ] }\ngroup\n  inner\n`);
    expect(stderr).toBe('to stderr\n');
  });

  test('keeps its place among what C prints', async () => {
    const file = module(`${SERVE}
      serve({ log: (text) => console.log(text) });`);
    const { stdout, code } = await runScript(dir.path, `
      import { Runtime } from 'wasm-aio';
      const aio = await Runtime.create({ module: new URL(${JSON.stringify(fixture('threads'))}) });
      const io = await aio.iothread('io0', { module: new URL(${JSON.stringify(file)}) });
      for (let i = 0; i < 20; i++) {
        await io.call('print_line', i);
        await io.remote.log('console ' + i);
      }
      await aio.close();`);
    expect(code).toBe(0);
    expect(stdout).toBe(Array.from({ length: 20 }, (_, i) => `C ${i}\nconsole ${i}\n`).join(''));
  });
});

test('no call hangs because something of it was collected', async () => {
  const file = module(`${SERVE}
    let kept;
    serve({
      keep: (work) => void (kept = work),
      kept: (n) => kept(n),
      each: async (n, work) => { let sum = 0; for (let i = 0; i < n; i++) { gc(); sum += await work(i); } return sum; },
      adder: () => (n) => n + 1,
    });`);
  const { stdout, stderr, code } = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    const aio = await Runtime.create({ reserve: 0 });
    const io = await aio.iothread('io0', { module: new URL(${JSON.stringify(file)}) });
    const turn = () => new Promise(setImmediate);
    await io.remote.keep((n) => n * 2);
    let sum = 0;
    for (let i = 0; i < 30; i++) {
      const add = await io.remote.adder();
      for (let j = 0; j < 3; j++) { gc(); await turn(); }
      sum += await add(i);
      sum += await io.remote.kept(i);
      sum += await io.remote.each(3, async (n) => { gc(); await turn(); gc(); await turn(); return n; });
    }
    console.log(sum);
    await aio.close();`, ['--expose-gc']);
  expect({ stdout, stderr, code }).toEqual({ stdout: `${30 * 29 * 3 / 2 + 30 + 90}\n`, stderr: '', code: 0 });
});
