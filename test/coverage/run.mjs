// SPDX-License-Identifier: MIT
// What the tests run of the C core and of the TypeScript sources: a table by file, and what no test has run.
// argued.txt lists what no test can run, with the reason. Anything else that no test runs in the core, or in the parts of ts/src below, fails.
//
//   make coverage           ONLY=c or ONLY=ts: that half. QUICK=1: reports what the last run has counted
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runC } from '../c/run.mjs';
import { execute, top } from '../execute.mjs';
import { unpack } from '../fuzz/run.mjs';
import { compare } from './argued.mjs';
import { forgetCounts, readCounts } from './gcov.mjs';
import { makeMaps, readRuns } from './v8.mjs';

const { ONLY = '', QUICK = '' } = process.env;
const only = ONLY.split(/[ ,]+/).filter((word) => word !== '');
const BUILDS = ['build/coverage', 'build/coverage-sim'];
const RUNS = join(top, 'build', 'coverage', 'v8');
/** Where threads share words without a lock: each part of it is run, or argued. What is not run elsewhere in ts/src is only listed. */
const STRICT = /^ts\/src\/(ring\/|wire\/record-ring|api\/pipe|pool\/queue|runtime\/waiter|runtime\/memory|iothread\/rings)/;
/** The suites of test/run.mjs that run TypeScript in Node. */
const SUITES = ['jest', 'fail-nth', 'fuzz', 'conformance', 'chaos'];

const isCore = (file) => file.startsWith('core-c/') && !file.startsWith('core-c/port/sim/');

/** The C tests, the inputs of the fuzz targets, and the simulator. */
async function runCore() {
  forgetCounts(BUILDS);
  const count = await runC('coverage');
  for (const target of ['loop', 'threads']) {
    const folder = mkdtempSync(join(tmpdir(), `fuzz-${target}-`));
    const files = readdirSync(unpack(target, folder)).map((name) => join(folder, name));
    await succeed(`build/coverage/fuzz-${target}`, files, count);
    rmSync(folder, { recursive: true });
  }
  await succeed('build/coverage-sim/sim', ['--seeds=200'], count);
  await succeed('build/coverage-sim/sim', ['--exhaustive'], count);
  return count;
}

async function succeed(program, args, count) {
  const { code, out } = await execute(join(top, program), args);
  count[code === 0 ? 'passed' : 'failed']++;
  if (code !== 0) process.stdout.write(`  FAILED   ${program} ended with ${code}\n${out.slice(-3000)}\n`);
}

function runTypeScript() {
  rmSync(RUNS, { recursive: true, force: true });
  mkdirSync(RUNS, { recursive: true });
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['test/run.mjs', ...SUITES], {
      cwd: top, stdio: 'inherit', env: { ...process.env, ONLY: '', NODE_V8_COVERAGE: RUNS },
    });
    child.on('error', reject);
    child.on('close', resolve);
  });
}

const percent = (part, all) => (all === 0 ? '' : `${((100 * part) / all).toFixed(1)} %`).padStart(9);

function printTable(title, columns, files) {
  process.stdout.write(`\n${title}\n`);
  for (const [file, { row }] of files) {
    process.stdout.write(`  ${file.padEnd(44)}${columns.map(([part, all]) => percent(row[part], row[all])).join('')}  of ${String(row.lines).padStart(4)} lines\n`);
  }
  const sum = (key) => [...files.values()].reduce((all, { row }) => all + row[key], 0);
  process.stdout.write(`  ${'all'.padEnd(44)}${columns.map(([part, all]) => percent(sum(part), sum(all))).join('')}  of ${String(sum('lines')).padStart(4)} lines\n`);
}

let failed = 0;
if (only.length === 0 || only.includes('c')) {
  if (!QUICK) failed += (await runCore()).failed;
  const files = readCounts(BUILDS, isCore);
  printTable('C core: lines that were run, branches that were taken', [['run', 'lines'], ['taken', 'branches']], files);
  failed += compare(files, 'core-c/', () => true);
}
if (only.length === 0 || only.includes('ts')) {
  makeMaps();
  // A test of time or memory may fail because it is measured. make test judges them.
  if (!QUICK) await runTypeScript();
  const files = readRuns(RUNS);
  printTable('TypeScript: lines that were run, lines of which each part was run', [['run', 'lines'], ['whole', 'lines']], files);
  failed += compare(files, 'ts/', (file) => STRICT.test(file));
}
process.stdout.write(failed ? `coverage: ${failed} failed\n` : 'coverage: each line is covered or argued\n');
process.exitCode = failed ? 1 : 0;
