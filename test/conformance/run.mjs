#!/usr/bin/env node
// SPDX-License-Identifier: MIT
/**
 * Runs cases on JavaScript runtimes and collects their results:
 *
 *   node test/conformance/run.mjs [--on=node20,deno,…] [--timeout=SECONDS] [--tests=FILE] [--matrix] [FILE…]
 *
 * There are four layers. The first is ts/conformance, which does not use this library. The cases of the second (wasi), the
 * third (loop) and the fourth (the life of pages: drive.mjs) are scripts and C programs. A script (FILE.mjs) has a function as its default export: the
 * case passes when that resolves, fails when it throws, and is skipped when it calls skip() (see
 * case.mjs); in Node, Deno and Bun the process has to end by itself afterwards. A C program
 * (FILE.wasm, built by aiocc) passes with exit code 0 and is skipped with 77. Without a FILE: all of
 * test/conformance/cases, and the first layer. --tests adds each C test of that program (build/wasm/tests.wasm, see
 * test/c/main.c).
 *
 * Without --on: the nine that `make runtimes` installs. 'node' is the one that runs this. 'turn': three of those that are installed,
 * others for each commit.
 * --matrix writes the table of docs/portability.md and README.md.
 * ONLY=words runs the cases whose names have one of these words in them; V=1 shows what passes, too; QUICK=1 leaves the C
 * tests and the slow cases of the other layers out.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runCases } from './conformance.mjs';
import { writeMatrix } from './matrix.mjs';
import { primitives } from './primitives.mjs';
import { runtimes, start } from './runtimes.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));

/** An error of whoever calls this, not of a case. */
class UsageError extends Error {}

/** Three of those that are installed, which change with each commit; where there are fewer, the Node that runs this comes first. */
function inTurn() {
  const there = runtimes.filter(({ name, path }) => path && name !== 'node');
  const own = runtimes.filter(({ name }) => name === 'node');
  if (there.length < 3) return [...own, ...there.filter(({ path }) => path !== process.execPath)];
  const { stdout } = spawnSync('git', ['rev-list', '--count', 'HEAD'], { cwd: top, encoding: 'utf8' });
  return [0, 1, 2].map((n) => there[(3 * Number(stdout || 0) + n) % there.length]);
}

function runtimesNamed(names) {
  if (names === 'turn') return inTurn();
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
  const name = basename(file).replace(/\.\w+$/, '');
  const usesWasi = file.endsWith('.mjs') && readFileSync(file, 'utf8').includes("from 'wasm-aio/wasi'");
  return { file, name, args: [], layer: LIFE.test(name) ? 'life' : usesWasi ? 'wasi' : 'loop' };
}

/** The cases of the fourth layer. */
const LIFE = /^(life-|other-workers|owner-in-worker)/;

/** The tests of a C program, with the text that one has to panic with. */
async function testsOf(file) {
  const child = start([process.execPath, join(top, 'dist/cli/main.js'), 'run', file, '--list']);
  const { code } = await child.ended;
  if (code !== 0) throw new UsageError(`${file} --list failed: ${child.output()}`);
  return child.output().split('\n').filter((line) => line !== '').map((line) => {
    const [name, panics] = line.split(' panics ');
    return { file, name, args: name.split('/'), panics, layer: 'C tests' };
  });
}

/** What QUICK=1 leaves out, because it takes long. */
const SLOW = ['clock-threads', 'failures', 'guests-come-and-go', 'many-threads', 'memory', 'spin-close', 'spin-command', 'spin-exit', 'spin-plain', 'spin-timeout'];

/**
 * Runs cases; the rows of the table (see runCases).
 * @param {{on?: string, timeout?: string, tests?: string, files?: string[], only?: string[], quick?: boolean}} options
 */
export async function runConformance({ on, timeout = '60', tests, files = [], only = [], quick = false }) {
  const patience = Number(timeout) * 1000;
  if (!(patience > 0)) throw new UsageError(`--timeout=${timeout}: must be a number of seconds above 0`);
  const matches = (name) => only.length === 0 || only.some((word) => name.includes(word));
  const all = [
    ...(files.length > 0 ? files.map((file) => resolve(file)) : ownCases()).map(caseOf).filter(({ name }) => !quick || !SLOW.includes(name)),
    ...(tests === undefined || quick ? [] : await testsOf(resolve(tests))),
  ].filter(({ name }) => matches(name));
  const ids = files.length > 0 ? [] : (await primitives()).filter(matches);
  return runCases(runtimesNamed(on), all, ids, patience);
}

/** Sums over all rows, as the suites of test/run.mjs have them: a known failure is what the suite expects. */
export function sums(rows) {
  const sum = (...names) => rows.reduce((total, row) => total + names.reduce((own, name) => own + row[name], 0), 0);
  return { passed: sum('passed', 'expected', 'differs'), failed: sum('failed'), skipped: sum('skipped') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const { values: { matrix, ...values }, positionals: files } = parseArgs({
      allowPositionals: true, options: { on: { type: 'string' }, timeout: { type: 'string' }, tests: { type: 'string' }, matrix: { type: 'boolean' } },
    });
    const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
    const quick = !['', '0', undefined].includes(process.env.QUICK);
    if (matrix && (files.length > 0 || only.length > 0 || quick || !values.tests)) throw new UsageError('--matrix needs --tests, and all cases: without FILE, ONLY and QUICK');
    const rows = await runConformance({ ...values, files, only, quick });
    if (matrix) writeMatrix(rows);
    const { passed, failed, skipped } = sums(rows);
    process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
    process.exitCode = failed > 0 ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    process.stderr.write(`conformance: ${error.message}\n`);
    process.exitCode = 2;
  }
}
