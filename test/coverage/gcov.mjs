// SPDX-License-Identifier: MIT
// What gcov knows of C files. Several builds may have compiled one; a line that one of them has run was run.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { top } from '../execute.mjs';

const countsOf = (folder) => readdirSync(join(top, folder), { recursive: true }).filter((name) => name.endsWith('.gcda')).map((name) => join(folder, name));

/** Forgets what was counted before. */
export function forgetCounts(folders) {
  for (const file of folders.flatMap(countsOf)) rmSync(join(top, file));
}

/** What one build has counted: the lines and branches of each file that it has compiled, as gcov's JSON has them. */
function* readBuild(folder) {
  for (const data of countsOf(folder)) {
    const { status, stdout, stderr } = spawnSync('gcov', ['--json-format', '--stdout', '--branch-probabilities', data], { cwd: top, encoding: 'utf8', maxBuffer: 1 << 28 });
    if (status !== 0) throw new Error(`gcov ${data}: ${stderr}`);
    yield* JSON.parse(stdout).files;
  }
}

/**
 * @param {string[]} folders those of the builds. The branches of the first count: another one has others in the same line.
 * @param {(file: string) => boolean} isOurs
 * @returns {Map<string, {row: object, holes: object[]}>} by file: `row` for the table of run.mjs, `holes`: what was not run
 */
export function readCounts(folders, isOurs) {
  const files = new Map();
  folders.forEach((folder, build) => {
    for (const { file, lines } of readBuild(folder)) {
      if (!isOurs(file)) continue;
      const sum = files.get(file) ?? { lines: new Map(), branches: new Map() };
      files.set(file, sum);
      lines.forEach(({ line_number: number, function_name: name, count, branches }, n) => {
        const line = sum.lines.get(number) ?? { name, run: false };
        line.run ||= count > 0;
        sum.lines.set(number, line);
        // An inline function of a header is compiled in many files. Its branches are known by their place in it.
        const place = `${name} ${number} ${lines.slice(0, n).filter((other) => other.line_number === number && other.function_name === name).length}`;
        const before = sum.branches.get(place) ?? [];
        if (build === 0) sum.branches.set(place, branches.map((branch, i) => before[i] || branch.count > 0));
      });
    }
  });
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([file, sum]) => [file, summary(file, sum)]));
}

function summary(file, { lines, branches }) {
  const text = readFileSync(join(top, file), 'utf8').split('\n');
  const all = [...branches.values()].flat();
  const inOrder = [...lines].sort(([a], [b]) => a - b);
  const holes = [];
  let before;
  for (const [number, { name, run }] of inOrder) {
    if (run) before = undefined;
    // Lines that follow each other belong together.
    else if (before === name) holes.at(-1).lines.push(number);
    else holes.push({ name, lines: [number], text: text[number - 1].trim() });
    if (!run) before = name;
  }
  return { row: { lines: lines.size, run: inOrder.filter(([, line]) => line.run).length, branches: all.length, taken: all.filter(Boolean).length }, holes };
}
