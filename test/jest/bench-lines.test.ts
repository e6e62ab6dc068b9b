// SPDX-License-Identifier: MIT
/** The C programs of `make bench`: each line is known, and does what it is said to measure. */
import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cli, pathOf } from './helpers/paths.js';

interface Contender {
  c?: string;
  lines: string[];
}
const { CONTENDERS } = (await import(pathOf('test/bench/plan.mjs'))) as { CONTENDERS: Contender[] };

/** Runs the lines once each. A program that finds that the work was not done prints to standard error, and no figure. */
function once(command: string, args: string[], lines: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, [...args, 'ms=0', ...lines], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const printed = stdout.trim().split('\n').map((line) => JSON.parse(line) as { name?: string; samples?: number[] });
  const measured = printed.filter(({ name }) => name !== undefined);
  expect(measured.map(({ name }) => name)).toEqual(lines);
  for (const { samples } of measured) expect(samples?.[0]).toBeGreaterThanOrEqual(0);
}

const turns = CONTENDERS.filter(({ c }) => c !== undefined).map(({ c = '', lines }) => ({ c, lines }));

test.each(turns)('$c: $lines', ({ c, lines }) => once(pathOf(`build/bench/native/${c}`), [], lines));

test.each(['contexts', 'handlers', 'timers', 'coroutines', 'pipes', 'requests', 'iothreads'])('scale: %s from the first to the last number', (curve) => {
  const { status, stdout, stderr } = spawnSync(pathOf('build/bench/native/scale'), ['ms=0', curve], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const names = stdout.trim().split('\n').map((line) => (JSON.parse(line) as { name: string }).name);
  expect(names).toContain(`x_${curve}_1`);
  // The system may have few fds, and what each takes is known from the second number on.
  expect(names.filter((name) => name.startsWith('x_bytes_')).length).toBeGreaterThan(1);
});

test('coroutines in WebAssembly: the frames below a yield are there', () => {
  const lines = turns.find(({ c }) => c === 'coroutine')?.lines.filter((line) => line.startsWith('f_')) ?? [];
  once(process.execPath, [cli, 'run', pathOf('build/bench/wasm/coroutine.wasm')], lines);
});
