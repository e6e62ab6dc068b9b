// SPDX-License-Identifier: MIT
// Puts beside the page what break.ts reads: the simulator with each of these bugs, what each is, and the C sources.
//
//   node ts/demo/planted.mjs FOLDER NAME...
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const [folder, ...names] = process.argv.slice(2);

/** Instead of the scenario that a patch names, one that finds the bug with fewer steps: they are easier to read, and to choose by hand. */
const SHORTER = { 'notify-reads-relaxed': 'notify_or_sleep', 'notify-looks-first': 'notify_or_sleep', 'mutex-unlocks-by-a-store': 'mutex_of_two' };

const bugs = names.map((name) => {
  const patch = readFileSync(join(top, 'test', 'mutants', `${name}.patch`), 'utf8');
  const [what] = patch.split('\n');
  const [, named] = /^Found by: (\S+)/m.exec(patch);
  const [, file] = /^\+\+\+ b\/(.*)$/m.exec(patch);
  mkdirSync(join(folder, name, dirname(file)), { recursive: true });
  copyFileSync(join(top, 'build/sim/wasm/mutants', name, 'sim.wasm'), join(folder, name, 'sim.wasm'));
  copyFileSync(join(top, 'build/sim/wasm/mutants', name, file), join(folder, name, file));
  return { name, what, file, scenario: SHORTER[name] ?? named, patch: patch.slice(patch.indexOf('\n@@') + 1) };
});
mkdirSync(join(folder, 'right'), { recursive: true });
copyFileSync(join(top, 'build/sim/sim.wasm'), join(folder, 'right', 'sim.wasm'));
for (const source of ['core-c', 'test/sim']) {
  cpSync(join(top, source), join(folder, 'source', source), { recursive: true, filter: (name) => !/\.(?!c$|h$)[^/.]+$/.test(name) });
}
copyFileSync(join(top, 'test/sim/simulator.mjs'), join(folder, '..', 'simulator.mjs'));
writeFileSync(join(folder, 'bugs.json'), `${JSON.stringify(bugs)}\n`);
