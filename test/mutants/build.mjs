// SPDX-License-Identifier: MIT
// Builds the simulator with one of the bugs that are planted in the core: the files that a patch concerns are compiled again, and
// linked with the others.
//
//   node test/mutants/build.mjs wasm NAME...     build/sim/wasm/mutants/NAME.wasm, for pages
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolchain } from '../../wasm/tools.mjs';
import { execute, top } from '../execute.mjs';

export const mutants = join(top, 'test', 'mutants');

async function succeed(command, args) {
  const { code, out } = await execute(command, args);
  if (code !== 0) throw new Error(`${command} failed:\n${out}`);
}

const flagsOf = (file) => readFileSync(join(top, 'build', file), 'utf8').trim().split(/\s+/);

/** Where the objects are, how one is compiled, how they are linked, and how the program is called. */
const HOSTS = {
  native: {
    built: join('build', 'sim'), program: 'sim', compiler: () => flagsOf('sim-flags.value'),
    linker: ([cc]) => ['core-c/port/sim/native/link.sh', cc],
  },
  wasm: {
    built: join('build', 'sim', 'wasm'), program: 'sim.wasm',
    compiler: () => [toolchain().EM_CLANG, `--sysroot=${toolchain().EM_SYSROOT}`, ...flagsOf('sim-wasm-flags.value')],
    linker: () => ['node', 'core-c/port/sim/wasm/link.mjs'],
  },
};

/** The objects of the program that depend on a file, and their sources. */
function dependents(built, file) {
  const folder = join(top, built, 'program');
  return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.d'))
    .map((name) => ({ object: name.replace(/\.d$/, '.o'), source: name.replace(/\.d$/, '.c'), text: readFileSync(join(folder, name), 'utf8') }))
    .filter(({ text }) => text.split(/[\s\\:]+/).includes(file));
}

/** Builds the simulator with the mutant, in a folder of its own, and returns the program. */
export async function buildMutant(name, host = 'native') {
  const { built, program, compiler, linker } = HOSTS[host];
  const patch = join(mutants, `${name}.patch`);
  const [, file] = /^\+\+\+ b\/(.*)$/m.exec(readFileSync(patch, 'utf8'));
  const folder = join(built, 'mutants', name);
  rmSync(join(top, folder), { recursive: true, force: true });
  mkdirSync(join(top, folder, dirname(file)), { recursive: true });
  copyFileSync(join(top, file), join(top, folder, file));
  await succeed('git', ['apply', `--directory=${folder}`, patch]);
  const [cc, ...flags] = compiler();
  const changed = dependents(built, file);
  if (changed.length === 0) throw new Error(`nothing in the simulator depends on ${file}`);
  for (const { object, source } of changed) {
    mkdirSync(join(top, folder, 'program', dirname(object)), { recursive: true });
    await succeed(cc, [`-I${folder}/core-c`, ...flags, '-c', source === file ? join(folder, file) : source, '-o', join(folder, 'program', object)]);
  }
  const output = join(folder, program);
  const [link, ...first] = linker(compiler());
  await succeed(link, [...first, output, join(built, 'program'), join(built, 'machine'), join(folder, 'program')]);
  return output;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [host, ...names] = process.argv.slice(2);
  for (const name of names) await buildMutant(name, host);
}
