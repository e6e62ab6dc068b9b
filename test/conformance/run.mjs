#!/usr/bin/env node
// SPDX-License-Identifier: MIT
/**
 * Runs cases on JavaScript runtimes and collects their results:
 *
 *   node test/conformance/run.mjs [--on=node20,deno,…] [--timeout=SECONDS] [--tests=FILE] [FILE…]
 *
 * A case is a script or a C program. A script (FILE.mjs) has a function as its default export: the
 * case passes when that resolves, fails when it throws, and is skipped when it calls skip() (see
 * case.mjs); in Node, Deno and Bun the process has to end by itself afterwards. A C program
 * (FILE.wasm, built by aiocc) passes with exit code 0 and is skipped with 77. Without a FILE: all of
 * test/conformance/cases. --tests adds each C test of that program (build/wasm/tests.wasm, see
 * test/c/main.c).
 *
 * Without --on: the nine that `make runtimes` installs. 'node' is the one that runs this.
 * ONLY=words runs the cases whose names have one of these words in them; V=1 shows what passes, too.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runCases } from './conformance.mjs';
import { runtimes, start } from './runtimes.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));

/** An error of whoever calls this, not of a case. */
class UsageError extends Error {}

function runtimesNamed(names) {
  if (names === undefined) return runtimes.filter(({ name }) => name !== 'node');
  return names.split(',').map((name) => {
    const found = runtimes.find((runtime) => runtime.name === name);
    if (!found) throw new UsageError(`no runtime ${name}; there are ${runtimes.map((one) => one.name).join(', ')}`);
    return found;
  });
}

/** The cases of test/conformance/cases, where they are once they are built. (Files with two dots in
 * their names belong to a case.) */
function ownCases() {
  const dir = join(top, 'test/conformance/cases');
  return readdirSync(dir).sort().filter((name) => /^[\w-]+\.(mjs|c)$/.test(name))
    .map((name) => name.endsWith('.c') ? join(top, 'build/conformance', name.replace(/c$/, 'wasm')) : join(dir, name));
}

function caseOf(file) {
  if (!/\.(mjs|wasm)$/.test(file)) throw new UsageError(`${file}: a case is a script (.mjs) or a program that aiocc built (.wasm)`);
  if (!existsSync(file)) throw new UsageError(`${relative(top, file)}: no such file (make conformance-programs builds those in C)`);
  return { file, name: basename(file).replace(/\.\w+$/, ''), args: [] };
}

/** The tests of a C program, with the text that one has to panic with. */
async function testsOf(file) {
  const child = start([process.execPath, join(top, 'dist/cli/main.js'), 'run', file, '--list']);
  const { code } = await child.ended;
  if (code !== 0) throw new UsageError(`${file} --list failed: ${child.output()}`);
  return child.output().split('\n').filter((line) => line !== '').map((line) => {
    const [name, panics] = line.split(' panics ');
    return { file, name, args: name.split('/'), panics };
  });
}

/**
 * Runs cases; {passed, failed, skipped}.
 * @param {{on?: string, timeout?: string, tests?: string, files?: string[], only?: string[]}} options
 */
export async function runConformance({ on, timeout = '60', tests, files = [], only = [] }) {
  const patience = Number(timeout) * 1000;
  if (!(patience > 0)) throw new UsageError(`--timeout=${timeout}: must be a number of seconds above 0`);
  const all = [
    ...(files.length > 0 ? files.map((file) => resolve(file)) : ownCases()).map(caseOf),
    ...(tests === undefined ? [] : await testsOf(resolve(tests))),
  ].filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
  return runCases(runtimesNamed(on), all, patience);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values, positionals: files } = parseArgs({
      allowPositionals: true, options: { on: { type: 'string' }, timeout: { type: 'string' }, tests: { type: 'string' } },
    });
    const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
    const { passed, failed, skipped } = await runConformance({ ...values, files, only });
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    process.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    process.stderr.write(`conformance: ${error.message}\n`);
    process.exitCode = 2;
  }
}
