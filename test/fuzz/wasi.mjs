// SPDX-License-Identifier: MIT
// Guests that make WASI calls with wild arguments (hostile-guest.mjs). Each call returns an errno; the guest ends; files outside its
// directories stay as they are; the host works afterwards.
import fc from 'fast-check';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WasiHost } from '../../dist/wasi.js';
import { ARGUMENTS, assemble, CALLS } from './hostile-guest.mjs';

const call = fc.constantFrom(...Object.keys(CALLS)).chain((name) =>
  fc.tuple(...[...CALLS[name]].map((kind) => fc.constantFrom(...ARGUMENTS[kind].values))).map((args) => [name, ...args.flat()]));
/** These may wait for as long as the program says. */
const WAITING = ['poll_oneoff', 'sock_accept', 'sock_recv', 'fd_read'];
const TIMEOUT = 120_000;

/** A folder with the guest's directory and one beside it. */
function makeTree() {
  const top = mkdtempSync(join(tmpdir(), 'fuzz-wasi-'));
  for (const folder of ['inside', 'inside/dir', 'outside', 'outside/folder']) mkdirSync(join(top, folder));
  for (const file of ['inside/a', 'inside/dir/a', 'outside/file']) writeFileSync(join(top, file), 'text');
  return top;
}

/** All of what the guest must not change. */
const lookOutside = (top) => JSON.stringify([
  readdirSync(top), readdirSync(join(top, 'outside'), { recursive: true }), readFileSync(join(top, 'outside/file'), 'latin1'),
  ...['', 'file', 'folder'].map((name) => {
    const { mode, nlink, mtimeMs, size } = statSync(join(top, 'outside', name));
    return [mode, nlink, mtimeMs, size];
  }),
]);

async function runGuest(calls) {
  const top = makeTree();
  const before = lookOutside(top);
  const waits = calls.some(([name]) => WAITING.includes(name));
  const host = await WasiHost.create({
    module: assemble(calls), dirs: { '/': join(top, 'inside'), '/mem': 'mem' }, stdin: 'some input\n', stdout: 'closed', stderr: 'closed',
    args: ['hostile', 'argument'], env: { NAME: 'value' }, timeout: waits ? 2000 : TIMEOUT,
  });
  try {
    const code = await host.run();
    if (code !== 0) throw new Error(`it has exited with ${code}`);
  } catch (error) {
    if (!(waits && error.code === 'ERR_AIO_TIMEOUT')) throw error;
  } finally {
    await host.close();
  }
  const after = lookOutside(top);
  rmSync(top, { recursive: true, force: true });
  if (after !== before) throw new Error(`it has changed what is outside of its directory:\n${before}\n${after}`);
}

export async function check(options) {
  await fc.assert(fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 80 }), runGuest), { numRuns: 30, endOnFailure: true, ...options });
  // An ordinary guest still runs.
  await runGuest([['fd_write', 1, ...ARGUMENTS.v.values[0], ARGUMENTS.p.values[0][0]], ['sched_yield']]);
}
