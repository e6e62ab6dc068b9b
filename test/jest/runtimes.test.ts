// SPDX-License-Identifier: MIT
/** Runtimes, where they are installed: a verified read of a file, and programs. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scratch, spawned, wasmAio } from './helpers/child.js';
import { cli, fixture } from './helpers/paths.js';

const dir = scratch();
afterAll(dir.remove);

describe.each([
  ['bun', []],
  ['deno', ['run', '-A']],
  ['node', []],
])('%s', (runtime, args) => {
  const there = spawnSync(runtime, ['--version']).status === 0;

  (there ? test : test.skip)('reads a file through its IOThreads and verifies it', async () => {
    const file = join(dir.path, `${runtime}.img`);
    await wasmAio('bench', '--create-only', `--filename=${file}`, '--size=4M');
    const ended = await spawned(runtime, [...args, cli, 'bench', `--filename=${file}`, '--verify', '--number-ios=2000', '--json']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/"verified":\s*true/);
  });

  (there ? test : test.skip)('runs a program with threads', async () => {
    const ended = await spawned(runtime, [...args, cli, 'run', fileURLToPath(fixture('libc-threads'))]);
    expect(ended).toMatchObject({ code: 0, stdout: 'the last one\n' });
  });

  (there ? test : test.skip)('runs a program whose IOThread has code, and ends by itself', async () => {
    const ended = await spawned(runtime, [...args, fileURLToPath(new URL('./fixtures/uses-plane.js', import.meta.url))]);
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: '100 100000\n' });
  });
});
