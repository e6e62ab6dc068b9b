// SPDX-License-Identifier: MIT
/**
 * Node 20's baseline compiler (V8 11.3, Liftoff) spoils a function that has both
 * memory.atomic.wait32 and memory.atomic.notify in a loop. No function of a final
 * module may have both; wasm/port/futex.c says how that is kept so.
 */
import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { spawned } from './helpers/child.js';
import { cli, fixture, pathOf } from './helpers/paths.js';

const [, wasmDis = ''] = /^EM_DIS = (.*)$/m.exec(readFileSync(pathOf('build/toolchain.mk'), 'utf8')) ?? [];

/** The names of the functions that wait, that notify, and that have a loop and do both. */
function waitersOf(wasm: string): { wait: string[]; notify: string[]; both: string[] } {
  const features = ['--enable-threads', '--enable-bulk-memory', '--enable-mutable-globals', '--enable-sign-ext',
    '--enable-nontrapping-float-to-int', '--enable-reference-types', '--enable-multivalue'];
  const text = execFileSync(wasmDis, [...features, wasm], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const functions = text.split(/^ \(func /m).slice(1);
  const with_ = (...what: RegExp[]): string[] =>
    functions.filter((body) => what.every((one) => one.test(body))).map((body) => /^\S+/.exec(body)?.[0] ?? '');
  const wait = /\(memory\.atomic\.wait(32|64)\b/;
  const notify = /\(memory\.atomic\.notify\b/;
  return { wait: with_(wait), notify: with_(notify), both: with_(wait, notify, /\(loop\b/) };
}

test.each([
  ['dist/aio.wasm', pathOf('dist/aio.wasm')],
  ['a program', fileURLToPath(fixture('program'))],
  ['a program with much of the core', fileURLToPath(fixture('death'))],
])('in %s no function waits and notifies', (_what, wasm) => {
  const { wait, notify, both } = waitersOf(wasm);
  expect(both).toEqual([]);
  // And they are looked for in the right way: only these have them, and a function
  // of the linker's that has no loop.
  expect(wait).toEqual(expect.arrayContaining(['$port_wait32']));
  expect(notify).toEqual(expect.arrayContaining(['$port_notify32']));
  expect(new Set([...wait, ...notify])).toEqual(new Set(['$__wasm_init_memory', '$port_wait32', '$port_notify32']));
});

test('a function that does both is found', () => {
  expect(waitersOf(fileURLToPath(fixture('node20-fault'))).both).toEqual(['$wait_and_notify']);
});

test('with the baseline compiler alone, a program and all its threads end', async () => {
  const args = ['--liftoff', '--no-wasm-tier-up', cli, 'run', fileURLToPath(fixture('program')), 'ping-pong'];
  expect(await spawned(process.execPath, args)).toMatchObject({ code: 0, stdout: 'ball 0\n', stderr: '' });
});
