// SPDX-License-Identifier: MIT
/** Programs in processes of their own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, fixture, pathOf } from './paths.js';
import { fileURLToPath } from 'node:url';

export interface Ended {
  /** null: it had to be killed. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Of standard output and error. */
type Enough = (stdout: string, stderr: string) => boolean;

/** So long a process may take that is known to end. */
const PATIENCE_MS = 120_000;

/** Runs a program to its end, or until enough is true of what it has printed. What hangs is
 * killed: its code is null then. Its standard input is /dev/null, or a pipe that stays open and silent. */
export function spawned(command: string, args: readonly string[], options: { cwd?: string; enough?: Enough; stdin?: 'silent' } = {}): Promise<Ended> {
  const { enough, stdin, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: pathOf('.'), ...rest, stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    const ended: Ended = { code: null, signal: null, stdout: '', stderr: '' };
    const printed = (stream: 'stdout' | 'stderr', text: string): void => {
      ended[stream] += text;
      if (enough?.(ended.stdout, ended.stderr)) child.kill('SIGKILL');
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => printed('stdout', text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => printed('stderr', text));
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ ...ended, code, signal });
    });
  });
}

/** `wasm-aio ARGUMENT...` */
export const wasmAio = (...args: string[]): Promise<Ended> => spawned(process.execPath, [cli, ...args]);

/** `wasm-aio run` of a program in test/jest/fixtures. */
export const runProgram = (name: string, ...args: string[]): Promise<Ended> =>
  wasmAio('run', fileURLToPath(fixture(name)), ...args);

/** A directory that is removed when the tests of the file are over; in memory, if
 * that can be had and is asked for: flushing to a busy disk may take seconds. */
export function scratch(inMemory = false): { path: string; remove: () => void } {
  const parent = inMemory && existsSync('/dev/shm') ? '/dev/shm' : pathOf('build');
  const path = mkdtempSync(join(parent, 'scratch-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs an ES module, which finds wasm-aio as a user's does, in dir. */
export function runScript(dir: string, source: string, nodeArgs: readonly string[] = [], enough?: Enough): Promise<Ended> {
  const file = join(dir, `script-${scripts++}.mjs`);
  writeFileSync(file, source);
  return spawned(process.execPath, [...nodeArgs, file], { cwd: dir, ...(enough && { enough }) });
}
let scripts = 0;
