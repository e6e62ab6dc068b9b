// SPDX-License-Identifier: MIT
/** `wasm-aio run`: a C program as one is used to it. */
import { afterAll, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, scratch, wasmAio } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);
const program = fileURLToPath(fixture('program'));

test('arguments as they are, both outputs apart, the exit code', async () => {
  const args = ['args', '', 'two words', '--option', 'ü€'];
  const { code, stdout, stderr } = await runProgram('program', ...args);
  expect(stdout).toBe([program, ...args].map((arg, n) => `${n} [${arg}]\n`).join(''));
  expect({ code, stderr }).toEqual({ code: 6, stderr: 'on stderr\n' });
});

test('arguments that do not fit into the memory end the program before it begins, with a word', async () => {
  const args = Array.from({ length: 12 }, () => 'a'.repeat(120_000));
  const { code, stdout, stderr } = await wasmAio('run', '--max-memory=3M', program, 'args', ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^wasm-aio: no room for .* arguments of main\(\) in the shared memory/);
  // The rest does fit.
  expect((await wasmAio('run', '--max-memory=3M', program, 'args')).code).toBe(2);
});

test('threads are made and joined', async () => {
  expect(await runProgram('program', 'join')).toMatchObject({ code: 0, stdout: '42\n', stderr: '' });
});

test("libc's clocks are the loop's", async () => {
  const before = Date.now();
  const { code, stdout } = await runProgram('program', 'clocks');
  const [inOrder, realtime] = stdout.split(' ').map(Number);
  expect({ code, inOrder }).toEqual({ code: 0, inOrder: 1 });
  expect(realtime).toBeGreaterThanOrEqual(before);
  expect(realtime).toBeLessThanOrEqual(Date.now());
});

test('exit() in another thread ends the program with its code', async () => {
  expect(await runProgram('program', 'exit-elsewhere')).toMatchObject({ code: 42, stdout: 'going\n', stderr: '' });
});

test('main returns although threads run: the program ends, its output is written', async () => {
  expect(await runProgram('program', 'return-early')).toMatchObject({ code: 3, stdout: 'returning', stderr: '' });
});

test('abort(): 134, and what was written before', async () => {
  const { code, stdout, stderr } = await runProgram('program', 'abort');
  expect({ code, stdout }).toEqual({ code: 134, stdout: 'before\n' });
  expect(stderr).toMatch(/^wasm-aio: the runtime has failed: .*thread 'main'/);
});

test('a failed assertion: 134, and its text', async () => {
  const { code, stderr } = await runProgram('program', 'assert');
  expect(code).toBe(134);
  expect(stderr).toMatch(/argc == 77/);
});

test('a trap: 134, with the C function in the message', async () => {
  const { code, stderr } = await runProgram('program', 'trap');
  expect(code).toBe(134);
  expect(stderr).toMatch(/^wasm-aio: the runtime has failed: .*thread 'main', in (null_call < )?main </);
});

test.each([
  ['nothing', [], 2, /usage: wasm-aio run \[OPTION...\] PROGRAM/],
  ['an option', ['--frob'], 2, /unknown option --frob: wasm-aio run --help lists them/],
  ['a missing file', ['/nowhere.wasm'], 1, /\/nowhere\.wasm: no such file/],
  ['a directory', ['/tmp'], 1, /\/tmp/],
])('%s to run: one line, and the exit code', async (_, args, code, words) => {
  const ended = await wasmAio('run', ...args);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(/^wasm-aio: [^\n]*\n$/);
  expect(ended.stderr).toMatch(words);
});

test('what is no program is refused', async () => {
  const path = join(dir.path, 'text.wasm');
  writeFileSync(path, 'int main(void);');
  expect((await wasmAio('run', path)).stderr).toMatch(/text\.wasm is something else, not a WebAssembly module/);
});

test('an unknown command, and none', async () => {
  const unknown = await wasmAio('frob');
  expect(unknown.code).toBe(2);
  expect(unknown.stderr).toMatch(/no command 'frob'/);
  const none = await wasmAio();
  expect(none.code).toBe(2);
  expect(none.stdout).toMatch(/^usage: /);
  expect((await wasmAio('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
