// SPDX-License-Identifier: MIT
// The core in the simulator (core-c/port/sim): each scenario of this folder under many schedules, and small ones under all.
//
//   node test/run.mjs sim      SEEDS=n (200), FROM=first seed, ONLY=scenarios
//   SEED=n ONLY=scenario       that run again, with its last steps beside the source
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runSimWasm } from './wasm.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const program = join(top, 'build', 'sim', 'sim');

/** Runs the simulator and counts its scenarios. */
function simulate(options, { show = false } = {}) {
  const { stdout, stderr, status } = spawnSync(program, options, { cwd: top, encoding: 'utf8', maxBuffer: 1 << 28 });
  const count = /^sim: (\d+) passed, (\d+) failed$/m.exec(stdout);
  if (stderr) process.stderr.write(stderr);
  if (show || !count || status !== 0) process.stdout.write(stdout.replace(/^sim: .*\n/m, ''));
  if (!count) {
    process.stdout.write(`  FAILED   sim ${options.join(' ')} ended with ${status}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  return { passed: Number(count[1]), failed: Number(count[2]), skipped: 0 };
}

export async function runSim(only) {
  const { SEED, SEEDS = '200', FROM = '0' } = process.env;
  if (SEED) return simulate([`--seed=${SEED}`, ...only], { show: true });
  const verbose = (process.env.V ?? '') !== '';
  const sums = [simulate([`--seeds=${SEEDS}`, `--from=${FROM}`, ...only], { show: verbose }), simulate(['--exhaustive', ...only], { show: verbose }),
    await runSimWasm(only, verbose)];
  return sums.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: 0 }));
}
