// SPDX-License-Identifier: MIT
// Bugs that were planted on purpose, each a patch in this folder, which the simulator has to find. The first lines of a patch say
// what is wrong; the line "Found by:" names the scenario and the seed, which are tried first. One that no longer applies fails.
// "Equivalent:" says why a change that looks like a bug is none; it is not counted.
//
//   node test/run.mjs mutants    SEEDS=n (3000): how many to try, ONLY=names; WRITE=1 writes the seeds into the patches
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const here = join(top, 'test', 'mutants');
const built = join(top, 'build', 'sim');

function execute(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    let out = '';
    const child = spawn(command, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'], ...options });
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

async function succeed(command, args, options) {
  const { code, out } = await execute(command, args, options);
  if (code !== 0) throw new Error(`${command} failed:\n${out}`);
}

/** The objects of the program that depend on a file, and their sources. */
function dependents(file) {
  const folder = join(built, 'program');
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.d'))
    .map((name) => ({ object: name.replace(/\.d$/, '.o'), source: name.replace(/\.d$/, '.c'), text: readFileSync(join(folder, name), 'utf8') }))
    .filter(({ text }) => text.split(/[\s\\:]+/).includes(file));
}

/** Builds the simulator with the mutant, in a folder of its own, and returns the program. */
async function build(name) {
  const patch = readFileSync(join(here, `${name}.patch`), 'utf8');
  const file = /^\+\+\+ b\/(.*)$/m.exec(patch)[1];
  const folder = join('build', 'sim', 'mutants', name);
  rmSync(join(top, folder), { recursive: true, force: true });
  mkdirSync(join(top, folder, dirname(file)), { recursive: true });
  copyFileSync(join(top, file), join(top, folder, file));
  await succeed('git', ['apply', `--directory=${folder}`, join(here, `${name}.patch`)]);
  const [cc, ...flags] = readFileSync(join(top, 'build', 'sim-flags.value'), 'utf8').trim().split(/\s+/);
  const changed = dependents(file);
  if (changed.length === 0) throw new Error(`nothing in the simulator depends on ${file}`);
  for (const { object, source } of changed) {
    mkdirSync(join(top, folder, 'program', dirname(object)), { recursive: true });
    await succeed(cc, [`-I${folder}/core-c`, ...flags, '-c', source === file ? join(folder, file) : source, '-o', join(folder, 'program', object)]);
  }
  const program = join(folder, 'sim');
  await succeed('core-c/port/sim/link.sh', [cc, program, join('build', 'sim', 'program'), join('build', 'sim', 'machine'), join(folder, 'program')]);
  return program;
}

/** Searches; returns what was found, and by what. */
async function search(program, patch, seeds) {
  const known = /^Found by: (\S+) --seed=(\d+)$/m.exec(patch);
  if (known) {
    const { code, out } = await execute(program, [`--seed=${known[2]}`, known[1]]);
    if (code === 1 && out.startsWith('FAILED')) return { by: `${known[1]} --seed=${known[2]}`, what: out.split('\n')[0] };
  }
  const { code, out } = await execute(program, [`--seeds=${seeds}`, '--first']);
  const again = /^ {2}again: --seed=(\d+) (\S+)$/m.exec(out);
  if (again) return { by: `${again[2]} --seed=${again[1]}`, what: /^FAILED .*$/m.exec(out)[0] };
  return code === 0 ? undefined : { by: undefined, what: `the simulator ended with ${code}: ${out.slice(-300)}` };
}

export async function runMutants(only) {
  const { SEEDS = '3000', WRITE = '', V = '' } = process.env;
  const count = { passed: 0, failed: 0, skipped: 0 };
  const names = readdirSync(here).filter((name) => name.endsWith('.patch')).map((name) => name.slice(0, -6))
    .filter((name) => only.length === 0 || only.some((word) => name.includes(word)));
  const next = async () => {
    for (let name; (name = names.shift()) !== undefined;) {
      const path = join(here, `${name}.patch`);
      const patch = readFileSync(path, 'utf8');
      let found;
      try {
        if (/^Equivalent:/m.test(patch)) {
          await build(name);
          continue;
        }
        found = await search(join(top, await build(name)), patch, SEEDS);
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
