// SPDX-License-Identifier: MIT
/** What callers may bring when their bundler does not find it: the module, compiled
 * already, and workers; and what the doctor says of them. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { Runtime, describeFindings, doctor, type RuntimeOptions } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture, pathOf } from './helpers/paths.js';

const compiled = await WebAssembly.compile(new Uint8Array(readFileSync(fixture('threads'))));
const foreign = await WebAssembly.compile(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
const entry = pathOf('dist/iothread/worker-node.js');

/** A script of these words. */
const script = (text: string): Worker => new Worker(text, { eval: true });

/** A runtime for one test, closed at its end. */
async function withRuntime<T>(options: RuntimeOptions, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = await Runtime.create({ reserve: 0, ...options });
  try {
    return await work(runtime);
  } finally {
    await runtime.close();
  }
}

/** What iothread() fails with, with workers like these. */
const refusal = (options: RuntimeOptions): Promise<string> =>
  withRuntime(options, async (runtime) => (await failure(runtime.iothread('io0'), 'ERR_AIO_THREAD_LIMIT')).message);

test('a compiled module serves several runtimes', async () => {
  const clocks = [1, 2].map(() => withRuntime({ module: compiled }, async (runtime) => (await runtime.iothread('io0')).clock()));
  for (const clock of await Promise.all(clocks)) expect(clock).toBeGreaterThan(0);
});

test('a compiled module that is not of ours is refused', async () => {
  await failure(Runtime.create({ module: foreign }), 'ERR_AIO_MODULE');
});

test("a compiled module's memory has the limit that was given", async () => {
  await withRuntime({ module: compiled, maximumMemory: 8 * 1024 ** 2 }, async (runtime) => {
    expect(runtime.call('malloc', 4 * 1024 ** 2)).not.toBe(0);
    expect(runtime.call('malloc', 8 * 1024 ** 2)).toBe(0);
  });
  const { message } = await failure(Runtime.create({ module: compiled, maximumMemory: 1 }), 'ERR_AIO_MODULE');
  expect(message).toMatch(/does not fit .*memory/);
});

test("every worker is one of the caller's", async () => {
  let made = 0;
  const worker = (): Worker => {
    made++;
    return new Worker(entry, { trackUnmanagedFds: false });
  };
  await withRuntime({ reserve: 1, worker }, async (runtime) => {
    expect(made).toBe(1);
    const io = await runtime.iothread('io0');
    expect(await io.clock()).toBeGreaterThan(0);
    expect(made).toBeGreaterThan(1);
    expect(runtime.workerCount).toBe(made);
  });
});

test('a worker that cannot be made, or is another program, fails the call that wanted it', async () => {
  const throwing = (): Worker => {
    throw new Error('no more workers today');
  };
  expect(await refusal({ worker: throwing })).toMatch(/'IO io0': no more workers today/);
  expect(await refusal({ worker: () => script('throw new Error("broken")') })).toMatch(/'io0'.*broken/);
  expect(await refusal({ worker: () => script('') })).toMatch(/'io0'.*ended at once/);
});

test('the doctor finds nothing wrong here', async () => {
  const findings = await doctor();
  expect(findings.map(({ about, state }) => `${about} ${state}`)).toEqual([
    'isolation ok', 'engine ok', 'module ok', 'memory ok', 'workers ok', 'files ok', 'clock ok', 'extras ok',
  ]);
  for (const { remedy } of findings) expect(remedy).toBe('');
});

test('it names what is wrong with what was brought, and looks no further', async () => {
  const cases: [RuntimeOptions, RegExp][] = [
    [{ module: new URL('file:///nowhere/aio.wasm') }, /FAULT module: .*nowhere\/aio\.wasm/],
    [{ module: new Uint8Array(Buffer.from('<!doctype html>')) }, /FAULT module: .*an HTML page/],
    [{ maximumMemory: 2 ** 45 }, /FAULT memory: no shared memory of up to \d+ MiB/],
    [{ worker: () => script('throw new Error("broken")') }, /FAULT workers: no worker answers: .*broken/],
  ];
  for (const [options, pattern] of cases) {
    const findings = await doctor(options);
    expect(describeFindings(findings)).toMatch(pattern);
    expect(findings.filter(({ state }) => state === 'fault')).toEqual([findings.at(-1)]);
    expect(findings.at(-1)?.remedy).not.toBe('');
  }
});
