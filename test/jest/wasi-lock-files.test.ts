// SPDX-License-Identifier: MIT
/** Two guests in two processes exclude each other by lock files, as programs do that cannot use fcntl's locks (SQLite's unix-dotfile). */
import { afterAll, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { scratch, wasmAio } from './helpers/child.js';
import { fixture } from './helpers/paths.js';

const dir = scratch(true);
afterAll(() => dir.remove());

const ROUNDS = 150;

test.each(['mkdir', 'O_EXCL'])('%s: each sees the other\'s lock, and nothing is counted twice', async (kind) => {
  const shared = join(dir.path, kind);
  mkdirSync(shared);
  const run = (me: string, other: string): ReturnType<typeof wasmAio> =>
    wasmAio('run', '--dir', `${shared}::/d`, fileURLToPath(fixture('lock-files')), kind, me, other, String(ROUNDS));
  const ended = await Promise.all([run('a', 'b'), run('b', 'a')]);
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([[0, ''], [0, '']]);
  expect(readFileSync(join(shared, 'data'), 'latin1')).toBe(`${2 * ROUNDS}\n`);
  expect(existsSync(join(shared, 'data.lock'))).toBe(false);
});
