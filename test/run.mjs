// Runs the test suites, two at a time, since many wait more than they compute, and closes
// with one line over all of them.
//
//   node test/run.mjs [suite...]        all but the long ones when none is named
//   ONLY=words                          programs (C) or a pattern (jest)
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAiocc } from './aiocc/run.mjs';
import { runApi } from './api/check.mjs';
import { runC, runWrapping } from './c/run.mjs';
import { runChaos } from './chaos/run.mjs';
import { runCompat } from './compat.mjs';
import { runConformance, sums } from './conformance/run.mjs';
import { runCosts } from './costs/run.mjs';
import { runFailNth } from './fail-nth/run.mjs';
import { runFuzz } from './fuzz/run.mjs';
import { runModels } from './models/run.mjs';
import { runMutants } from './mutants/run.mjs';
import { runPackage } from './package/run.mjs';
import { runPosix } from './posix/run.mjs';
import { runSim } from './sim/run.mjs';
import { skip } from './skips.mjs';
import { runIfChanged } from './unchanged.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');

/** Runs a program of node_modules; its output goes to ours. */
function node(args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: top, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } });
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
}

async function jest() {
  const sums = join(top, 'build', 'jest.json');
  const compiled = join(top, 'build', 'test', 'jest');
  if (!existsSync(compiled)) return { passed: 0, failed: 0, skipped: 0 };
  rmSync(sums, { force: true });
  const code = await node(
    ['node_modules/jest/bin/jest.js', ...only, '--config', 'test/jest.config.mjs', '--reporters', '<rootDir>/test/jest-reporter.mjs'],
    { JEST_SUMS: sums, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim() },
  );
  const count = existsSync(sums) ? JSON.parse(readFileSync(sums, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  // jest may fail without a failed test, by its configuration for one.
  if (code !== 0 && count.failed === 0) {
    process.stdout.write(`  FAILED   jest ended with ${code}, although no test failed\n`);
    count.failed = 1;
  }
  return count;
}

/** ESLint: each file is one test. */
async function lint() {
  const { ESLint } = await import('eslint');
  const eslint = new ESLint({ cwd: top, errorOnUnmatchedPattern: false });
  const results = await eslint.lintFiles(['ts', 'test/jest']);
  const text = await (await eslint.loadFormatter('stylish')).format(results);
  if (text) process.stdout.write(text);
  const wrong = results.filter((file) => file.errorCount + file.warningCount > 0);
  for (const { filePath } of wrong) process.stdout.write(`  FAILED   lint: ${relative(top, filePath)}\n`);
  return { passed: results.length - wrong.length, failed: wrong.length, skipped: 0 };
}

/** The C tests in the builds that there are beside the native one; those that are missing are skipped. */
function otherBuilds() {
  const leaveOut = (build, why) => {
    const count = { passed: 0, failed: 0, skipped: 0 };
    skip(count, `${build}:*`, why);
    return count;
  };
  const found = join(top, 'build', 'compilers.mk');
  if (!existsSync(found)) return { 'c-compilers': () => leaveOut('compilers', 'they have not been built: make test-compilers') };
  const value = (name) => new RegExp(`^${name} = *(.*)$`, 'm').exec(readFileSync(found, 'utf8'))[1];
  const words = (name) => value(name).split(' ').filter((word) => word !== '');
  return Object.fromEntries([
    ...words('builds').map((build) => [`c-${build}`, () => runC(build, only)]),
    ...words('missing').map((build) => [`c-${build}`, () => leaveOut(build, value('why'))]),
  ]);
}

/** A suite is a function that prints what failed and returns {passed, failed, skipped}. */
const suites = {
  lint,
  'c-native': () => runC('native', only),
  'c-wasm': () => runC('wasm', only),
  'c-native-wrap': () => runWrapping('native-wrap', only),
  'c-wasm-wrap': () => runWrapping('wasm-wrap', only),
  ...otherBuilds(),
  sim: () => runSim(only),
  mutants: () => runMutants(only),
  fuzz: () => runFuzz(only),
  models: () => runModels(only),
  aiocc: () => runAiocc(only),
  compat: runCompat,
  posix: () => runPosix(only),
  'fail-nth': () => runFailNth(only),
  api: runApi,
  costs: runCosts,
  conformance: async () => sums(await runConformance({ on: 'node,chromium', only })),
  package: () => runPackage(only),
  jest,
  chaos: runChaos,
};

/** Run only when they are named: by make trust, make lint and make test-compilers. */
const LONG = ['lint', 'models', 'mutants', 'c-native-gcc', 'c-native-clang'];
const chosen = process.argv.slice(2);
const unknown = chosen.find((name) => !(name in suites));
if (unknown) {
  process.stderr.write(`test: no suite ${unknown}; there are ${Object.keys(suites).join(', ')}\n`);
  process.exit(2);
}
/** These come last, one by one: they use both CPUs of a small machine by themselves, or change this process (fail-nth). */
const ALONE = ['fail-nth', 'jest', 'chaos'];
const total = { passed: 0, failed: 0, skipped: 0 };

async function runSuite(name) {
  process.stdout.write(`  TEST     ${name}\n`);
  const start = performance.now();
  const count = await runIfChanged(name, () => Promise.resolve().then(suites[name]).catch((error) => {
    process.stdout.write(`  FAILED ${name}: ${String(error.stack ?? error).replace(/\n/g, '\n      ')}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }));
  if (!count) return void process.stdout.write(`           ${name}: nothing that it depends on has changed since it passed\n`);
  const { passed, failed, skipped } = count;
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`           ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s\n`);
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** Runs these suites, so many at a time. */
async function runSuites(names, atOnce) {
  const rest = [...names];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let name = rest.shift(); name; name = rest.shift()) await runSuite(name);
  }));
}

const names = chosen.length > 0 ? chosen : Object.keys(suites).filter((suite) => !LONG.includes(suite));
await runSuites(names.filter((name) => !ALONE.includes(name)), 2);
await runSuites(names.filter((name) => ALONE.includes(name)), 1);
if (only.length > 0 && total.passed + total.failed + total.skipped === 0) {
  process.stderr.write(`test: no test is named ${only.join(' or ')}\n`);
  process.exitCode = 2;
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
if (total.failed > 0) process.exitCode = 1;
