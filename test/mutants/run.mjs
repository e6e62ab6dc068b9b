// SPDX-License-Identifier: MIT
// Bugs that were planted on purpose, each a patch in this folder, which the simulator has to find. The first lines of a patch say
// what is wrong; the line "Found by:" names the scenario and the seed, which are tried first. One that no longer applies fails.
// "Equivalent:" says why a change that looks like a bug is none; it is not counted.
//
//   node test/run.mjs mutants    SEEDS=n (3000): how many to try, ONLY=names; WRITE=1 writes the seeds into the patches
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { execute, top } from '../execute.mjs';
import { buildMutant, mutants } from './build.mjs';

/** After a change of the core other seeds find a bug. The scenario that has found it before is searched so many times longer than all. */
const LONGER = 40;

/** Searches; returns what was found, and by what: first the known seed, then its scenario, then all. */
async function search(program, patch, seeds) {
  const [, scenario, seed] = /^Found by: (\S+) --seed=(\d+)$/m.exec(patch) ?? [];
  const attempts = [...(scenario ? [[`--seed=${seed}`, scenario], [`--seeds=${LONGER * seeds}`, '--first', scenario]] : []), [`--seeds=${seeds}`, '--first']];
  for (const attempt of attempts) {
    const { code, out } = await execute(program, attempt);
    const again = /^ {2}again: --seed=(\d+) (\S+)$/m.exec(out);
    if (again) return { by: `${again[2]} --seed=${again[1]}`, what: /^FAILED .*$/m.exec(out)[0] };
    if (code !== 0) return { by: undefined, what: `the simulator ended with ${code}: ${out.slice(-300)}` };
  }
  return undefined;
}

export async function runMutants(only) {
  const { SEEDS = '3000', WRITE = '', V = '' } = process.env;
  const count = { passed: 0, failed: 0, skipped: 0 };
  const names = readdirSync(mutants).filter((name) => name.endsWith('.patch')).map((name) => name.slice(0, -6))
    .filter((name) => only.length === 0 || only.some((word) => name.includes(word)));
  const next = async () => {
    for (let name; (name = names.shift()) !== undefined;) {
      const path = join(mutants, `${name}.patch`);
      const patch = readFileSync(path, 'utf8');
      let found;
      try {
        if (/^Equivalent:/m.test(patch)) {
          await buildMutant(name);
          continue;
        }
        found = await search(join(top, await buildMutant(name)), patch, SEEDS);
      } catch (error) {
        process.stdout.write(`  FAILED   mutant ${name}: ${error.message}\n`);
        count.failed++;
        continue;
      }
      count[found?.by ? 'passed' : 'failed']++;
      if (!found?.by) process.stdout.write(`  FAILED   mutant ${name}: ${found ? found.what : `not found by ${SEEDS} seeds of each scenario`}\n`);
      else {
        if (V) process.stdout.write(`  ${name}: ${found.by}: ${found.what}\n`);
        if (WRITE) writeFileSync(path, patch.replace(/^(Found by: .*\n)?(?=\n---|--- a)/m, `Found by: ${found.by}\n`));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, next));
  return count;
}
