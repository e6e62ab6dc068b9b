// SPDX-License-Identifier: MIT
/** What call() and coroutine() make of their arguments: by the types of the C function's parameters. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { Runtime, type IOThread } from 'wasm-aio';
import { failure } from './helpers/errors.js';
import { fixture } from './helpers/paths.js';

type Value = number | bigint;
const MAX = 2n ** 63n;

const right: [name: string, args: Value[], result: Value | undefined][] = [
  ['twice', [21], 42n], ['twice', [21n], 42n], ['twice', [-(2n ** 62n)], -MAX], ['twice', [2n ** 64n - 1n], -2n],
  ['twice', [Number.MAX_SAFE_INTEGER], 2n ** 54n - 2n],
  ['unsigned_sum', [1, 2], 3], ['unsigned_sum', [1n, 2n], 3], ['unsigned_sum', [2 ** 32 - 1, 1], 0], ['unsigned_sum', [-(2 ** 31), 0n], -(2 ** 31)],
  ['half', [3], 1.5], ['half', [Infinity], Infinity], ['half', [NaN], NaN], ['single', [0.5], 0.5],
  ['mixed', [1, 2n, 0.25, 0.5], 3.75], ['nothing', [], undefined],
];
const wrong: [name: string, args: unknown[], message: RegExp][] = [
  ...[1.5, NaN, Infinity, 2 ** 53, MAX * 2n, -MAX - 1n, '1', undefined, null, true, Symbol('s'), [], () => 1].map((value): [string, unknown[], RegExp] =>
    ['twice', [value], /^args\[0\] of twice\(\) must be a 64-bit integer .*, not /]),
  ...[0.5, NaN, -Infinity, 2 ** 32, -(2 ** 31) - 1, 2n ** 32n, -(2n ** 31n) - 1n, '1', undefined, null, false].map((value): [string, unknown[], RegExp] =>
    ['unsigned_sum', [0, value, 0].slice(0, 2), /^args\[1\] of unsigned_sum\(\) must be a 32-bit integer, not /]),
  ['half', [1n], /^args\[0\] of half\(\) must be a number, not 1n$/], ['single', ['1'], /must be a number, not "1"$/],
  ['mixed', [1, 2, 3], /^the number of args of mixed\(\) must be 4, not 3$/], ['nothing', [0], /^the number of args of nothing\(\) must be 0, not 1$/],
  ['malloc', [], /must be 1, not 0$/], ['malloc', ['16'], /args\[0\] of malloc\(\) must be a 32-bit integer, not "16"/],
  ['no_such', [], /^name: the module exports no function 'no_such'/], ['rt_init', [], /^name: the module exports no function 'rt_init'/],
  ['toString', [], /no function 'toString'/], ['__proto__', [], /no function '__proto__'/], ['memory', [], /no function 'memory'/],
];

describe.each([
  ['an address', async () => fixture('types')],
  ['bytes', async () => new Uint8Array(await readFile(fixture('types')))],
  ['a compiled module', async () => WebAssembly.compile(await readFile(fixture('types')))],
])('of a module given as %s', (_how, module) => {
  let runtime: Runtime;
  let io: IOThread;
  beforeAll(async () => {
    runtime = await Runtime.create({ module: await module(), reserve: 0 });
    io = await runtime.iothread('io');
  });
  afterAll(() => runtime.close());

  test('numbers and bigints are converted as the function takes them; int64_t comes back as a bigint', async () => {
    for (const [name, args, result] of right) {
      expect([name, ...args, runtime.call(name, ...args)]).toEqual([name, ...args, result]);
      expect([name, ...args, await io.call(name, ...args)]).toEqual([name, ...args, result]);
    }
  });

  test('what it does not take is refused by name before anything is run', async () => {
    for (const [name, args, message] of wrong) {
      expect((await failure(() => runtime.call(name, ...(args as number[])), 'ERR_AIO_INVALID_ARG')).message).toMatch(message);
    }
    for (const [name, args, message] of wrong.filter(([, args]) => typeof args.at(-1) !== 'object')) {
      expect((await failure(io.call(name, ...(args as number[])), 'ERR_AIO_INVALID_ARG')).message).toMatch(message);
    }
    expect((await failure(io.call('twice', null as unknown as number), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^options must be an object with options, not null/);
    const pointer = runtime.call('malloc', 16n);
    expect(pointer).toBeGreaterThan(0);
    runtime.call('free', pointer as number);
    expect(await io.call('twice', 1, { signal: new AbortController().signal })).toBe(2n);
  });

  test('so it is with coroutines', async () => {
    for (const at of [runtime, io]) {
      expect([await at.coroutine('same', 7n), await at.coroutine('same', -7), await at.coroutine('same')]).toEqual([7, -7, 0]);
      for (const value of [0.5, NaN, 2n ** 32n, '7', null, true, {}]) {
        expect((await failure(at.coroutine('same', value as number), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^argument must be a 32-bit integer, not /);
      }
      expect((await failure(at.coroutine('twice'), 'ERR_AIO_INVALID_ARG')).message).toMatch(/^name: the module exports no coroutine 'twice'/);
    }
  });
});

test('a module that was stripped says so, and works otherwise', async () => {
  const binary = await readFile(fixture('types'));
  // The last section: id 0, its length, the name's length.
  const name = binary.lastIndexOf('aio.types');
  const start = binary.lastIndexOf(0, name);
  const runtime = await Runtime.create({ module: await WebAssembly.compile(binary.subarray(0, start)), reserve: 0 });
  const error = await failure(() => runtime.call('twice', 1), 'ERR_AIO_MODULE');
  expect(error.message).toMatch(/section aio\.types.*do not strip/);
  expect(await runtime.coroutine('same', 3)).toBe(3);
  await runtime.close();
});
