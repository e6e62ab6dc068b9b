// SPDX-License-Identifier: MIT
// What the hot paths cost, as figures that do not depend on what else the machine does: instructions natively, counted by callgrind, and bytes of the
// functions in WebAssembly. A figure that differs from figures.json by more than 5 % is a failure, in either direction: a commit that
// changes one says why, and records it:
//
//   WRITE=1 node test/run.mjs costs
//
// Figures are those of one compiler. With another one they are skipped.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from '../../wasm/binary.mjs';
import { functionNames } from '../../wasm/function-names.mjs';
import { imports } from '../../wasm/instructions.mjs';
import { top } from '../execute.mjs';
import { skip } from '../skips.mjs';

const recorded = join(top, 'test', 'costs', 'figures.json');
const ALLOWED = 0.05;
/** Operations of a path of paths.c, which runs twice. */
const OPERATIONS = 2000;

/** Functions of dist/aio.wasm, which has no coroutines of its own. */
const HOT = ['aio_poll', 'iterate', 'aio_bh_poll', 'bh_enqueue', 'aio_notify', 'timer_mod_ns', 'timerlist_run_due', 'fdmon_io_uring_wait', 'port_poll_ring_wait',
  'aio_dispatch_ready_handlers', 'event_notifier_set'];

// ---- WebAssembly: the bytes of functions

function bytesOfFunctions(file) {
  const module = readFileSync(file);
  const names = functionNames(module);
  const bytes = {};
  for (const sections = new Reader(module, 8); !sections.ended;) {
    const id = sections.byte();
    const section = new Reader(sections.take(sections.u32()));
    if (id !== 10) continue;
    for (let index = imports(module).length, end = index + section.u32(); index < end; index++) {
      const size = section.u32();
      section.take(size);
      const name = names.get(index);
      if (HOT.includes(name)) bytes[name] = size;
    }
  }
  return bytes;
}

function wasmBuild() {
  const value = (name) => new RegExp(`^${name} = *(.*)$`, 'm').exec(readFileSync(join(top, 'build', 'toolchain.mk'), 'utf8'))[1];
  return { compiler: execFileSync(value('EM_CLANG'), ['--version'], { encoding: 'utf8' }).split('\n')[0].replace(/ \(.*/, ''), emscripten: value('EM_VERSION') };
}

// ---- Natively: instructions

function nativeBuild() {
  const [compiler] = execFileSync(process.env.CC || 'cc', ['--version'], { encoding: 'utf8' }).split('\n');
  return { compiler, flags: process.env.CFLAGS || '-O2 -g', machine: process.arch };
}

/** The instructions of one operation of each path, with those of the functions that it calls. */
function instructionsOfPaths() {
  const dir = mkdtempSync(join(tmpdir(), 'aio-costs-'));
  try {
    const out = join(dir, 'out');
    const { status, stderr } = spawnSync('valgrind', ['--tool=callgrind', `--callgrind-out-file=${out}`, join(top, 'build', 'costs', 'paths')], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`paths ended with ${status}: ${stderr}`);
    const text = execFileSync('callgrind_annotate', ['--inclusive=yes', '--threshold=100', '--show-percs=no', out], { encoding: 'utf8', maxBuffer: 1 << 26 });
    const paths = {};
    for (const [, count, name] of text.matchAll(/^ *([\d,]+) .*?:path_(\w+)/gm)) paths[name] = Math.round(Number(count.replaceAll(',', '')) / OPERATIONS);
    return paths;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

// ---- Comparing

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function compare(count, { name, unit, build, measure, known }) {
  if (!same(build, known?.build)) {
    return skip(count, `costs:${name}`, `the figures are of ${Object.values(known?.build ?? {}).join(', ')}, and this is ${Object.values(build).join(', ')}`);
  }
  const figures = measure();
  for (const key of new Set([...Object.keys(figures), ...Object.keys(known.figures)])) {
    const [is, was] = [figures[key], known.figures[key]];
    if (is !== undefined && was !== undefined && Math.abs(is / was - 1) <= ALLOWED) {
      count.passed++;
      continue;
    }
    count.failed++;
    process.stdout.write(`  FAILED costs:${name}/${key}: ${is ?? 'no'} ${unit} instead of ${was ?? 'none'}; if that is meant to be, WRITE=1 node test/run.mjs costs records it\n`);
  }
}

/** @returns {{passed: number, failed: number, skipped: number}} */
export function runCosts() {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const kinds = [{ name: 'wasm', unit: 'bytes', build: wasmBuild(), measure: () => bytesOfFunctions(join(top, 'dist', 'aio.wasm')) }];
  if (spawnSync('valgrind', ['--version']).status === 0) kinds.push({ name: 'native', unit: 'instructions', build: nativeBuild(), measure: instructionsOfPaths });
  else skip(count, 'costs:native', 'valgrind is not installed');
  const known = JSON.parse(readFileSync(recorded, 'utf8'));
  if (process.env.WRITE) {
    for (const { name, build, measure } of kinds) known[name] = { build, figures: measure() };
    writeFileSync(recorded, `${JSON.stringify(known, null, 2)}\n`);
  }
  for (const kind of kinds) compare(count, { ...kind, known: known[kind.name] });
  return count;
}
