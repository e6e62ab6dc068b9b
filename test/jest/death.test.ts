// SPDX-License-Identifier: MIT
/**
 * When a thread dies, the runtime has failed: every pending promise is rejected
 * with the reason, all workers leave, later calls are refused.
 */
import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Runtime, type IOThread } from 'wasm-aio';
import { runScript, scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { ENDLESS_OFFSET } from './helpers/offsets.js';
import { fixture } from './helpers/paths.js';
import { endlessReads, replaceStartWorker, startTestWorker, terminatedBy, until } from './helpers/workers.js';

const module = fixture('death');
const dir = scratch();
afterAll(dir.remove);
const disk = join(dir.path, 'disk.img');
writeFileSync(disk, new Uint8Array(65536));

const waiting = (runtime: Runtime, threads: number): Promise<void> =>
  until(() => (runtime.call('waiting_threads') as number) >= threads);

/** Ways to die (numbers as in fixtures/death.c), and what is said of them. */
const trap = { what: 'a trap', way: 0, message: /unreachable/, frame: 'die_by_trap' };
const contract = {
  what: 'a broken contract', way: 3, message: /qemu_mutex_unlock: mutex 0x[0-9a-f]+ is not locked/, frame: 'die_by_unlocking',
};
const assertion = { what: 'a failed assertion', way: 6, message: /abort\(\) was called/, frame: 'die_by_assertion' };
// The owner may run into JavaScript's own limit first.
const overflow = { what: 'a stack overflow', way: 7, message: /(stack overflow|call stack size exceeded)/, frame: 'recurse' };
const ways = [
  trap, contract, assertion, overflow,
  { what: 'a division by zero', way: 1, message: /divide by zero/, frame: 'die_by_division' },
  { what: 'a wild pointer', way: 2, message: /out of bounds/, frame: 'die_by_wild_pointer' },
  { what: 'a bottom half that was leaked', way: 4, message: /leaked/, frame: 'die_by_leaking' },
  { what: 'abort()', way: 5, message: /abort\(\) was called/, frame: 'die_by_abort' },
];
const EXIT = 8;

// Where to die, and the name of that thread.
const places = [
  ...ways.map((way) => ({ place: 'die_here', thread: 'IO dying', ...way })),
  ...[trap, contract, overflow].flatMap((way) => [
    { place: 'die_in_bottom_half', thread: 'IO dying', ...way },
    { place: 'die_in_pool', thread: 'pool', ...way },
    { place: 'die_in_guest', thread: 'guest', ...way },
  ]),
];

/** Everything that can be pending, and what must be done about it. */
async function die(runtime: Runtime, kill: (dying: IOThread) => Promise<unknown>, reason: RegExp): Promise<void> {
  const dying = await runtime.iothread('dying', { threadPoolMax: 1 });
  const other = await runtime.iothread('other', { threadPoolMax: 1 });
  // Its only pool thread is occupied, so that a read stays in flight.
  const reader = await runtime.iothread('reader', { threadPoolMax: 1 });
  await reader.call('submit_waiting_job');
  const file = await reader.open(disk);
  const pending = [runtime.main(), other.call('wait_for_ever'), file.read(0, 4096), file.read(4096, 4096)];
  // At once, not one after the other: a promise that is rejected while nobody
  // looks ends the process.
  const all = Promise.all(pending.map(async (promise) => failure(promise, 'ERR_AIO_PANIC')));
  await waiting(runtime, 3);

  // The killer may have been answered before the end came.
  await kill(dying).catch((error: unknown) => failure(Promise.reject(error as Error), 'ERR_AIO_PANIC'));
  for (const error of await all) expect(error.message).toMatch(reason);

  // Whatever is called from now on is refused with the same error.
  const calls: (() => unknown)[] = [
    () => runtime.iothread('more'), () => runtime.call('waiting_threads'), () => runtime.main(),
    () => other.call('waiting_threads'), () => other.clock(), () => other.stats(), () => other.open(disk),
    () => other.set({ threadPoolMax: 2 }), () => file.read(0, 4096),
    () => runtime.context.bottomHalf('late', () => {}), () => runtime.context.timer('late', () => {}), () => runtime.context.notifier('late'),
    () => runtime.context.pipe('late'), () => runtime.createContext('late'), () => runtime.allocate(16),
  ];
  for (const call of calls) expect((await failure(call, 'ERR_AIO_PANIC')).message).toMatch(reason);

  // Closing is still possible, in any order, and leaves no worker.
  await file.close();
  await other.close();
  await runtime.close();
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
}

const reasonOf = ({ message, frame }: typeof trap, thread: string): RegExp =>
  new RegExp(`^the runtime has failed: .*${message.source}.* \\[thread '${thread}', in .*\\b${frame}\\b`);

test.each(places)('$what, $place', async ({ place, thread, ...way }) => {
  const runtime = await Runtime.create({ module });
  await die(runtime, (dying) => dying.call(place, way.way), reasonOf(way, thread));
});

test.each([trap, contract, overflow])('$what, in the owner', async (way) => {
  const runtime = await Runtime.create({ module });
  await die(runtime, async () => runtime.call('die_here', way.way), reasonOf(way, 'owner'));
});

test.each([trap, assertion, overflow])('$what, in main()', async (way) => {
  const runtime = await Runtime.create({ module, args: ['program', String(way.way)] });
  const error = await failure(runtime.main(), 'ERR_AIO_PANIC');
  expect(error.message).toMatch(reasonOf(way, 'main'));
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
});

test('an exception that comes out of the module', async () => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const runtime = await Runtime.create({ module });
    await die(runtime, (dying) => dying.call('js_throw'), /RangeError: thrown by JavaScript \[thread 'IO dying'/);
  } finally {
    restore();
  }
});

