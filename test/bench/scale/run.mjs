// SPDX-License-Identifier: MIT
// How costs grow with the number of what there is: the curves of scale.c, natively and in WebAssembly, in turn and in one run.
//
//   node test/bench/scale/run.mjs     ONLY=curve,…: only these; QUICK=1: shorter; DOCS=1: writes the table of docs/scaling.md and
//                                     its picture
//
// Standard output: the table. Exit code 1: some program failed, or miscounted.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchMachine } from '../machine.mjs';
import { scaleFigure } from './figure.mjs';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const quick = (process.env.QUICK ?? '') !== '';
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const ROUNDS = quick ? 1 : 5;
const MS = quick ? 20 : 100;

/** The curves, and what one of their operations is. */
const CURVES = {
  contexts: 'a bottom half of one of n contexts, which is then polled',
  handlers: 'the notifier of one of n handlers is set, and the handler called',
  timers: 'one of n timers is moved, and one that is due runs',
  coroutines: 'one of n coroutines that wait is entered, and waits again',
  pipes: 'a byte through one of n pipes, whose handler reads it',
  requests: 'a read of 8 bytes by the engine `threads`, n at once',
  iothreads: 'a message to one of n IOThreads and back, 64 under way in all',
};
const chosen = Object.keys(CURVES).filter((curve) => only.length === 0 || only.includes(curve));
if (chosen.length === 0) {
  console.error(`bench-scale: there is no curve ${only.join(' or ')}; the curves are ${Object.keys(CURVES).join(', ')}`);
  process.exit(2);
}

const runtimes = {
  native: [join(top, 'build/bench/native/scale')],
  wasm: [process.execPath, join(top, 'dist/cli/main.js'), 'run', '--dir=mem::/tmp', join(top, 'build/bench/wasm/scale.wasm')],
};
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/** Samples, one list a round: by curve, runtime, what was measured (`ns` or `bytes`) and number. */
const found = Object.fromEntries(chosen.map((curve) => [curve, { native: { ns: {}, bytes: {} }, wasm: { ns: {}, bytes: {} } }]));
let failed = false;
const said = watchMachine();
for (let round = 0; round < ROUNDS; round++) {
  for (const curve of chosen) {
    for (const [runtime, [program, ...args]] of Object.entries(runtimes)) {
      const { status, stdout, stderr } = spawnSync(program, [...args, `ms=${MS}`, curve], { encoding: 'utf8' });
      if (status !== 0) {
        failed = true;
        console.error(`${curve} (${runtime}) failed (${status}): ${stderr.trim()}`);
      }
      for (const line of stdout.split('\n').filter((text) => text !== '')) {
        const { name, samples } = JSON.parse(line);
        const number = Number(name.split('_').at(-1));
        const by = found[curve][runtime][name.startsWith('x_bytes_') ? 'bytes' : 'ns'];
        (by[number] ??= []).push(median(samples));
      }
    }
  }
}

// ---- What is said

const last = (object) => Object.values(object).at(-1);
const short = (value, units) => {
  const [scale, unit] = units.find(([least]) => value >= least) ?? units.at(-1);
  return `${Number((value / scale).toPrecision(3))} ${unit}`;
};
const time = (list) => (list ? short(median(list), [[1e6, 'ms'], [1e3, 'µs'], [1, 'ns']]) : '');
const bytes = (list) => (list ? short(median(list), [[1e6, 'MB'], [1e3, 'KB'], [1, 'B']]) : '');

const rows = [['curve', 'in', '1', '2', '4', '8', '10', '16', '32', '64', '100', '1,000', '10,000', '100,000', 'one more takes']];
for (const curve of chosen) {
  for (const runtime of Object.keys(runtimes)) {
    const { ns, bytes: used } = found[curve][runtime];
    rows.push([curve, runtime === 'wasm' ? 'WebAssembly' : 'native', ...rows[0].slice(2, -1).map((number) => time(ns[number.replace(',', '')])), bytes(last(used))]);
  }
}
// Columns that nothing of this run has are left out.
const used = rows[0].map((_, n) => n < 2 || rows.slice(1).some((row) => row[n] !== ''));
const table = rows.map((row) => row.filter((_, n) => used[n]));
const widths = table[0].map((_, n) => Math.max(...table.map((row) => row[n].length)));
for (const row of table) console.log(row.map((cell, n) => cell.padEnd(widths[n])).join('  ').trimEnd());
console.log(`\n${said()}`);

if ((process.env.DOCS ?? '') !== '' && !failed) {
  const machine = `Node ${process.versions.node}, ${cpus().length} CPUs (${cpus()[0].model.trim()}), ${new Date().toISOString().slice(0, 10)}`;
  const medians = Object.fromEntries(chosen.map((curve) => [curve, Object.fromEntries(Object.keys(runtimes).map((runtime) =>
    [runtime, Object.entries(found[curve][runtime].ns).map(([number, list]) => [Number(number), median(list)])]))]));
  writeFileSync(join(top, 'docs/images/scaling.svg'), scaleFigure(medians, CURVES, `${machine} (make bench-scale DOCS=1)`));
  const page = join(top, 'docs/scaling.md');
  const [head, ...body] = table;
  const markdown = [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
  writeFileSync(page, readFileSync(page, 'utf8').replace(/(<!-- bench-scale -->\n)[\s\S]*(<!-- end -->)/, (_, begin, end) => `${begin}${machine}.\n\n${markdown}\n${end}`));
}
process.exit(failed ? 1 : 0);
