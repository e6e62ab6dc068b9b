// SPDX-License-Identifier: MIT
/** Modules that need more of their host than commands do: reactors, other imports, limits of memory, other kinds of modules. */
import { afterAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { WasiHost, type WasiOptions } from 'wasm-aio/wasi';
import type * as memoriesFile from '../../dist/wasi/memories.js';
import { scratch, wasmAio } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { dist, pathOf, top } from './helpers/paths.js';

const { memoriesOf, shareOf, withMaxima } = (await import(dist('wasi/memories.js'))) as typeof memoriesFile;

const dir = scratch();
afterAll(dir.remove);
const reactor = new URL('build/plain/reactor.wasm', top);
const command = pathOf('build/plain/command.wasm');

let files = 0;
/** The URL of a module for the option `imports`. */
function code(text: string): URL {
  const path = join(dir.path, `code-${files++}.mjs`);
  writeFileSync(path, text);
  return pathToFileURL(path);
}

async function run(options: Partial<WasiOptions>): Promise<number> {
  const host = await WasiHost.create({ module: reactor, stdin: 'closed', ...options });
  try {
    return await host.run();
  } finally {
    await host.close();
  }
}

/** The bytes of a module that consists of these sections. */
const moduleOf = (...sections: number[][]): Uint8Array<ArrayBuffer> => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);

const TOLD = 'export const imports = (guest) => ({ env: { told: (n) => (guest.memory.buffer instanceof SharedArrayBuffer ? n + 20 : 0) } });';

test('a reactor is initialised and called; its imports are there in every thread, and threads start threads', async () => {
  const imports = code(`${TOLD} export const run = async ({ instance, thread }) => thread === 0 && instance.exports.work();`);
  expect(await run({ imports })).toBe(30 + 20 + 21 + 22);
});

test('what code for a reactor gets wrong is said by name', async () => {
  expect((await failure(run({}), 'ERR_AIO_MODULE')).message).toMatch(/env\.told.*pass options\.imports/);
  expect((await failure(run({ imports: code(TOLD) }), 'ERR_AIO_MODULE')).message).toMatch(/has no _start, and file:.*code-\d\.mjs exports no run\(\)/);
  expect((await failure(run({ imports: code('export const imports = 1 +;') }), 'ERR_AIO_MODULE')).message).toMatch(/SyntaxError/);
  expect((await failure(run({ imports: code('export const run = () => 0;') }), 'ERR_AIO_MODULE')).message).toMatch(/env/);
  const throws = code(`${TOLD} export const run = () => { throw new RangeError('so it is'); };`);
  expect((await failure(run({ imports: throws }), 'ERR_AIO_PANIC')).message).toMatch(/so it is/);
  const aiocc = new URL('build/examples/rot13.wasm', top);
  expect((await failure(run({ imports: code(TOLD), module: aiocc }), 'ERR_AIO_INVALID_ARG')).message).toMatch(/options\.imports is for other modules/);
});

/** Imports by which the threads of the reactor send their numbers to the first one, after they were told of their instance. */
const SENT = `let begun = [];
  export const instantiated = ({ thread, instance }) => begun.push(typeof instance.exports.work + (thread === 0));
  export const imports = (guest) => ({ env: { told: (n) => { if (guest.thread !== 0) guest.post({ n, begun }); return n; } } });`;

test('threads and the owner send messages to the first thread, which waits in its event loop', async () => {
  const imports = code(`${SENT}
    let own, answer;
    const heard = [];
    export const run = ({ instance }) => {
      own = begun;
      instance.exports.work();
      return new Promise((resolve) => { answer = resolve; });
    };
    export const message = (data, thread) => {
      heard.push([thread, data]);
      if (heard.length < 4) return;
      const [[from, { port }]] = heard.filter(([thread]) => thread === undefined);
      port.postMessage({ from, own, heard: heard.flatMap(([thread, data]) => (thread > 0 ? [[data.n, data.begun.at(-1)]] : [])) });
      answer(5);
    };`);
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise((resolve) => port1.once('message', resolve));
  const host = await WasiHost.create({ module: reactor, stdin: 'closed', imports });
  try {
    const ended = host.run();
    host.post({ port: port2 }, [port2]);
    expect(await ended).toBe(5);
    // Each thread's message comes from its own worker, so their order is not fixed.
    const { heard, ...rest } = (await answer) as { heard: [number, string][] };
    expect(rest).toEqual({ from: undefined, own: ['functiontrue'] });
    expect(heard.sort()).toEqual([0, 1, 2].map((n) => [n, 'functionfalse']));
  } finally {
    port1.close();
    await host.close();
  }
});

