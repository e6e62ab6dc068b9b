// SPDX-License-Identifier: MIT
/** Two copies of the package in one process, of two versions, refuse what the other has made, and say what it is. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime } from 'wasm-aio';
import type * as lib from 'wasm-aio';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { pathOf } from './helpers/paths.js';

const { version } = JSON.parse(readFileSync(pathOf('package.json'), 'utf8')) as { version: string };
const OTHER = '99.8.7';
const dir = scratch();
const other = join(dir.path, 'node_modules', 'wasm-aio');

/** What a call refuses. */
const thrown = (work: () => unknown): Promise<lib.AioError> => failure(work, 'ERR_AIO_INVALID_ARG');

let mine: Runtime;
let theirs: Runtime;
beforeAll(async () => {
  mkdirSync(other, { recursive: true });
  // A package of its own, so that `wasm-aio` is what lies in its node_modules.
  writeFileSync(join(dir.path, 'package.json'), '{ "type": "module" }\n');
  for (const name of ['dist', 'package.json']) cpSync(pathOf(name), join(other, name), { recursive: true });
  symlinkSync(pathOf('node_modules/comlink'), join(dir.path, 'node_modules', 'comlink'));
  // The version is a constant of one module, and of the workers' bundles.
  for (const name of readdirSync(join(other, 'dist'), { recursive: true })) {
    const file = join(other, 'dist', String(name));
    if (!file.endsWith('.js')) continue;
    const text = readFileSync(file, 'utf8');
    const changed = text.replaceAll(/\bVERSION = (['"])[\d.]+\1/g, `VERSION = "${OTHER}"`);
    if (changed !== text) writeFileSync(file, changed);
  }
  writeFileSync(join(dir.path, 'worker.mjs'), "import { serve } from 'wasm-aio/iothread';\nserve({ hello: () => 'hello' });\n");
  const { Runtime: OtherRuntime } = (await import(pathToFileURL(join(other, 'dist', 'index.js')).href)) as typeof lib;
  [mine, theirs] = await Promise.all([Runtime.create({ reserve: 0 }), OtherRuntime.create({ reserve: 0 })]);
});
afterAll(async () => {
  await Promise.all([mine.close(), theirs.close()]);
  dir.remove();
});

test('the version in TypeScript is that of package.json', async () => {
  const notifier = mine.context.notifier('n');
  expect((await thrown(() => mine.context.fromHandle({ ...notifier.toHandle(), version: '' } as lib.Handle))).message).toMatch(new RegExp(`, and this is wasm-aio ${version.replaceAll('.', '\\.')}:`));
  notifier.close();
});

test('an object of the other copy', async () => {
  const [notifier, pipe] = [theirs.context.notifier('n'), theirs.context.pipe('p')];
  expect((await thrown(() => mine.context.onSet(notifier, () => {}))).message).toBe(`notifier must be a Notifier, not a Notifier of another copy of wasm-aio (${OTHER}; this one is ${version})`);
  expect((await thrown(() => mine.context.onSet(pipe as unknown as lib.Notifier, () => {}))).message).toMatch(/not a Pipe of another copy of wasm-aio/);
  const own = mine.context.pipe('p');
  expect((await thrown(() => mine.context.onSet(own as unknown as lib.Notifier, () => {}))).message).toBe('notifier must be a Notifier, not a Pipe');
  for (const object of [notifier, pipe, own]) object.close();
});

test('a handle of the other copy', async () => {
  const notifier = theirs.context.notifier('n');
  expect((await thrown(() => mine.context.fromHandle(structuredClone(notifier.toHandle())))).message)
    .toBe(`handle belongs to wasm-aio ${OTHER}, and this is wasm-aio ${version}: use a single version (see npm ls wasm-aio)`);
  notifier.close();
});

test("a worker's file that imports the other copy", async () => {
  const module = pathToFileURL(join(dir.path, 'worker.mjs'));
  const { Worker } = await import('node:worker_threads');
  const refused = await failure(mine.iothread('io1', { worker: () => new Worker(module) }), 'ERR_AIO_INVALID_ARG');
  expect(refused.message).toMatch(new RegExp(`'io1'.*the worker's owner belongs to wasm-aio ${version}, and this is wasm-aio ${OTHER}: use a single version`));
  const io = await theirs.iothread<{ hello: () => string }>('io2', { worker: () => new Worker(module) });
  expect(await io.remote.hello()).toBe('hello');
});
