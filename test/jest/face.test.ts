// SPDX-License-Identifier: MIT
/** What console.log and JSON.stringify show of each public object: a line, and nothing internal. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatWithOptions, inspect } from 'node:util';
import { Runtime } from 'wasm-aio';
import type * as lib from 'wasm-aio';
import { connect, listen } from 'wasm-aio/socket';
import { AioStream, WasiHost } from 'wasm-aio/wasi';
import { top } from './helpers/paths.js';
import { publicClasses } from './helpers/public-api.js';

const dir = mkdtempSync(join(tmpdir(), 'face-'));
const path = join(dir, 'file');
const nothing = (): void => {};

let runtime: Runtime;
/** By their classes' names: an object, and what is shown of it. */
const shown = new Map<string, [object: object, text: string | RegExp]>();
beforeAll(async () => {
  writeFileSync(path, 'four');
  runtime = await Runtime.create({ reserve: 0 });
  const io = await runtime.iothread('io');
  const { context } = runtime;
  const [notifier, pipe, timer] = [context.notifier('n'), context.pipe('p'), context.timer('t', nothing)];
  pipe.write(new Uint8Array(3));
  timer.arm(1e6);
  timer.unref();
  const watched = context.notifier('w');
  const guest = await WasiHost.create({ module: new URL('build/examples/rot13.wasm', top), args: ['rot13'], stdin: '', stdout: 'closed' });
  shown.set('Runtime', [runtime, 'Runtime { state: "open", ioThreads: [{"name":"io","state":"open"}], workerCount: 1 }']);
  shown.set('IOThread', [io, 'IOThread { name: "io", state: "open" }']);
  shown.set('AioContext', [context, 'AioContext { name: "owner" }']);
  shown.set('Watch', [context.onSet(watched, nothing).unref(), `Watch { what: "handler of notifier 'w'" }`]);
  shown.set('BottomHalf', [context.bottomHalf('bh "x"\n', nothing).unref(), 'BottomHalf { name: "bh \\"x\\"\\n" }']);
  shown.set('Timer', [timer, 'Timer { name: "t", pending: true }']);
  shown.set('Notifier', [notifier, 'Notifier { name: "n" }']);
  shown.set('Pipe', [pipe, 'Pipe { name: "p", length: 3, capacity: 65536, ended: false }']);
  const at = { path: join(dir, 'socket') };
  shown.set('AioListener', [await listen(context, at, { name: 'l' }), `AioListener { name: "l", address: ${JSON.stringify(at)} }`]);
  shown.set('AioSocket', [await connect(context, at, { name: 's' }), 'AioSocket { name: "s", length: 0, ended: false }']);
  shown.set('AioBuffer', [runtime.allocate(16), 'AioBuffer { length: 16 }']);
  shown.set('AioFile', [await io.open(path), `AioFile { path: ${JSON.stringify(path)}, aio: "threads", size: 4 }`]);
  shown.set('AioStream', [AioStream.from(new ReadableStream<Uint8Array>()), 'AioStream { readable: true, writable: false }']);
  shown.set('WasiHost', [guest, 'WasiHost { program: "rot13", ports: [] }']);
});
afterAll(async () => {
  await runtime.close();
  for (const kind of ['AioStream', 'WasiHost']) await (shown.get(kind)?.[0] as AioStream).close();
  rmSync(dir, { recursive: true });
});

/** Those that have no form of their own. All that a Pool or a ring has is private, so nothing internal is shown either. */
const OTHERS = ['AioError', 'Pool', 'RingProducer', 'RingConsumer'];

test('every public class has a form of its own', () => {
  expect(publicClasses().filter((name) => !shown.has(name) && !OTHERS.includes(name))).toEqual([]);
});

test('console.log shows a line', () => {
  for (const [object, text] of shown.values()) {
    expect(formatWithOptions({ colors: false, depth: 9, showHidden: false }, '%O', object)).toBe(text);
    expect(inspect({ object }).split('\n').length).toBeLessThanOrEqual(3);
  }
});

test('JSON.stringify gives the same', () => {
  for (const [kind, [object, text]] of shown) {
    const told = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
    const line = Object.entries(told).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(', ');
    expect(`${kind} { ${line} }`).toBe(text);
  }
});

test('a handle is a line, and plain data for others', () => {
  for (const kind of ['BottomHalf', 'Notifier', 'Pipe']) {
    const [object] = shown.get(kind) as [lib.Notifier, string];
    const handle = object.toHandle();
    expect(inspect(handle)).toBe(`Handle of ${handle.aio} ${JSON.stringify(handle.name)}`);
    expect(JSON.parse(JSON.stringify(handle))).toEqual(structuredClone(handle));
  }
});

test('what is private is private: nobody else gets at it', () => {
  for (const [kind, [object]] of shown) {
    const visible = Object.keys(object).filter((key) => !(INTERNAL[kind] ?? []).includes(key));
    expect([kind, visible]).toEqual([kind, PROPERTIES[kind] ?? []]);
  }
});

/** Public properties that are an object's own. */
const PROPERTIES: Record<string, string[]> = {
  Runtime: ['context'], IOThread: ['name'], AioContext: ['name'], BottomHalf: ['name'], Timer: ['name'], Notifier: ['name'], Pipe: ['name'],
  AioListener: ['name'], AioSocket: ['name', 'peer', 'capacity'], AioBuffer: ['length'], AioFile: ['path'], AioStream: ['lazy', 'owned', 'readable', 'writable'],
};
/** What other modules of the package need; the declarations do not have it. */
const INTERNAL: Record<string, string[]> = {
  IOThread: ['life', 'context', 'rpc', 'links', 'loop'], AioContext: ['thread', 'pointer', 'waits'],
  Watch: ['what'], Notifier: ['slot'], Pipe: ['readable', 'writable'], AioBuffer: ['pointer'], AioFile: ['ioThread', 'host', 'settings', 'closed', 'giveUp'],
  AioStream: ['reader', 'writer'],
};

test('closed objects and prototypes can be shown, too', async () => {
  const own = await Runtime.create({ reserve: 0 });
  const io = await own.iothread('io');
  const pipe = own.context.pipe('p');
  const file = await io.open(path);
  await own.close();
  expect(inspect(pipe)).toBe('Pipe { name: "p" }');
  expect([inspect(own), inspect(io)]).toEqual(['Runtime { state: "closed", ioThreads: [], workerCount: 0 }', 'IOThread { name: "io", state: "closed" }']);
  expect(JSON.stringify({ file, pipe })).toBe(`{"file":{"path":${JSON.stringify(path)},"aio":"threads","size":4},"pipe":{"name":"p"}}`);
  for (const [object] of shown.values()) expect(inspect(Object.getPrototypeOf(object))).not.toMatch(/\n/);
});
