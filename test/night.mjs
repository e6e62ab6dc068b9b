// SPDX-License-Identifier: MIT
// Runs every long form of the tests once, one after the other, and writes what each did into docs/reliability.md. A form's line there is
// that of its last run; each says which commit it was.
//
//   node test/night.mjs    ONLY=names; HOURS=n shares n hours (8) among those that run for as long as they are told
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const page = new URL('../docs/reliability.md', import.meta.url);
const hours = Number(process.env.HOURS || 8);
const only = (process.env.ONLY ?? '').split(',').map((word) => word.trim()).filter((word) => word !== '');
const { ONLY: _, HOURS: __, ...env } = process.env;

const thousands = (n) => Number(n).toLocaleString('en');
/** What each line that matches says, in one line. */
const each = (out, pattern, say) => [...out.matchAll(pattern)].map(([, ...parts]) => say(...parts)).join(', ');
const sum = (out, pattern) => [...out.matchAll(pattern)].reduce((all, [, n]) => all + Number(n), 0);

/** What `make` is told, and how the amount is known from what it prints. */
const forms = [
  { name: 'every test', make: ['test'] },
  {
    name: 'schedules of the simulator', make: ['sim', `SEEDS=${Math.ceil(hours * 125_000)}`, 'V=1'],
    amount: (out) => `${thousands(/ (\d+) seeds from/.exec(out)?.[1] ?? 0)} seeds of each scenario, ${thousands(sum(out, /seeds from \d+, (\d+) steps$/gm))} steps`,
  },
  { name: 'planted bugs', make: ['test-mutants'] },
  {
    name: 'fuzzing', make: ['fuzz', `SECONDS=${Math.ceil((hours * 3600) / 4 / 6)}`],
    amount: (out) => each(out, /^ +(\S+) (\S+): (\d+) runs/gm, (build, target, runs) => `${target} (${build}) ${thousands(runs)}`),
  },
  {
    name: 'chaos', make: ['chaos', `ROUNDS=${Math.ceil(hours * 250)}`],
    amount: (out) => each(out, /^chaos: (\d+) rounds in (\S+) from seed (\d+): (\d+) failed/gm, (rounds, host, seed, failed) => `${host}: ${thousands(rounds)} rounds from seed ${seed}, ${failed} failed`),
  },
  { name: 'soak', make: ['soak', `MINUTES=${Math.ceil(hours * 5)}`], amount: (out) => each(out, /^soak: (.*)$/gm, (text) => text) },
  { name: 'calls', make: ['soak-calls', `CALLS=${Math.ceil(hours * 1_250_000)}`], amount: `${thousands(Math.ceil(hours * 1_250_000))} calls` },
  { name: 'coverage', make: ['coverage'], amount: (out) => each(out, /^ {2}all +([\d.]+ %) +([\d.]+ %) +of +(\d+) lines$/gm, (run, whole, lines) => `${run} and ${whole} of ${thousands(lines)} lines`) },
  { name: 'each sanitizer with each compiler', make: ['test-compilers', 'CC_ALL=1'] },
  { name: 'all runtimes', make: ['conformance'] },
  { name: 'ports', make: ['test-ports'], amount: (out) => each(out, /^(\d+ of \d+ ports pass)$/gm, (text) => text) },
  { name: 'bugs put back on the page', make: ['test-pages'] },
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
    child.on('close', (code, signal) => resolve({ code: code ?? signal, out }));
  });
}

/** The commit that is tested; the page itself changes while this runs. */
function commit() {
  const git = (...args) => spawnSync('git', args, { cwd: top, encoding: 'utf8' }).stdout?.trim() ?? '';
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/reliability.md', ':!docs/ports.md');
  return `${git('log', '-1', '--format=%h of %as') || 'no commit'}${changed === '' ? '' : ', changed'}`;
}

/** Writes the line of one form; the lines of others stay. */
function write(name, cells) {
  const text = readFileSync(page, 'utf8');
  const [whole, begin, table, end] = /(<!-- night -->\n)([^]*?)(<!-- \/night -->)/.exec(text);
  const lines = new Map(table.split('\n').filter((line) => line.startsWith('| ')).map((line) => [line.split(' | ')[0].slice(2), line]));
  lines.set(name, `| ${[name, ...cells].join(' | ')} |`);
  const rows = forms.filter((form) => lines.has(form.name)).map((form) => lines.get(form.name));
  writeFileSync(page, text.replace(whole, () => `${begin}| what | command | amount | result | time | commit |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n${end}`));
}

const chosen = forms.filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)));
if (chosen.length === 0) {
  process.stderr.write(`night: no form is named ${only.join(' or ')}; there are ${forms.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
let failed = 0;
for (const { name, make, amount = '' } of chosen) {
  process.stdout.write(`  NIGHT    make ${make.join(' ')}\n`);
  const begun = Date.now();
  const tested = commit();
  const { code, out } = await run(make);
  failed += code === 0 ? 0 : 1;
  const sums = [...out.matchAll(/^(\d+ passed, \d+ failed(?:, \d+ skipped)?)$/gm)].map(([text]) => text);
  const result = [...sums, ...(code === 0 ? [] : [`**ended with ${code}**`])].join('; ') || 'passed';
  const minutes = Math.round((Date.now() - begun) / 60_000);
  write(name, [`\`make ${make.join(' ')}\``, typeof amount === 'function' ? amount(out) : amount, result, `${minutes} min`, tested]);
}
process.stdout.write(`${chosen.length} forms, ${failed} failed; written to docs/reliability.md\n`);
process.exitCode = failed > 0 ? 1 : 0;
