// SPDX-License-Identifier: MIT
/** Writes what a run has counted into the tables of docs/portability.md and README.md, between their two comments. */
import { readFileSync, writeFileSync } from 'node:fs';
import { areas } from '../../ts/conformance/suite.js';

/** The layers over the first one, by the names that cases have for them. */
const LAYERS = { wasi: 'WASI', loop: 'the loop', 'C tests': 'its C tests', life: 'page life' };
const NAMES = { deno: 'Deno', bun: 'Bun', chromium: 'Chromium', firefox: 'Firefox', webkit: 'WebKitGTK' };

const title = ({ name, version }) => `${NAMES[name] ?? 'Node'} ${name === 'webkit' ? '' : version.replace(/(\.0)+$/, '')}`.trim();

/** 14, or 12 and 2 known; what failed in other ways is bold. */
function cell(counts) {
  const { passed = 0, expected = 0, failed = 0, differs = 0 } = counts ?? {};
  if (passed + expected + failed + differs === 0) return '–';
  return [`${passed}`, expected > 0 && `${expected} known`, failed + differs > 0 && `**${failed + differs} failed**`].filter((part) => part).join(', ');
}

const table = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');

function sum(row, names) {
  const total = { passed: 0, expected: 0, failed: 0, differs: 0 };
  for (const name of names) for (const status of Object.keys(total)) total[status] += row.areas[name]?.[status] ?? 0;
  return total;
}

function put(file, text) {
  const url = new URL(`../../${file}`, import.meta.url);
  const old = readFileSync(url, 'utf8');
  const pattern = /(<!-- made by `make conformance MATRIX=1` -->\n)[^]*?(?=<!-- end -->)/;
  if (!pattern.test(old)) throw new Error(`${file} has no place for the table`);
  writeFileSync(url, old.replace(pattern, (_, begin) => `${begin}\n${text}\n`));
}

export function writeMatrix(rows) {
  const all = rows.filter(({ version }) => version !== '');
  const names = areas.map(({ area }) => area);
  put('docs/portability.md', table(['', ...all.map(title)], [
    ...areas.map(({ area, title: what }) => [`${what} (\`${area}\`)`, ...all.map((row) => cell(row.areas[area]))]),
    ...Object.entries(LAYERS).map(([layer, what]) => [what, ...all.map((row) => cell(row.areas[layer]))]),
  ]));
  put('README.md', table(['', 'primitives', ...Object.values(LAYERS)], all.map((row) =>
    [title(row), cell(sum(row, names)), ...Object.keys(LAYERS).map((layer) => cell(row.areas[layer]))])));
}
