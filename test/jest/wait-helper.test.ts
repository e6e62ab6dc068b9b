// SPDX-License-Identifier: MIT
/** Without Atomics.waitAsync a helper waits in its place, and nothing else is different. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as library from 'wasm-aio';
import { runScript, scratch, type Ended } from './helpers/child.js';
import { seenWith, useHostedLoops, WITHOUT_WAIT_ASYNC } from './helpers/hosted.js';
import { fixture, pathOf } from './helpers/paths.js';

const dir = scratch();
mkdirSync(join(dir.path, 'node_modules'));
symlinkSync(pathOf('.'), join(dir.path, 'node_modules', 'wasm-aio'));
const asks = new URL('./fixtures/iothread-asks.js', import.meta.url);
const preload = join(dir.path, 'preload.mjs');
writeFileSync(preload, WITHOUT_WAIT_ASYNC);
afterAll(dir.remove);

/** A program in which, its workers included, there is no Atomics.waitAsync. */
const without = (body: string): Promise<Ended> =>
  runScript(dir.path, `import * as library from 'wasm-aio';\nimport { WasiHost } from 'wasm-aio/wasi';\nconst { Runtime } = library;\n${body}\n`, ['--import', preload]);
const ended = { code: 0, signal: null, stdout: '', stderr: '' };

test('with it: wake-ups by IOThreads, timers, hosted IOThreads, and no helper', async () => {
  expect(await useHostedLoops(library, () => new Worker(asks), fixture('hosted'))).toEqual(seenWith(0));
});

test('without it: the same, with a helper for each loop that waits so', async () => {
  const { stdout, ...rest } = await without(`
    import { Worker } from 'node:worker_threads';
    const worker = () => new Worker(new URL(${JSON.stringify(asks.href)}));
    const seen = await (${String(useHostedLoops)})(library, worker, new URL(${JSON.stringify(fixture('hosted').href)}));
    console.log(JSON.stringify({ ...seen, waitAsync: typeof Atomics.waitAsync }));`);
  expect(rest).toEqual({ code: 0, signal: null, stderr: '' });
  expect(JSON.parse(stdout)).toEqual({ ...seenWith(2), waitAsync: 'undefined' });
});

test('a process ends by itself although its helper waits', async () => {
  expect(await without('await Runtime.create({ reserve: 0 });')).toEqual(ended);
  expect(await without(`
    const runtime = await Runtime.create();
    await (await runtime.iothread('io')).close();`)).toEqual(ended);
});

test('after a failure the helpers end, too', async () => {
  expect(await without(`
    const runtime = await Runtime.create({ module: new URL(${JSON.stringify(fixture('death').href)}) });
    const io = await runtime.iothread('io');
    const { all } = await runtime.helpers;
    const before = all.size;
    const error = await io.call('die_here', 0).catch((error) => error);
    await runtime.close();
    console.log(before, error.code, all.size);`)).toEqual({ ...ended, stdout: '1 ERR_AIO_PANIC 0\n' });
});

test('a worker that does not start is no silence: the runtime fails', async () => {
  const { stdout, ...rest } = await without(`
    import { Worker } from 'node:worker_threads';
    const worker = () => new Worker('throw new Error("no such script")', { eval: true });
    const runtime = await Runtime.create({ worker, reserve: 0 });
    const alive = setInterval(() => {}, 1000);
    const error = await runtime.closed.catch((error) => error);
    clearInterval(alive);
    console.log(error.code, error.message);
    await runtime.close();`);
  expect(rest).toEqual({ code: 0, signal: null, stderr: '' });
  expect(stdout).toMatch(/^ERR_AIO_PANIC .*cannot start the helper worker that stands in for Atomics\.waitAsync: .*no such script/);
});

test('the streams of a guest', async () => {
  const text = 'Hello, event loop! '.repeat(10_000);
  const { stdout, ...rest } = await without(`
    import { readFile } from 'node:fs/promises';
    const pieces = [];
    const stdout = new WritableStream({ write: (piece) => void pieces.push(Buffer.from(piece)) });
    const text = ${JSON.stringify('Hello, event loop! ')}.repeat(10_000);
    const host = await WasiHost.create({ module: await readFile(${JSON.stringify(pathOf('build/examples/rot13.wasm'))}), stdin: text, stdout });
    const code = await host.run();
    await host.close();
    const turned = Buffer.concat(pieces).toString().replace(/[a-z]/gi, (c) => String.fromCharCode(c.charCodeAt(0) + (/[a-m]/i.test(c) ? 13 : -13)));
    console.log(code, turned.length, turned === text);`);
  expect(rest).toEqual({ code: 0, signal: null, stderr: '' });
  expect(stdout).toBe(`0 ${text.length} true\n`);
});
