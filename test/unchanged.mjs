// SPDX-License-Identifier: MIT
// What takes long and depends on few files is not run again as long as these are the same as when it passed, if UNCHANGED=1, as in
// continuous integration. build/passed/ has the hashes; a fresh clone has none.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { top } from './execute.mjs';

const C_TESTS = ['core-c', 'test/c', 'test/fail-nth', 'Makefile', 'build/compilers.value'];

/** The suites, by the beginning of their names, and what they depend on. */
const INPUTS = {
  models: ['test/models'],
  mutants: ['core-c', 'wasm/runtime', 'wasm/port/wasm-port.h', 'test/sim', 'test/mutants', 'Makefile', 'build/sim-flags.value'],
  // make trust runs it again, after make test.
  'fail-nth': ['core-c', 'wasm', 'ts/src', 'test/c', 'test/fail-nth', 'Makefile'],
  'c-asan-': C_TESTS, 'c-tsan-': C_TESTS,
};

const files = (path) => (!existsSync(join(top, path)) ? []
  : statSync(join(top, path)).isDirectory() ? readdirSync(join(top, path)).sort().flatMap((name) => files(join(path, name))) : [path]);

function hashOf(inputs) {
  const hash = createHash('sha256').update(process.version);
  for (const file of inputs.flatMap(files)) hash.update(`\0${file}\0`).update(readFileSync(join(top, file)));
  return hash.digest('hex');
}

/** Runs a suite, unless nothing that it depends on has changed since it passed; then returns undefined. */
export async function runIfChanged(name, run) {
  const [, inputs] = Object.entries(INPUTS).find(([begin]) => name.startsWith(begin)) ?? [];
  if (!inputs || process.env.UNCHANGED !== '1' || process.env.ONLY) return run();
  const passed = join(top, 'build', 'passed', name);
  const hash = hashOf(inputs);
  if (existsSync(passed) && readFileSync(passed, 'utf8') === hash) return undefined;
  const count = await run();
  mkdirSync(join(top, 'build', 'passed'), { recursive: true });
  writeFileSync(passed, count.failed === 0 ? hash : '');
  return count;
}
