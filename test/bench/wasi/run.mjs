// SPDX-License-Identifier: MIT
// The bench of the WASI host: each line in proportion to node:wasi and to the bare fs calls, all measured in one run.
//
//   node test/bench/wasi/run.mjs     ONLY=prefix,…: only lines that begin so; QUICK=1: shorter
//
// Standard output: a table. Exit code 1: a program failed. A goal that is missed is no failure.
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const quick = (process.env.QUICK ?? '') !== '';
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const ROUNDS = quick ? 2 : 5;
const MS = quick ? 60 : 150;
const RIPGREP = '0.3.1';
const CAT_MIB = quick ? 64 : 256;

/** The goals: [line, limit in proportion to node:wasi, the line of the floor, limit in proportion to it]. */
const GOALS = [
  ['w_seek', 1.0],
  ['w_clock', 1.0, 'y_clock'],
  ['w_fdstat'],
  ['w_fstat', , 'y_fs_fstat', 1.3],
  ['w_read_4k', 1.2, 'y_fs_read_4k', 1.3],
  ['w_write_4k', 1.2, 'y_fs_write_4k', 1.3],
  ['w_pread_4k', 1.2, 'y_fs_read_4k', 1.3],
  ['w_pwrite_4k', 1.2, 'y_fs_write_4k', 1.3],
  ['w_readdir_64', 1.0, 'y_fs_readdir_64'],
  // node:wasi gives no inode numbers, which takes one lstat() for each name.
  ['w_readdir_new', , 'y_fs_readdir_64'],
  ['w_open_1', , 'y_fs_path', 1.3],
  ['w_open_9', , 'y_fs_path', 1.3],
  ['w_open_link', , 'y_fs_path', 1.3],
  ['w_stat_1', , 'y_fs_path', 1.3],
  ['w_stat_9', , 'y_fs_path', 1.3],
  ['w_stat_new', , 'y_fs_path', 1.3],
  ['w_stat_missing', , 'y_fs_path', 1.3],
  ['w_readlink', , 'y_fs_readlink'],
  ['w_mkdir_rmdir', , 'y_fs_mkdir_rmdir'],
  ['w_rename_2', , 'y_fs_rename_2'],
  ['w_start', 1.2, 'y_start'],
  ['w_cat', 1.3, 'y_cat'],
  ['w_thread'],
  ['w_ripgrep', 1.5],
];
/** [line, other line, limit]: ratios of our own lines. */
const OWN = [['w_open_9', 'w_open_1', 1.5], ['w_stat_9', 'w_stat_1', 1.5]];

/** What the floors themselves come to, of node:wasi's line or of another floor: a goal below that cannot be reached. */
const FLOORS = [
  ['y_clock', 'w_clock node'], ['y_fs_read_4k', 'w_read_4k node'], ['y_fs_read_4k', 'w_pread_4k node'],
  ['y_start', 'w_start node'], ['y_cat', 'w_cat node'],
  ['y_fs_lstat_9', 'y_fs_lstat floor', 'w_stat_9'], ['y_fs_lstat_new', 'y_fs_path floor', 'w_stat_new'],
];

const wanted = GOALS.filter(([name]) => only.length === 0 || only.some((prefix) => name.startsWith(prefix)));
const names = wanted.map(([name]) => name);
const inGuest = names.filter((name) => !['w_start', 'w_cat', 'w_thread', 'w_ripgrep'].includes(name));

// ---- The files that the guests use ----

const folder = mkdtempSync(join(tmpdir(), 'aio-bench-wasi-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'file'), Buffer.alloc(1 << 20, 7));
symlinkSync('file', join(folder, 'link'));
mkdirSync(join(folder, 'many'));
for (let i = 0; i < 64; i++) writeFileSync(join(folder, 'many', `name-of-file-${i}`), '');
mkdirSync(join(folder, 'moved'));
const deep = join(folder, ...Array(8).fill('d'));
mkdirSync(deep, { recursive: true });
linkSync(join(folder, 'file'), join(deep, 'file'));
for (let i = 0; i < 512; i++) {
  const leaf = join(folder, 'tree', ...i.toString(8).padStart(3, '0'));
  mkdirSync(leaf, { recursive: true });
  linkSync(join(folder, 'file'), join(leaf, 'file'));
}

// ---- The contenders ----

const module = (name) => join(top, 'build', name);
const cli = join(top, 'dist', 'cli', 'main.js');
const oursIn = (root, wasm, ...args) => [process.execPath, cli, 'run', '--dir', `${root}::/`, wasm, ...args];
const theirsIn = (root, wasm, ...args) => [process.execPath, join(here, 'node-wasi.mjs'), wasm, root, ...args];
const floorProcess = [process.execPath, join(here, 'floor-process.mjs')];
const ours = (wasm, ...args) => oursIn(folder, module(wasm), ...args);
const theirs = (wasm, ...args) => theirsIn(folder, module(wasm), ...args);

/** Runs a program; returns what it prints. */
function execute([program, ...args], options = {}) {
  const { status, signal, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, timeout: 120_000, ...options });
  if (status === 0) return stdout;
  process.stderr.write(`${[program, ...args].join(' ')}: ${signal ?? status}\n${stderr}\n`);
  process.exit(1);
}

/** The time that a program takes, in ps. */
function timed(argv) {
  const start = process.hrtime.bigint();
  execute(argv);
  return Number(process.hrtime.bigint() - start) * 1000;
}

/** The time that a program takes from standard input to standard output, both of them pipes of the system. */
function cat(argv) {
  const size = CAT_MIB << 20;
  const start = process.hrtime.bigint();
  const counted = execute(['sh', '-c', `head -c ${size} /dev/zero | "$@" | wc -c`, 'sh', ...argv]);
  const took = Number(process.hrtime.bigint() - start) * 1000;
  if (Number(counted) === size) return took;
  process.stderr.write(`${argv.join(' ')}: ${counted.trim()} bytes of ${size}\n`);
  process.exit(1);
}

/** ripgrep's module from npm, which is in a file of JavaScript there; undefined if it is not wanted or cannot be installed. */
async function ripgrep() {
  if (quick || !names.includes('w_ripgrep')) return undefined;
  const home = join(folder, 'ripgrep');
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{ "private": true }');
  const { status } = spawnSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `ripgrep@${RIPGREP}`], { cwd: home, stdio: 'ignore', timeout: 120_000 });
  if (status !== 0) return void process.stderr.write(`w_ripgrep is left out: ripgrep@${RIPGREP} cannot be installed from npm\n`);
  const { getCompressedBytes } = await import(pathToFileURL(join(home, 'node_modules/ripgrep/lib/_rg.wasm.mjs')));
  const file = join(home, 'rg.wasm');
  writeFileSync(file, brotliDecompressSync(getCompressedBytes()));
  return file;
}
const rg = await ripgrep();
/** A search of all files of node_modules, in one thread, that finds something. */
const SEARCH = ['-j1', '--no-ignore', '-c', 'setFlagsFromString', '/'];

