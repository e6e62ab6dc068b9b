// SPDX-License-Identifier: MIT
/** No path of a guest leads out of its directory, also while another thread replaces directories by links. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { scratch } from './helpers/child.js';
import { Caller, E, OFlags, OUT } from './helpers/wasi.js';

const dir = scratch();
const TRIES = 8000;

/** Swaps the directory `d` of a root with a link to a directory outside, until it is told to stop. */
const attacker = `
  const { workerData: { root, outside, state } } = require('node:worker_threads');
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const d = root + '/d';
  for (let rounds = 1; Atomics.load(state, 1) === 0; rounds++) {
    renameSync(d, root + '/kept');
    symlinkSync(outside, d);
    Atomics.store(state, 0, rounds);
    Atomics.notify(state, 0);
    unlinkSync(d);
    renameSync(root + '/kept', d);
  }
`;

let root: string;
let outside: string;
let c: Caller;
let worker: Worker;
const state = new Int32Array(new SharedArrayBuffer(8));
const ended = (): Promise<unknown> => new Promise((resolve) => worker.once('exit', resolve));

beforeAll(async () => {
  [root, outside] = [join(dir.path, 'root'), join(dir.path, 'outside')];
  for (const [top, text] of [[join(root, 'd'), 'inside'], [outside, 'outside']] as const) {
    mkdirSync(join(top, 'e'), { recursive: true });
    for (const place of [top, join(top, 'e')]) writeFileSync(join(place, 'file'), text);
  }
  c = await Caller.create({ dirs: { '/': root } });
  worker = new Worker(attacker, { eval: true, workerData: { root, outside, state } });
  Atomics.wait(state, 0, 0, 60_000);
});

afterAll(async () => {
  Atomics.store(state, 1, 1);
  await ended();
  await c.close();
});

test(`${TRIES} tries while a directory of the path becomes a link and back`, () => {
  const path = 'd/e/file';
  const secret = statSync(join(outside, path.slice(2))).ino;
  const before = Atomics.load(state, 0);
  const answers = new Set<number>();
  for (let i = 0; i < TRIES; i++) {
    const fd = c.open(path);
    if (fd >= 0) {
      expect(c.read(fd, 100)).toBe('inside');
      c.call('fd_close', fd);
    } else {
      answers.add(-fd);
    }
    if (c.call('path_filestat_get', 3, 1, ...c.path(path), OUT) === 0) expect(c.statAt().ino).not.toBe(BigInt(secret));
    if (i % 4 !== 0) continue;
    // What is made, renamed and removed is never outside.
    const made = c.open('d/made', { oflags: OFlags.creat });
    if (made >= 0) c.call('fd_close', made);
    c.call('path_rename', 3, ...c.path('d/made'), 3, ...c.path2('d/e/moved'));
    c.call('path_unlink_file', 3, ...c.path('d/e/moved'));
  }
  // The other thread was at work, and what it did was seen as nothing but a place that is missing, that leads out, or that is no
  // directory (a link when it was opened, and none any more when it was read).
  expect(Atomics.load(state, 0)).toBeGreaterThan(before);
  for (const errno of answers) expect([E.NOENT, E.PERM, E.NOTDIR]).toContain(errno);
  expect(readdirSync(outside).sort()).toEqual(['e', 'file']);
  expect(readdirSync(join(outside, 'e'))).toEqual(['file']);
  expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('outside');
}, 120_000);
