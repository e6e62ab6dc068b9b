// SPDX-License-Identifier: MIT
/** What is not a module of ours is refused in words. */
import { afterAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Runtime } from 'wasm-aio';
import { WasiHost } from 'wasm-aio/wasi';
import type * as moduleFile from '../../dist/runtime/given-module.js';
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

/** A module with a section aio.abi of that number, as the aiocc of wasm-aio 7.8.9 would add it. */
function withAbi(module: Uint8Array, abi: number): Uint8Array<ArrayBuffer> {
  const [name, content] = [bytes('aio.abi'), bytes(JSON.stringify({ abi, version: '7.8.9' }))];
  return new Uint8Array([...module, 0, 1 + name.length + content.length, name.length, ...name, ...content]);
}

/** The number that this version accepts. */
const ABI = 2;
/** aio.wasm without that section: a zero, its size, and the name with its length before it. */
const start = Buffer.from(good).lastIndexOf('aio.abi') - 3;
const stripped = new Uint8Array([...good.subarray(0, start), ...good.subarray(start + 2 + (good[start + 1] ?? 0))]);

test('a module of another ABI is refused, in Runtime and WasiHost, with the remedy', async () => {
  for (const [abi, remedy] of [
    [0, /: build it again with the aiocc of this version$/],
    [3, /: build it again with the aiocc of this version, or run it with wasm-aio 7\.8\.9$/],
  ] as const) {
    const module = withAbi(stripped, abi);
    for (const made of [Runtime.create({ module }), Runtime.create({ module: await WebAssembly.compile(module) }), WasiHost.create({ module })]) {
      const { message } = await failure(made, 'ERR_AIO_MODULE');
      expect(message).toMatch(new RegExp(`^options\\.module was built by the aiocc of wasm-aio 7\\.8\\.9 for module ABI ${abi}, and wasm-aio [\\d.]+ has ABI ${ABI}: `));
      expect(message).toMatch(remedy);
    }
  }
});

test('it is the section that counts, not what the module exports', async () => {
  expect((await failure(Runtime.create({ module: stripped }), 'ERR_AIO_MODULE')).message).toMatch(/no section aio\.abi/);
  expect((await failure(WasiHost.create({ module: stripped }), 'ERR_AIO_MODULE')).message)
    .toMatch(/imports env\.\w+, which is no part of WASI preview1: pass options\.imports \(if an aiocc without module ABI built it, build it again\)/);
  await (await Runtime.create({ module: withAbi(stripped, ABI), reserve: 0 })).close();
});

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
  const noLoop = /options\.module has no event loop in it .*section aio\.abi.*; build it with aiocc$/;
  const plain = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (const module of [plain, await WebAssembly.compile(plain)]) {
    expect((await failure(Runtime.create({ module }), 'ERR_AIO_MODULE')).message).toMatch(noLoop);
  }
  expect((await failure(Runtime.create({ module: withAbi(plain, ABI) }), 'ERR_AIO_MODULE')).message).toMatch(/imports no memory.*aiocc/);
  const memory = [3, 0x65, 0x6e, 0x76, 6, ...bytes('memory')];
  const unshared = withImports(1, ...memory, 2, 0, 1);
  expect((await failure(Runtime.create({ module: withAbi(unshared, ABI) }), 'ERR_AIO_MODULE')).message).toMatch(/not shared/);
  const shared = withImports(1, ...memory, 2, 3, 1, 2);
  expect((await failure(Runtime.create({ module: shared }), 'ERR_AIO_MODULE')).message).toMatch(noLoop);
});

test("the memory's limits are read from the import section", async () => {
  const { importedMemory } = (await import(dist('runtime/given-module.js'))) as typeof moduleFile;
  const limits = importedMemory(good);
  // With these it links, and with any greater maximum it would not.
  const memory = new WebAssembly.Memory({ ...limits, shared: true });
  expect(limits.maximum).toBe(16384);
  expect(memory.buffer.byteLength).toBe(limits.initial * 65536);
  const many = withImports(2, 1, 0x61, 1, 0x66, 0, 0, 1, 0x61, 1, 0x6d, 2, 3, 0x81, 1, 0x80, 0x80, 1);
  // A function before it has a type that the module does not declare: only the limits count here.
  expect(importedMemory(many)).toEqual({ initial: 129, maximum: 16384 });
});
