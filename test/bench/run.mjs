// SPDX-License-Identifier: MIT
// Runs the benchmarks: contenders in turn, for several rounds, each turn a process
// of its own.
//
//   node test/bench/run.mjs        ONLY=prefix,…: only lines that begin so, and what
//                                  their goals need; QUICK=1: less than a minute;
//                                  BASE=folder: a clone of an older commit whose native
//                                  programs run, too; NODES=program,…: further Nodes
//
// Standard output: a line of JSON for each line and runtime, value being the median.
// Standard error: tables, skipped lines with the reason, and what disturbed.
// Exit code 1: some program failed, or miscounted. A goal that is missed is none.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Browser } from '../package/pages.mjs';
import { watchMachine } from './machine.mjs';
import { cannotPlace, placeThreads } from './place.mjs';
import { COMPARED, CONTENDERS, choose } from './plan.mjs';
import { Line, figuresTable, goalsTable, notes } from './report.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const quick = (process.env.QUICK ?? '') !== '' && process.env.QUICK !== '0';
const words = (name) => (process.env[name] ?? '').split(/[ ,]+/).filter((word) => word !== '');
const only = words('ONLY');
const [base] = words('BASE');
/** WebAssembly and JavaScript are measured in each of these. */
const nodes = { node: process.execPath };
for (const program of words('NODES')) nodes[basename(program)] = program;

const ROUNDS = quick ? 2 : 7;
const SHORTER = quick ? 4 : 1;
const TIMEOUT_MS = 40_000;

const say = (line) => process.stderr.write(`${line}\n`);

// ---- Whose turn it is ----

const chosen = choose(only.length === 0 && base ? COMPARED : only);
if (chosen.size === 0) {
  say(`bench: no line begins with ${only.join(' or ')}`);
  process.exit(2);
}

const cli = join(top, 'dist', 'cli', 'main.js');
const skipped = new Map();
const unplaced = new Map();
const failed = new Map();

/** The turns of one round. */
const turns = CONTENDERS.flatMap((contender) => {
  const { c, js, ms, lines, loose, once } = contender;
  let { place } = contender;
  const names = lines.filter((name) => chosen.has(name));
  if (names.length === 0) return [];
  if (js === 'page' && !Browser.isThere) {
    names.forEach((name) => skipped.set(name, 'Chromium is not installed'));
    return [];
  }
  const reason = place && cannotPlace(place);
  if (reason) {
    names.forEach((name) => (loose ? unplaced : skipped).set(name, reason));
    if (!loose) return [];
    place = undefined;
  }
  const args = [`ms=${Math.ceil(ms / SHORTER)}`, ...names];
  const node = (runtime, ...command) => ({ runtime, argv: [nodes[runtime], ...command, ...args] });
  const native = (runtime, folder) => ({ runtime, argv: [join(folder, 'build', 'bench', 'native', c), ...args] });
  const processes = js
    ? Object.keys(nodes).map((runtime) => node(runtime, join(top, 'test', 'bench', 'peers', `${js}.mjs`)))
    : [
        ...(base && existsSync(join(base, 'test', 'bench', `${c}.c`)) ? [native('base', base)] : []),
        native('native', top),
        ...Object.keys(nodes).map((runtime) => node(runtime, cli, 'run', join(top, 'build', 'bench', 'wasm', `${c}.wasm`))),
      ];
  return processes.map((process) => ({ ...process, names, once, place: place && { place, by: contender.by } }));
});

// ---- One turn ----

/** Runs the process and calls onObject with each line of JSON that it prints. */
function execute(argv, onObject) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    createInterface({ input: child.stdout }).on('line', (line) => onObject(JSON.parse(line), child.pid));
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', (error) => (errors += error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) errors += `no end within ${TIMEOUT_MS / 1000} s`;
      else if (code !== 0) errors ||= signal ? `ended by ${signal}` : `exit code ${code}`;
      resolve(late || code !== 0 ? errors.trim() || 'failed' : null);
    });
  });
}

/** Samples by name, unless they were taken before both threads were in place. */
async function takeTurn({ argv, place }) {
  const measured = [];
  let placing = null;
  let inPlace = !place;
  let problem = null;
  const error = await execute(argv, (object, pid) => {
    if (object.place !== undefined) {
      if (!place) return;
      inPlace = false;
      placing = placeThreads(pid, object.place, place).then(() => (inPlace = true), (reason) => (problem ??= reason.message));
    } else if (object.placed !== undefined) {
      if (!inPlace) problem ??= 'its threads were not in place in time';
    } else {
      measured.push(object);
    }
  });
  await placing;
  return { measured: problem ? [] : measured, error, problem };
}

// ---- All of them ----

const lines = new Map();

function keep({ name, unit, samples }, runtime, round) {
  const key = `${name} ${runtime}`;
  if (!lines.has(key)) lines.set(key, new Line(name, runtime, unit));
  lines.get(key).rounds[round] = samples;
}

const machine = watchMachine();
for (let round = 0; round < ROUNDS; round++) {
  if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${ROUNDS}`);
  for (const turn of turns.filter(({ once }) => !once || round === 0)) {
    const label = turn.names.map((name) => `${name} (${turn.runtime})`).join(', ');
    const program = turn.argv.find((word) => word.includes('/build/bench/'));
    if (program && !existsSync(program)) {
      failed.set(label, `${program} has not been built`);
      continue;
    }
    const { measured, error, problem } = await takeTurn(turn);
    if (error) failed.set(label, error);
    if (problem) skipped.set(label, `round ${round + 1}: ${problem}`);
    for (const object of measured) keep(object, turn.runtime, round);
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');

// Sparse where a turn failed: a round without samples.
for (const line of lines.values()) line.rounds = Array.from(line.rounds, (samples) => samples ?? []);
const ordered = new Map([...lines].sort(([a], [b]) => (a < b ? -1 : 1)));
for (const line of ordered.values()) process.stdout.write(`${JSON.stringify(line.figures())}\n`);

say(figuresTable(ordered));
const goals = goalsTable(ordered);
if (goals) say(`\n${goals}\n`);
notes(ordered).forEach(say);
for (const [name, reason] of unplaced) say(`not placed ${name}: ${reason}`);
for (const [name, reason] of skipped) say(`skipped ${name}: ${reason}`);
for (const [name, reason] of failed) say(`FAILED ${name}: ${reason}`);
say(`\n${quick ? 'QUICK: the figures are rough. ' : ''}${machine()}`);
process.exitCode = failed.size > 0 ? 1 : 0;
