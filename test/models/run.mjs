// Checks the Promela models with spin. The head of a model lists its variants:
//
//    * good:    -DAPART    (every run is right: spin searches all of them)
//    * broken:  -DBROKEN_SKIP_EVENT    (spin must find a run that is wrong)
//
//   node test/models/run.mjs [model...]
//
// Each is one test. V=1 shows those that pass, with their states. To see how a
// broken one goes wrong, in its folder under build/models:
//
//   spin OPTIONS -t -k MODEL.trail -p -g ../../../test/models/MODEL.pml
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from '../skips.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const here = join(top, 'test', 'models');
const TIMEOUT_MS = Number(process.env.TEST_TIMEOUT ?? 120) * 1000;
const AT_ONCE = Math.min(2, availableParallelism());

/** Runs one process; {code, out, late}. */
function execute(argv, cwd) {
  return new Promise((resolve) => {
    let out = '';
    let late = false;
    const child = spawn(argv[0], argv.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, TIMEOUT_MS);
    const done = (code) => {
      clearTimeout(timer);
      if (late) out += `\n[${argv[0]}: no end within ${TIMEOUT_MS / 1000} s]`;
      resolve({ code, out });
    };
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (out += text));
    child.on('error', (error) => {
      out += error.message;
      done(1);
    });
    child.on('close', done);
  });
}

/** The variants that a model's head lists. */
function variantsOf(model) {
  const [head] = /\/\*\n[^]*?\*\//.exec(readFileSync(join(here, `${model}.pml`), 'utf8'));
  const found = [...head.matchAll(/^ \* (good|broken): *([^(\n]*)/gm)];
  return found.map(([, kind, options]) => ({
    model,
    good: kind === 'good',
    options: options.split(/\s+/).filter((word) => word !== ''),
  }));
}

/** A word of what is wrong, or undefined; and what spin said. */
async function check({ model, good, options }) {
  const dir = join(top, 'build', 'models', model + options.join(''));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const cc = process.env.CC || 'cc';
  const steps = [
    ['spin', '-a', ...options, relative(dir, join(here, `${model}.pml`))],
    // No cycles are looked for: what goes wrong is a deadlock or an assertion.
    // A broken one is found so soon that it does not pay to optimize.
    [cc, good ? '-O2' : '-O0', '-w', '-DSAFETY', '-o', 'pan', 'pan.c'],
  ];
  for (const step of steps) {
    const { code, out } = await execute(step, dir);
    if (code !== 0) return { wrong: `${step[0]} failed`, out };
  }
  const { out } = await execute(['./pan', '-m500000', '-w22'], dir);
  const errors = Number(/errors: (\d+)/.exec(out)?.[1] ?? NaN);
  const states = /([\d.e+]+) states, stored/.exec(out)?.[1];
  // What never comes to its end has not been searched to its end either.
  const endless = [...out.matchAll(/^unreached in (?:proctype )?(\w+)\n(?:\t.*\n)*?\t.*"-end-"/gm)].map(([, name]) => name);
  const why = /^pan:1: (.*)/m.exec(out)?.[1];
  let wrong;
  if (Number.isNaN(errors)) wrong = 'no verdict';
  else if (/max search depth too small|out of memory|resource limit/i.test(out)) wrong = 'not searched to the end';
  else if (good && errors > 0) wrong = why ?? 'an error';
  else if (good && /Search not completed/.test(out)) wrong = 'not searched to the end';
  else if (good && endless.length > 0) wrong = `${endless.join(', ')} cannot end`;
  else if (!good && errors === 0) wrong = 'spin did not find what is broken';
  return { wrong, out: wrong ? out : '', note: `${states} states${good ? '' : `, ${why}`}` };
}

/** Every BROKEN_ macro has to be in the head of its model, loop.h's in one. */
function unlisted(models) {
  const listed = (some) => new Set(some.flatMap(variantsOf).flatMap(({ options }) => options));
  return readdirSync(here)
    .filter((file) => /\.(pml|h)$/.test(file))
    .flatMap((file) => {
      const has = listed(file.endsWith('.h') ? models : [basename(file, '.pml')]);
      const used = readFileSync(join(here, file), 'utf8').match(/\bBROKEN_\w+/g) ?? [];
      return [...new Set(used)].filter((macro) => !has.has(`-D${macro}`)).map((macro) => `${file}: ${macro}`);
    });
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runModels(only = []) {
  const models = readdirSync(here)
    .filter((name) => name.endsWith('.pml'))
    .map((name) => basename(name, '.pml'));
  const queue = models.filter((name) => only.length === 0 || only.includes(name)).flatMap(variantsOf);
  const count = { passed: 0, failed: 0, skipped: 0 };
  const report = (what, name, text) =>
    process.stdout.write(`  ${what} models:${name}${text ? `\n${text.trim().replace(/^/gm, '      ')}` : ''}\n`);

  if (spawnSync('spin', ['-V']).error) {
    skip(count, 'models:*', "spin is missing (Debian's package spin)", queue.length);
    return count;
  }
  for (const macro of unlisted(models)) {
    count.failed++;
    report('FAILED', `${macro} is in no variant`);
  }
  const worker = async () => {
    for (let variant = queue.shift(); variant; variant = queue.shift()) {
      const start = performance.now();
      const { wrong, out, note } = await check(variant);
      const name = [variant.model, ...variant.options].join(' ');
      const ms = Math.round(performance.now() - start);
      if (wrong) {
        count.failed++;
        report('FAILED', `${name} (${variant.good ? 'good' : 'broken'}, ${ms} ms): ${wrong}`, out);
      } else {
        count.passed++;
        if (process.env.V) report('passed', `${name} (${ms} ms, ${note})`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed, skipped } = await runModels(process.argv.slice(2));
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
