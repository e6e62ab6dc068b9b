// SPDX-License-Identifier: MIT
/** The process ends by itself, and what is closed says so. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime } from 'wasm-aio';
import { runScript, scratch, spawned } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { fixture, pathOf } from './helpers/paths.js';
import { terminatedBy, until } from './helpers/workers.js';

const dir = scratch();
mkdirSync(join(dir.path, 'node_modules'));
symlinkSync(pathOf('.'), join(dir.path, 'node_modules', 'wasm-aio'));
afterAll(dir.remove);

const script = (body: string): ReturnType<typeof runScript> =>
  runScript(dir.path, `import { Runtime } from 'wasm-aio';\n${body}\nconsole.log('end');\n`);
const program = `
  import { Runtime } from 'wasm-aio';
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io');
  await io.clock();
  await runtime.close();
  console.log('end');
`;
const ended = { code: 0, signal: null, stdout: 'end\n', stderr: '' };

test('after close', async () => {
  expect(await script(`
    const runtime = await Runtime.create();
    const threads = await Promise.all(['a', 'b', 'c'].map((name) => runtime.iothread(name)));
    await Promise.all(threads.map((io) => io.clock()));
    await runtime.close();`)).toEqual(ended);
});

test('without close, when there is no IOThread', async () => {
  expect(await script('await Runtime.create({ reserve: 3 });')).toEqual(ended);
});

test('without close, when its IOThreads are closed', async () => {
  expect(await script(`
    const runtime = await Runtime.create();
    const io = await runtime.iothread('io');
    await io.close();`)).toEqual(ended);
});

test('many runtimes, one after the other and at once', async () => {
  expect(await script(`
    for (let i = 0; i < 3; i++) {
      const all = await Promise.all([Runtime.create(), Runtime.create()]);
      await Promise.all(all.map((runtime) => runtime.iothread('io')));
      await Promise.all(all.map((runtime) => runtime.close()));
    }`)).toEqual(ended);
});

test('close is idempotent, waits for what is in flight, and ends all workers', async () => {
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io');
  const file = await io.open(pathOf('package.json'));
  const reads = Array.from({ length: 20 }, () => file.read(0, 10));
  const first = runtime.close();
  expect(runtime.close()).toBe(first);
  expect((await Promise.all(reads)).map((bytes) => bytes.length)).toEqual(Array(20).fill(10));
  await first;
  expect(runtime.workerCount).toBe(0);
});

test('all workers leave by themselves: none is terminated', async () => {
  expect(await terminatedBy(async () => {
    // An IOThread, its pool, the reserve, and a thread of a program that sleeps.
    const runtime = await Runtime.create({ module: fixture('death') });
    const io = await runtime.iothread('io');
    await (await io.open(pathOf('package.json'))).read(0, 10);
    expect(await io.call('start_waiting_guest')).toBe(1);
    await until(() => runtime.call('waiting_threads') === 1);
    await runtime.close();
    expect(runtime.workerCount).toBe(0);
  })).toBe(0);
});

test('use after close is refused', async () => {
  const runtime = await Runtime.create();
  const io = await runtime.iothread('disk');
  const other = await runtime.iothread('other');
  const file = await io.open(pathOf('package.json'));
  await io.close();
  expect((await failure(io.clock(), 'ERR_AIO_CLOSED')).message).toMatch(/IOThread 'disk' is closed/);
  expect((await failure(io.open('x'), 'ERR_AIO_CLOSED')).message).toMatch(/'disk'/);
  await failure(file.read(0, 1), 'ERR_AIO_CLOSED');
  // The others go on, and the name is free again.
  expect(await other.clock()).toBeGreaterThan(0);
  await (await runtime.iothread('disk')).close();
  await runtime.close();
  await failure(other.clock(), 'ERR_AIO_CLOSED');
  await failure(runtime.iothread('late'), 'ERR_AIO_CLOSED');
  await failure(() => runtime.call('malloc', 16), 'ERR_AIO_CLOSED');
});

test('a name that is taken, and properties that make no sense', async () => {
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io', { threadPoolMax: 4 });
  expect((await failure(runtime.iothread('io'), 'ERR_AIO_INVALID_ARG')).message).toMatch(/'io'/);
  await failure(runtime.iothread('bad', { threadPoolMax: 0 }), 'ERR_AIO_INVALID_ARG');
  await failure(runtime.iothread('bad', { threadPoolMin: -1 }), 'ERR_AIO_INVALID_ARG');
  await failure(runtime.iothread('bad', { threadPoolMin: 1.5 }), 'ERR_AIO_INVALID_ARG');
  await failure(io.set({ threadPoolMin: 5 }), 'ERR_AIO_INVALID_ARG');
  await io.set({ threadPoolMax: 8 });
  await io.set({ threadPoolMin: 5 });
  await runtime.close();
});

test('an IOThread that is not closed keeps the process alive, until it is', async () => {
  expect(await script(`
    const runtime = await Runtime.create();
    await runtime.iothread('io');
    // Does not keep it alive by itself, so it comes only if something else does.
    setTimeout(() => runtime.close().then(() => console.log('closed')), 300).unref();`))
    .toEqual({ ...ended, stdout: 'end\nclosed\n' });
});

test("the owner's own loop keeps the process alive as long as it is told to", async () => {
  const create = `const runtime = await Runtime.create({ module: new URL(${JSON.stringify(fixture('hosted').href)}), reserve: 0 });`;
  expect(await script(`${create}
    runtime.call('start_timer', 3_600_000);`)).toEqual(ended);
  // A timer of the context tells it to; what C has in the loop does not.
  expect(await script(`${create}
    const keep = runtime.context.timer('keep', () => {});
    keep.arm(3_600_000);
    runtime.call('start_timer', 50);
    const poll = setInterval(() => {
      if (runtime.call('ticks_of_timer') === 0) return;
      console.log('tick');
      clearInterval(poll);
      keep.cancel();
    }, 1).unref();`)).toEqual({ ...ended, stdout: 'end\ntick\n' });
  expect(await script(`${create}
    runtime.context.timer('one', () => {}).arm(3_600_000);
    runtime.context.timer('two', () => {}).arm(3_600_000);
    await runtime.close();`)).toEqual(ended);
});

test('a coroutine of the owner keeps the process alive until it ends', async () => {
  expect(await script(`
    const runtime = await Runtime.create({ module: new URL(${JSON.stringify(fixture('coroutine').href)}), reserve: 0 });
    console.log(await runtime.coroutine('sleep_ms', 50));`)).toEqual({ ...ended, stdout: '50\nend\n' });
});

test('a read that is in flight keeps the process alive', async () => {
  expect(await script(`
    const runtime = await Runtime.create();
    const io = await runtime.iothread('io');
    const file = await io.open(new URL(import.meta.url).pathname);
    void file.read(0, 6).then((bytes) => {
      console.log(new TextDecoder().decode(bytes));
      return runtime.close();
    });`)).toEqual({ ...ended, stdout: 'end\nimport\n' });
});

test.each([
  [['--max-old-space-size=512']], [['--liftoff', '--no-wasm-tier-up']], [['--enable-source-maps', '--no-warnings']],
])('whatever flags Node was given: %p', async (flags) => {
  const file = join(dir.path, 'flags.mjs');
  writeFileSync(file, program);
  expect(await spawned(process.execPath, [...flags, file], { cwd: dir.path })).toEqual(ended);
});

test.each([
  [['--input-type=module', '-e', program]], [['--max-old-space-size=512', '--input-type=module', '--eval', program]],
])('a program on the command line', async (args) => {
  expect(await spawned(process.execPath, args, { cwd: dir.path })).toEqual(ended);
});

test('what is called while it is being closed is refused', async () => {
  const runtime = await Runtime.create();
  const io = await runtime.iothread('io');
  const opening = failure(io.open(pathOf('package.json')), 'ERR_AIO_CLOSED');
  const closed = runtime.close();
  await failure(runtime.iothread('late'), 'ERR_AIO_CLOSED');
  await failure(io.clock(), 'ERR_AIO_CLOSED');
  await failure(io.open(pathOf('package.json')), 'ERR_AIO_CLOSED');
  await closed;
  await opening;
  await failure(runtime.main(), 'ERR_AIO_CLOSED');
});

test('an IOThread that is closed while it starts', async () => {
  const runtime = await Runtime.create();
  const starting = runtime.iothread('io').catch(() => undefined);
  await runtime.close();
  await starting;
  expect(runtime.workerCount).toBe(0);
});

test.each([['close', 'ERR_AIO_CLOSED'], ['abort', 'AbortError']])('a guest that is ended by %s() while its runtime is being made', async (how, error) => {
  expect(await script(`
    const { WasiHost } = await import('wasm-aio/wasi');
    const host = await WasiHost.create({ module: new URL(${JSON.stringify(fixture('program').href)}), args: ['program', 'wait'], stdin: 'closed' });
    const controller = new AbortController();
    const running = host.run({ signal: controller.signal }).catch(({ code, name }) => typeof code === 'string' ? code : name);
    if (${JSON.stringify(how)} === 'abort') controller.abort();
    await host.close();
    console.log(await running);`)).toEqual({ ...ended, stdout: `${error}\nend\n` });
});
