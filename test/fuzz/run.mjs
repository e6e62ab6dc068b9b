// SPDX-License-Identifier: MIT
// Random programs, values and command lines. C targets are libFuzzer's: `loop` compares the C API with a model, `threads` uses it from
// several threads. Those in JavaScript are fast-check's: a file NAME.mjs here exports `check(options)`.
//
//   node test/run.mjs fuzz    the inputs of corpus/ once more, and each JavaScript target RUNS (default: its own number) times, with SEED=1
//   SECONDS=n                 searches for n seconds with each target; what the C targets have found goes to build/fuzz
//   WRITE=1                   afterwards writes the smallest set of inputs that reaches the same code to corpus/
//   ONLY=targets, SEED=n      (a failure prints the seed, and what repeats it)
//   FUZZ_SEED=n               the same, and so many inputs at most that each run tries the same: for continuous integration
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execute, top } from '../execute.mjs';
import { skip } from '../skips.mjs';

const C_TARGETS = ['loop', 'threads'];
const JS_TARGETS = ['api', 'command-line', 'values', 'wasi'];
/** SEED is the simulator's, too, where both run. */
const { FUZZ_SEED } = process.env;
const SEED = FUZZ_SEED || process.env.SEED;
/** What each target tries where the seed is always the same. */
const FIXED_RUNS = 5000;
/** An input that takes longer has lost a wake-up. */
const INPUT_SECONDS = 60;
const corpusOf = (target) => new URL(`corpus/${target}.txt`, import.meta.url);

/** The inputs of a target: a line each in base64; what follows # is a remark. */
function readCorpus(target) {
  return readFileSync(corpusOf(target), 'utf8').split('\n').map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
    .map((line) => Buffer.from(line, 'base64'));
}

/** Writes each input to a file of its own and returns the folder. */
export function unpack(target, folder) {
  mkdirSync(folder, { recursive: true });
  readCorpus(target).forEach((bytes, n) => writeFileSync(join(folder, `${String(n).padStart(4, '0')}`), bytes));
  return folder;
}

const buildsOf = (kind) => readdirSync(join(top, 'build')).filter((name) => name.startsWith(kind) && existsSync(join(top, 'build', name, 'fuzz-loop')));

/** Runs the corpus of a C target again. */
async function replay(target, count) {
  const build = buildsOf('').find((name) => !name.startsWith('fuzz'));
  if (!build) return skip(count, `fuzz:${target}`, 'there is no build of it: make test');
  const folder = mkdtempSync(join(tmpdir(), `fuzz-${target}-`));
  const files = readdirSync(unpack(target, folder)).map((name) => join(folder, name));
  const { code, out } = await execute(join(top, 'build', build, `fuzz-${target}`), files);
  rmSync(folder, { recursive: true });
  const done = out.split('\n').filter((line) => line.startsWith(folder));
  if (code === 0) return void count.passed++;
  count.failed++;
  const input = readCorpus(target)[done.length - 1];
  process.stdout.write(`  FAILED   fuzz ${target}: ended with ${code} at the input ${input?.toString('base64')}\n${out.slice(-3000).replace(/^/gm, '      ')}\n`);
}

/** The smallest set of a folder's inputs that reaches the same code becomes the corpus. */
async function writeCorpus(target, program, folder) {
  const merged = join(top, 'build', 'fuzz', `${target}-merged`);
  rmSync(merged, { recursive: true, force: true });
  mkdirSync(merged);
  await execute(program, ['-merge=1', merged, folder]);
  const remarks = readFileSync(corpusOf(target), 'utf8').split('\n').filter((line) => line.includes('#'));
  const lines = readdirSync(merged).map((name) => readFileSync(join(merged, name)).toString('base64'))
    .filter((line) => !remarks.some((remark) => remark.startsWith(`${line} `))).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  writeFileSync(corpusOf(target), `${[...remarks, ...lines].join('\n')}\n`);
}

/** Searches with libFuzzer, and with random inputs under ThreadSanitizer; each takes half of the time. */
async function search(target, seconds, count) {
  const builds = [...buildsOf('fuzzasan-'), ...buildsOf('tsan-')];
  if (builds.length < 2) skip(count, `fuzz:${target}`, 'clang with libFuzzer, or a compiler with ThreadSanitizer, is missing');
  for (const build of builds) {
    const program = join(top, 'build', build, `fuzz-${target}`);
    const seed = Number(SEED || Math.floor(Math.random() * 2 ** 31));
    const time = Math.ceil(seconds / builds.length);
    const byCoverage = build.startsWith('fuzz');
    const folder = byCoverage && unpack(target, join(top, 'build', 'fuzz', target));
    const args = byCoverage
      ? [`-seed=${seed}`, `-max_total_time=${time}`, `-timeout=${INPUT_SECONDS}`, '-max_len=600', `-artifact_prefix=${folder}-`, '-print_final_stats=1', ...(FUZZ_SEED ? [`-runs=${FIXED_RUNS}`] : []), folder]
      : [`--seed=${seed}`, `--seconds=${time}`];
    const { code, out } = await execute(program, args, { env: { ...process.env, TSAN_OPTIONS: 'halt_on_error=1' } });
    const runs = byCoverage ? /stat::number_of_executed_units: +(\d+)/.exec(out)?.[1] ?? '?' : out.split('\n--seed=').length;
    process.stdout.write(`           ${build} ${target}: ${runs} runs, seed ${seed}\n`);
    count[code === 0 ? 'passed' : 'failed']++;
    if (code !== 0) process.stdout.write(`  FAILED   fuzz ${target} (${build}), seed ${seed}:\n${out.slice(-5000).replace(/^/gm, '      ')}\n`);
    else if (process.env.WRITE && byCoverage) await writeCorpus(target, program, folder);
  }
}

async function runJavaScript(target, seconds, count) {
  const { check } = await import(`./${target}.mjs`);
  const { RUNS } = process.env;
  try {
    await check({
      // Without a time to search, a target decides how often it runs.
      ...(seconds ? { numRuns: FUZZ_SEED ? FIXED_RUNS : 2 ** 30, interruptAfterTimeLimit: 1000 * seconds } : RUNS && { numRuns: Number(RUNS) }),
      // Without a time to search, each run does the same.
      ...(SEED || !seconds ? { seed: Number(SEED || 1) } : {}),
    });
    count.passed++;
  } catch (error) {
    count.failed++;
    process.stdout.write(`  FAILED   fuzz ${target}: ${String(error.stack ?? error).replace(/\n/g, '\n      ')}\n`);
    if (error.cause) process.stdout.write(`      cause: ${String(error.cause.stack ?? error.cause).replace(/\n/g, '\n      ')}\n`);
  }
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runFuzz(only) {
  const seconds = Number(process.env.SECONDS ?? 0);
  const count = { passed: 0, failed: 0, skipped: 0 };
  const chosen = (target) => only.length === 0 || only.some((word) => target.includes(word));
  for (const target of C_TARGETS.filter(chosen)) await (seconds ? search(target, seconds, count) : replay(target, count));
  for (const target of JS_TARGETS.filter(chosen)) await runJavaScript(target, seconds, count);
  return count;
}
