// SPDX-License-Identifier: MIT
/** The program that the README opens with does what it says. */
import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { runScript, scratch } from './helpers/child.js';
import { pathOf } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

test('the program of the README reads a block, prints counters and ends by itself', async () => {
  const [, program] = /^```ts\n(.*?)^```$/ms.exec(readFileSync(pathOf('README.md'), 'utf8')) ?? [];
  if (program === undefined) throw new Error('README.md has no ts block');
  // Where it is installed as a package, beside the file that it names.
  mkdirSync(join(dir.path, 'node_modules'));
  symlinkSync(pathOf('.'), join(dir.path, 'node_modules', 'wasm-aio'));
  writeFileSync(join(dir.path, 'disk.img'), new Uint8Array(65536));
  const { outputText } = ts.transpileModule(program, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });

  const { code, stdout, stderr } = await runScript(dir.path, outputText);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^4096 \{/);
  expect(stdout).toMatch(/jobs: 1,/);
});