test.each(['spin_for_ever', 'run_for_ever'])('a thread that does not sleep, %s, is ended too', async (name) => {
  const runtime = await Runtime.create({ module });
  const busy = await runtime.iothread('busy');
  const call = failure(busy.call(name), 'ERR_AIO_PANIC');
  await waiting(runtime, 1);
  await failure(() => runtime.call('die_here', 0), 'ERR_AIO_PANIC');
  expect((await call).message).toContain('die_by_trap');
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
});

test('a thread that is in the file system for ever is ended too', async () => {
  const restore = replaceStartWorker(startTestWorker);
  try {
    const runtime = await Runtime.create({ module });
    const io = await runtime.iothread('io0');
    const file = await io.open(disk);
    const before = endlessReads();
    const read = failure(file.read(ENDLESS_OFFSET, 4096), 'ERR_AIO_PANIC');
    await until(() => endlessReads() > before);
    await failure(() => runtime.call('die_here', 0), 'ERR_AIO_PANIC');
    await read;
    await runtime.close();
    expect(runtime.workerCount).toBe(0);
  } finally {
    restore();
  }
});

test('threads that sleep leave by themselves: no worker is terminated', async () => {
  expect(await terminatedBy(async () => {
    const runtime = await Runtime.create({ module });
    const io = await runtime.iothread('io0');
    const calls = [runtime.main(), io.call('wait_for_ever')].map((call) => failure(call, 'ERR_AIO_PANIC'));
    await waiting(runtime, 2);
    await failure(() => runtime.call('die_here', 0), 'ERR_AIO_PANIC');
    await Promise.all(calls);
    await runtime.close();
    expect(runtime.workerCount).toBe(0);
  })).toBe(0);
});

test('two deaths at once are one failure', async () => {
  const runtime = await Runtime.create({ module });
  const threads = await Promise.all([runtime.iothread('a'), runtime.iothread('b')]);
  const errors = await Promise.all(threads.map((io) => failure(io.call('die_here', 0), 'ERR_AIO_PANIC')));
  expect(errors[1]?.message).toBe(errors[0]?.message);
  await runtime.close();
});

test('a death while the runtime is being closed ends that, too', async () => {
  const runtime = await Runtime.create({ module });
  const stuck = await runtime.iothread('stuck');
  const call = failure(stuck.call('wait_for_ever'), 'ERR_AIO_PANIC');
  await waiting(runtime, 1);
  const closed = runtime.close();
  await failure(() => runtime.call('die_here', 0), 'ERR_AIO_PANIC');
  await Promise.all([call, closed]);
  await runtime.close();
  expect(runtime.workerCount).toBe(0);
});