test('what goes wrong with messages is said', async () => {
  const wait = 'export const run = () => new Promise(() => {});';
  const host = await WasiHost.create({ module: reactor, stdin: 'closed', imports: code(`${TOLD} ${wait} export const message = async () => { throw new Error('no, thanks'); };`) });
  try {
    expect(() => host.post(1)).toThrow(/takes messages, and only after run/);
    const ended = failure(host.run(), 'ERR_AIO_PANIC');
    expect(() => host.post(() => {})).toThrow(expect.objectContaining({ code: 'ERR_AIO_INVALID_ARG', message: expect.stringMatching(/could not be cloned/) }));
    host.post(1);
    expect((await ended).message).toMatch(/no, thanks \[thread 'main'/);
    expect(() => host.post(1)).toThrow(expect.objectContaining({ code: 'ERR_AIO_CLOSED' }));
  } finally {
    await host.close();
  }
  const deaf = code(`${SENT} export const run = ({ instance }) => { instance.exports.work(); return new Promise(() => {}); };`);
  expect((await failure(run({ imports: deaf }), 'ERR_AIO_PANIC')).message).toMatch(/sent a message, but file:.* exports no message\(\)/);
});

test('an error of the code that nobody catches ends the guest', async () => {
  const late = (what: string): URL => code(`${TOLD} export const run = () => { setTimeout(() => { ${what} }); return new Promise(() => {}); };`);
  expect((await failure(run({ imports: late("throw new Error('too late')") }), 'ERR_AIO_PANIC')).message).toMatch(/too late/);
  expect((await failure(run({ imports: late("void Promise.reject(new Error('much too late'))") }), 'ERR_AIO_PANIC')).message).toMatch(/much too late/);
});

test("the user's function makes the workers", async () => {
  let made = 0;
  const worker = (): Worker => {
    made++;
    return new Worker(new URL('dist/wasi/guest-node.js', top), { trackUnmanagedFds: false });
  };
  const imports = code(`${TOLD} export const run = ({ instance }) => instance.exports.work();`);
  expect(await run({ imports, worker })).toBe(93);
  // The first thread and three others, unless one of these had ended before the next one was started.
  expect(made).toBeGreaterThanOrEqual(2);
});

test('a compiled module runs, if nothing has to be known of its memory', async () => {
  const compiled = new WebAssembly.Module(readFileSync(command));
  expect(await run({ module: compiled, args: ['command', 'exit'] })).toBe(7);
  expect((await failure(run({ module: compiled, maximumMemory: 1 << 20 }), 'ERR_AIO_MODULE')).message).toMatch(/maximumMemory cannot be declared.*bytes/);
  const threads = new WebAssembly.Module(readFileSync(pathOf('build/plain/threads.wasm')));
  expect((await failure(run({ module: threads }), 'ERR_AIO_MODULE')).message).toMatch(/memory that it imports.*bytes/);
});

test('--max-memory: what a memory of the program itself may grow to', async () => {
  expect(await wasmAio('run', '--max-memory=2M', command, 'grow')).toMatchObject({ code: 0, stdout: '32\n' });
  expect(await wasmAio('run', '--max-memory=64M', command, 'grow')).toMatchObject({ code: 0, stdout: '1024\n' });
  const refused = await wasmAio('run', '--max-memory=64K', command, 'grow');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^wasm-aio: the limit for the guest's memory is 65536 bytes, but its memory begins with \d+\n$/);
});

test('the memories of a module count together', () => {
  // (import "a" "b" (memory 1)), then (memory 2 300 shared) and (memory 3)
  const two = moduleOf([2, 8, 1, 1, 97, 1, 98, 2, 0, 1], [5, 7, 2, 3, 2, 0xac, 2, 0, 3], [10, 1, 0]);
  const memories = memoriesOf(two);
  expect(memories.map(({ initial, maximum, shared, from }) => [from?.name, initial, maximum, shared]))
    .toEqual([['b', 1, undefined, false], [undefined, 2, 300, true], [undefined, 3, undefined, false]]);
  expect(shareOf(memories, 6 * 65536)).toEqual([1, 2, 3]);
  expect(shareOf(memories, 1206 * 65536)).toEqual([401, 300, 403]);
  expect(() => shareOf(memories, 6 * 65536 - 1)).toThrow(/its 3 memories begin with 393216/);
  const limited = withMaxima(two, memories, [401, 200, 403]);
  expect(memoriesOf(limited).map(({ initial, maximum, shared }) => [initial, maximum, shared])).toEqual([[1, undefined, false], [2, 200, true], [3, 403, false]]);
  expect([...limited.slice(-3)]).toEqual([10, 1, 0]);
});

test('memories with 64-bit addresses and components are refused by name', async () => {
  const memory64 = moduleOf([5, 3, 1, 4, 1]);
  expect((await failure(run({ module: memory64 }), 'ERR_AIO_MODULE')).message).toMatch(/64-bit addresses \(memory64\).*wasm32/);
  const component = Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  expect((await failure(run({ module: component }), 'ERR_AIO_MODULE')).message).toMatch(/is a component of the component model.*wasm32-wasip1/);
});
