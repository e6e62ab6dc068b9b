// SPDX-License-Identifier: MIT
/** What is not a module of ours is refused in words. */
import { afterAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime } from 'wasm-aio';
import type * as moduleFile from '../../dist/runtime/module.js';
import { scratch } from './helpers/child.js';
import { failure } from './helpers/errors.js';
import { dist, pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));
const good = new Uint8Array(readFileSync(pathOf('dist/aio.wasm')));

/** A module whose import section is these bytes. */
const withImports = (...section: number[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, section.length, ...section]);

test('an HTML page in its place', async () => {
  const path = join(dir.path, 'page.wasm');
  writeFileSync(path, '<!doctype html><title>404</title>');
  const { message } = await failure(Runtime.create({ module: pathToFileURL(path) }), 'ERR_AIO_MODULE');
  expect(message).toMatch(/page\.wasm is an HTML page, not a WebAssembly module/);
});

test('something else in its place', async () => {
  await failure(Runtime.create({ module: bytes('hello') }), 'ERR_AIO_MODULE');
  await failure(Runtime.create({ module: new Uint8Array() }), 'ERR_AIO_MODULE');
});

test('a module that was cut off', async () => {
  await failure(Runtime.create({ module: good.slice(0, good.length / 2) }), 'ERR_AIO_MODULE');
});

test('a foreign module: without memory, with a private one, with imports that we have not', async () => {
  expect((await failure(Runtime.create({ module: withImports(0) }), 'ERR_AIO_MODULE')).message).toMatch(/imports no memory.*aiocc/);
  const memory = [3, 0x65, 0x6e, 0x76, 6, ...bytes('memory')];
  const unshared = withImports(1, ...memory, 2, 0, 1);
  expect((await failure(Runtime.create({ module: unshared }), 'ERR_AIO_MODULE')).message).toMatch(/not shared/);
  const shared = withImports(1, ...memory, 2, 3, 1, 2);
  await failure(Runtime.create({ module: shared }), 'ERR_AIO_MODULE');
});

test("the memory's limits are read from the import section", async () => {
  const { importedMemory } = (await import(dist('runtime/module.js'))) as typeof moduleFile;
  const limits = importedMemory(good);
  // With these it links, and with any greater maximum it would not.
  const memory = new WebAssembly.Memory({ ...limits, shared: true });
  expect(limits.maximum).toBe(16384);
  expect(memory.buffer.byteLength).toBe(limits.initial * 65536);
  const many = withImports(2, 1, 0x61, 1, 0x66, 0, 0, 1, 0x61, 1, 0x6d, 2, 3, 0x81, 1, 0x80, 0x80, 1);
  // A function before it has a type that the module does not declare: only the limits count here.
  expect(importedMemory(many)).toEqual({ initial: 129, maximum: 16384 });
});
