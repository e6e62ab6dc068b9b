// SPDX-License-Identifier: MIT
// Links a program for the simulator to WebAssembly:
//
//   link.mjs OUTPUT PROGRAM MACHINE [CHANGED]     the last three are folders of objects, as in native/link.sh
import { readFileSync, readdirSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { Simulator } from '../../../../test/sim/simulator.mjs';
import { toolchain } from '../../../../wasm/tools.mjs';

const top = fileURLToPath(new URL('../../../..', import.meta.url));
const [output, program, machine, changed] = process.argv.slice(2);
const { EM_LD, EM_OPT, EM_SYSROOT, EM_LIBRARIES } = toolchain();

function run(tool, args) {
  const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8' });
  if (status !== 0) {
    process.stderr.write(stdout + stderr);
    process.exit(1);
  }
}

const objects = (folder) => readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.o')).sort();
const [first, last, ...host] = ['first.o', 'last.o', ...objects(machine).filter((name) => !/\b(first|last)\.o$/.test(name))];
const ofMachine = (name) => join(machine, 'core-c/port/sim/wasm', name);
const ofProgram = objects(program).map((name) => (changed && existsSync(join(changed, name)) ? join(changed, name) : join(program, name)));

const linked = `${output}.linked`;
run(EM_LD, [
  // The program's variables lie between those of first.o and last.o.
  ofMachine(first), ...ofProgram, ofMachine(last), ...host.map((name) => join(machine, name)),
  `-L${join(EM_SYSROOT, 'lib', 'wasm32-emscripten')}`, ...EM_LIBRARIES.split(' ').filter((name) => /^-l(bulkmemory|c|compiler_rt)\b/.test(name)),
  '--no-entry', '--strip-debug', '-z', 'stack-size=65536', '--stack-first', '-o', linked,
]);
// These never switch to another thread, although a call that they make through a pointer could, for all that Asyncify knows.
const STAY = ['sim_fiber_loop', 'sim_fail', 'snprintf', 'vsnprintf', 'fprintf', 'fiprintf'];
// One with a planted bug is searched for seconds: it links in half the time.
const level = changed ? '-O1' : '-O2';
const features = ['threads', 'bulk-memory', 'mutable-globals', 'sign-ext', 'nontrapping-float-to-int', 'multivalue', 'reference-types'];
run(EM_OPT, [linked, ...features.map((name) => `--enable-${name}`), '--asyncify', '--pass-arg=asyncify-ignore-imports',
  `--pass-arg=asyncify-removelist@${STAY}`, level, '-g', '-o', output]);
rmSync(linked);

/** The section "sim.lines": the text of each line of the source that is a step, as JSON: {file: {line: text}}. */
const bytes = readFileSync(output);
const lines = {};
for (const { file, line } of (await Simulator.create(bytes)).sites()) {
  const text = readFileSync(join(top, file), 'utf8').split('\n')[line - 1];
  (lines[file] ??= {})[line] = text.trim();
}
const leb = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >>> 7)]);
const content = [...Buffer.from('sim.lines'), ...Buffer.from(JSON.stringify(lines))];
const named = [...leb('sim.lines'.length), ...content];
writeFileSync(output, Buffer.concat([bytes, Buffer.from([0, ...leb(named.length), ...named])]));