test('a death that nobody waits for is found by the next call', async () => {
  const runtime = await Runtime.create({ module });
  const io = await runtime.iothread('io0');
  const closed = failure(runtime.closed, 'ERR_AIO_PANIC');
  // It may have been answered before the end came.
  await io.call('die_in_guest', 0).catch(() => undefined);
  const died = (): boolean => {
    try {
      runtime.call('waiting_threads');
      return false;
    } catch {
      return true;
    }
  };
  await until(died);
  expect(await failure(() => runtime.call('waiting_threads'), 'ERR_AIO_PANIC')).toBe(await closed);
  await runtime.close();
});

test('exit() in a thread ends the program; without a program it is a death', async () => {
  const running = await Runtime.create({ module });
  const io = await running.iothread('io0');
  const main = running.main();
  await waiting(running, 1);
  const call = failure(io.call('die_here', EXIT), 'ERR_AIO_THREAD_LOST');
  expect(await main).toBe(3);
  await call;
  await failure(io.call('waiting_threads'), 'ERR_AIO_THREAD_LOST');
  await running.close();

  const none = await Runtime.create({ module });
  const io0 = await none.iothread('io0');
  const error = await failure(io0.call('die_here', EXIT), 'ERR_AIO_PANIC');
  expect(error.message).toContain("exit(3) was called in thread 'IO io0'");
  await none.close();
});

test('main() is called once', async () => {
  const runtime = await Runtime.create({ module });
  const main = failure(runtime.main(), 'ERR_AIO_CLOSED');
  await failure(runtime.main(), 'ERR_AIO_INVALID_ARG');
  await runtime.close();
  await main;
});

test('exit() in the owner is a death', async () => {
  const runtime = await Runtime.create({ module });
  const error = await failure(() => runtime.call('die_here', EXIT), 'ERR_AIO_PANIC');
  expect(error.message).toContain('exit() was called on the owner');
  await runtime.close();
});

test('after a death the process ends by itself, although nothing was closed', async () => {
  const { code, stdout, stderr } = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    const runtime = await Runtime.create({ module: new URL('${module.href}') });
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => runtime.iothread(name)));
    const pending = [runtime.main(), a.call('wait_for_ever'), b.call('run_for_ever'), c.call('submit_waiting_job')];
    const codes = Promise.allSettled(pending).then((results) => results.map((result) => result.reason?.code ?? result.value));
    while (runtime.call('waiting_threads') < 4) await new Promise(setImmediate);
    await c.call('die_in_guest', 0).catch(() => {});
    console.log(await codes);
  `);
  expect(stderr).toBe('');
  expect(stdout).toBe("[ 'ERR_AIO_PANIC', 'ERR_AIO_PANIC', 'ERR_AIO_PANIC', 1 ]\n");
  expect(code).toBe(0);
});

test('what a message of a worker brings about may fail: the runtime has failed, and nothing else', async () => {
  const { code, stdout, stderr } = await runScript(dir.path, `
    import { Runtime } from 'wasm-aio';
    const runtime = await Runtime.create({ reserve: 0 });
    const { instance } = runtime;
    // What IOThreads need has been loaded then, and the next one starts within the call.
    await (await runtime.iothread('first')).close();
    const starting = runtime.iothread('io0').catch(({ code }) => { if (code !== 'ERR_AIO_PANIC') throw code; });
    // A worker that begins its role has the reserve filled, which may meet a lock that a killed thread held.
    instance.exports = { ...instance.exports, rt_thread_reserve() { throw new WebAssembly.RuntimeError('unreachable'); } };
    // It may have been started before the message came that fails.
    await starting;
    console.log(await runtime.closed.catch(({ code, message }) => [code, message.includes('unreachable')].join()));
    await runtime.close();
    console.log(runtime.workerCount);`);
  expect(stderr).toBe('');
  expect(stdout).toBe('ERR_AIO_PANIC,true\n0\n');
  expect(code).toBe(0);
});
