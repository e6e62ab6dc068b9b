// SPDX-License-Identifier: MIT
/** What several threads of a program print comes out in whole lines. */
import { expect, test } from '@jest/globals';
import { runProgram } from './helpers/child.js';

const THREADS = 4;
const LINES = 20_000;

test('four threads, 20,000 lines each: none is broken, lost or out of its order', async () => {
  const { code, stdout, stderr } = await runProgram('lines');
  expect(code).toBe(0);
  const next = Array<number>(THREADS).fill(0);
  const lines = stdout.split('\n');
  expect(lines.pop()).toBe('');
  const broken = lines.filter((line) => {
    const [, thread = '', number = '', word = ''] = /^thread (\d) line (\d+) (odd|even)$/.exec(line) ?? [];
    const expected = next[Number(thread)];
    next[Number(thread)] = Number(number) + 1;
    return Number(number) !== expected || word !== (Number(number) % 2 ? 'odd' : 'even');
  });
  expect(broken).toEqual([]);
  expect(next).toEqual(Array(THREADS).fill(LINES));

  const marks = stderr.split('\n').slice(0, -1);
  expect(marks.length).toBe((THREADS * LINES) / 1000);
  expect(marks.filter((line) => !/^thread \d at \d+000$|^thread \d at 0$/.test(line))).toEqual([]);
});