const samples = new Map();
const add = (key, value) => samples.set(key, [...(samples.get(key) ?? []), value]);
const addAll = (contender, text) => {
  for (const line of text.trim().split('\n')) {
    const [name, value] = line.split(' ');
    if (value !== undefined) add(`${name} ${contender}`, Number(value));
  }
};

for (let round = 0; round < ROUNDS; round++) {
  if (inGuest.length > 0) {
    addAll('ours', execute(ours('bench/wasi-calls.wasm', String(MS), ...inGuest)));
    addAll('node', execute(theirs('bench/wasi-calls.wasm', String(MS), ...inGuest)));
    const floors = new Set([...wanted.flatMap(([, , floor]) => floor ?? []), ...FLOORS.filter(([, of, line]) => line && names.includes(line)).flatMap(([floor, of]) => [floor, of.split(' ')[0]])]);
    addAll('floor', execute([process.execPath, join(here, 'floor.mjs'), folder, String(MS), ...floors]));
  }
  if (names.includes('w_start')) {
    for (let i = 0; i < 4; i++) {
      add('w_start ours', timed(ours('bench/wasi-calls.wasm', '1')));
      add('w_start node', timed(theirs('bench/wasi-calls.wasm', '1')));
      add('y_start floor', timed(floorProcess));
    }
  }
  if (names.includes('w_cat')) {
    add('w_cat ours', cat(ours('plain/command.wasm', 'cat')));
    add('w_cat node', cat(theirs('plain/command.wasm', 'cat')));
    add('y_cat floor', cat([...floorProcess, 'cat']));
  }
  if (rg) {
    add('w_ripgrep ours', timed(oursIn(join(top, 'node_modules'), rg, ...SEARCH)));
    add('w_ripgrep node', timed(theirsIn(join(top, 'node_modules'), rg, ...SEARCH)));
  }
  if (names.includes('w_thread')) addAll('ours', execute(ours('bench/wasi-threads.wasm')));
}

// ---- The table ----

const median = (name, contender) => {
  const list = samples.get(`${name} ${contender}`)?.toSorted((a, b) => a - b);
  return list?.[list.length >> 1];
};
const text = (ps) => {
  if (ps === undefined) return '';
  const [scale, unit] = [[1e9, ' ms'], [1e6, ' µs'], [1e3, ' ns']].find(([least]) => ps >= least) ?? [1, ' ps'];
  return Number((ps / scale).toPrecision(3)) + unit;
};
const ratio = (a, b, limit) => {
  if (a === undefined || b === undefined) return ['', ''];
  const met = limit === undefined ? '' : `≤ ${limit} ${a / b <= limit ? 'met' : 'MISSED'}`;
  return [(a / b).toFixed(2), met];
};
const rows = [['line', 'wasm-aio', 'node:wasi', 'ratio', '', 'floor', 'ratio', '']];
for (const [name, limit, floor, floorLimit] of wanted) {
  const [a, b, c] = [median(name, 'ours'), median(name, 'node'), floor && median(floor, 'floor')];
  rows.push([name, text(a), text(b), ...ratio(a, b, limit), c === undefined ? '' : `${floor} ${text(c)}`, ...ratio(a, c, floorLimit)]);
}
for (const [name, of, limit] of OWN.filter(([name, of]) => names.includes(name) && names.includes(of))) {
  rows.push([`${name} / ${of}`, '', '', ...ratio(median(name, 'ours'), median(of, 'ours'), limit), '', '', '']);
}
for (const [floor, of, line = of.split(' ')[0]] of FLOORS.filter(([, of, line = of.split(' ')[0]]) => names.includes(line))) {
  const [a, b] = [median(floor, 'floor'), median(...of.split(' '))];
  rows.push([`${floor} / ${of}`, '', '', ...ratio(a, b), '', '', '']);
}
const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
console.log(rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd()).join('\n'));
