// SPDX-License-Identifier: MIT
// Runs every long form of the tests once, one after the other, and writes what each did into docs/reliability.md.
//
//   node test/night.mjs    ONLY=names; HOURS=n shares n hours (8) among those that run for as long as they are told
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const page = new URL('../docs/reliability.md', import.meta.url);
const hours = Number(process.env.HOURS || 8);
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const { ONLY: _, HOURS: __, ...env } = process.env;

/** What `make` is told, and by which words of the output the amount is known. */
const forms = [
  { name: 'every test', make: ['test'] },
  { name: 'schedules of the simulator', make: ['sim', 'SEEDS=100000'], amount: '100,000 seeds a scenario' },
  { name: 'planted bugs', make: ['test-mutants'] },
  { name: 'fuzzing', make: ['fuzz', `SECONDS=${Math.round((hours * 3600) / 4 / 6)}`], amount: (out) => [...out.matchAll(/^ +\S+ (\S+): (\d+) runs/gm)].map(([, target, runs]) => `${target} ${Number(runs).toLocaleString('en')}`).join(', ') },
  { name: 'chaos', make: ['chaos', `ROUNDS=${Math.round(hours * 250)}`], amount: `${Math.round(hours * 250)} rounds` },
  { name: 'soak', make: ['soak', `MINUTES=${Math.round(hours * 5)}`], amount: `${Math.round(hours * 5)} minutes` },
  { name: 'each sanitizer with each compiler', make: ['test-compilers', 'CC_ALL=1'] },
  { name: 'all runtimes', make: ['conformance'] },
  { name: 'ports', make: ['test-ports'] },
  { name: 'toolchains', make: ['test-toolchain'] },
];

function run(args) {
  return new Promise((resolve, reject) => {
    let out = '';
    const child = spawn('make', args, { cwd: top, stdio: ['ignore', 'pipe', 'inherit'], env });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      process.stdout.write(text);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out }));
  });
}

const rows = [];
let failed = 0;
for (const { name, make, amount = '' } of forms) {
  if (only.length > 0 && !only.some((word) => name.includes(word))) continue;
  process.stdout.write(`  NIGHT    make ${make.join(' ')}\n`);
  const begun = Date.now();
  const { code, out } = await run(make);
  const sums = [...out.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)].at(-1);
  failed += Number(sums?.[2] ?? (code === 0 ? 0 : 1));
  rows.push([name, `\`make ${make.join(' ')}\``, typeof amount === 'function' ? amount(out) : amount, sums?.[0] ?? (code === 0 ? 'passed' : `ended with ${code}`), `${Math.round((Date.now() - begun) / 60000)} min`]);
}
const commit = await new Promise((resolve) => {
  let text = '';
  const child = spawn('git', ['log', '-1', '--format=%h of %as'], { cwd: top, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.on('data', (bytes) => (text += bytes));
  child.on('close', () => resolve(text.trim() || 'no commit'));
});
const table = [['what', 'command', 'amount', 'result', 'time'], ['---', '---', '---', '---', '---'], ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const text = readFileSync(page, 'utf8');
writeFileSync(page, text.replace(/(<!-- night -->\n)[^]*?(<!-- \/night -->)/, `$1Commit ${commit}:\n\n${table}\n$2`));
process.stdout.write(`${rows.length} forms, ${failed} failed; written to docs/reliability.md\n`);
process.exitCode = failed > 0 ? 1 : 0;
