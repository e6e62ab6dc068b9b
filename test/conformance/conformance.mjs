// SPDX-License-Identifier: MIT
/** Runs cases on runtimes: see run.mjs, which takes both from the command line. */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { servePages } from './pages.mjs';
import { runPrimitives } from './primitives.mjs';
import { RESULT } from './result.mjs';
import { start } from './runtimes.mjs';
import { skip } from '../skips.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));
const cli = join(top, 'dist/cli/main.js');
const SKIPPED = 77;
const PANICKED = 134;
/** Runtimes that run at the same time. */
const AT_ONCE = 2;

const isScript = ({ file }) => file.endsWith('.mjs');

/** What the end of a program means for its case. */
function judge({ panics }, code, text) {
  if (code === SKIPPED) return { status: 'skipped', text };
  const right = panics === undefined ? code === 0 : code === PANICKED && text.includes(panics);
  const expected = panics === undefined ? '' : `, and not by the panic '${panics}'`;
  return right ? { status: 'passed', text } : { status: 'failed', text: `${text}\n[ended with ${code}${expected}]` };
}

/** The promise's value; undefined if that takes longer than so many ms. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, ms)));
  const result = await Promise.race([promise, late]);
  clearTimeout(timer);
  return result;
}

/**
 * How long a case may take beyond its patience. Within that it tells by itself where its loops are; if its main thread does nothing
 * any more, it is ended.
 */
const GRACE_MS = 10_000;
/** How often, in a run, a browser may fail to start. */
const MOST_FAILED_STARTS = 3;
const late = (ms) => `[no end within ${(ms + GRACE_MS) / 1000} s]`;

async function runOnProgram(runtime, one, patience, scratch) {
  // On Deno a program has no directories.
  const dirs = runtime.name === 'deno' ? [] : [`--dir=${scratch}::/tmp`];
  const rest = isScript(one) ? ['test/conformance/script.mjs', runtime.name, one.file, String(patience)]
    : [cli, 'run', `--timeout=${patience / 1000}`, ...dirs, one.file, ...one.args];
  const child = start(runtime.command(...rest), { AIO_SCRATCH: scratch });
  const ended = await within(patience + GRACE_MS, child.ended);
  await child.end();
  const text = child.output();
  if (!ended) return { status: 'failed', text: `${text}\n${late(patience)}` };
  const code = ended.code ?? ended.signal;
  if (!isScript(one)) return judge(one, code, text);
  const line = text.split('\n').find((each) => each.startsWith(RESULT));
  return line && code === 0 ? JSON.parse(line.slice(RESULT.length)) : { status: 'failed', text: `${text}\n[ended with ${code}]` };
}

/** Those of a program's tests that do not panic, as one case; they are run one by one only if that does not pass. */
function inGroups(all) {
  const groups = new Map();
  for (const one of all) {
    const key = one.layer === 'C tests' && one.panics === undefined ? `${one.file} ${one.args[0]}` : one;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].map((tests) => (tests.length === 1 ? tests[0] : { ...tests[0], name: tests[0].args[0], args: [tests[0].args[0]], tests }));
}

/** All cases, in as few processes of the browser as they allow. */
async function runOnBrowser(runtime, cases, patience, report) {
  const all = [...cases];
  let at = 0;
  let outcome = () => {};
  let browser;
  let pages = 0;
  let asked = false;
  let failedStarts = 0;
  const server = await servePages({
    next() {
      asked = true;
      const one = all[at];
      return one ? { id: at, runtime: runtime.name, path: `/${relative(top, one.file)}`, args: one.args, patience } : null;
    },
    result: (came) => outcome(came),
    drive: (order) => browser.drive(order),
  });
  for (; at < all.length; at++) {
    const one = all[at];
    const came = new Promise((done) => {
      outcome = (result) => result.id === at && done(result);
    });
    if (!browser) {
      asked = false;
      pages = 0;
      browser = runtime.open(server.url);
    }
    pages++;
    const { ended, output } = browser;
    const closed = ended.then(({ code, signal }) => ({ status: 'failed', code: 1, text: `${output()}\n[the browser ended with ${code ?? signal}]`, closed: true }));
    const result = await within(patience + GRACE_MS, Promise.race([came, closed]));
    if (!result || result.closed || pages === runtime.lasts) {
      await browser.end();
      browser = undefined;
    }
    // It never showed the page: nothing has been tested.
    if (!result && !asked && ++failedStarts <= MOST_FAILED_STARTS) {
      process.stdout.write(`           ${runtime.name} did not show its page, and is started again\n`);
      at--;
      continue;
    }
    const again = !result ? report(one, { status: 'failed', text: late(patience) })
      : report(one, isScript(one) ? result : judge(one, result.code, result.text));
    all.splice(at + 1, 0, ...again);
  }
  await browser?.end();
  server.close();
}

const indented = (text) => (text.trim() ? `${text.trim().replace(/^/gm, '           ')}\n` : '');

/** The first layer; counts it in row, and by area in row.areas. */
async function runFirstLayer(runtime, ids, row) {
  let outcome;
  try {
    outcome = await runPrimitives(runtime, ids);
  } catch (error) {
    outcome = { runtime: { version: '' }, results: ids.map((id) => ({ id, verdict: 'failed', text: error.message })) };
  }
  row.version = outcome.runtime.version;
  for (const { id, verdict, text, why } of outcome.results) {
    const counted = { passed: 'passed', expected: 'expected', failed: 'failed', fixed: 'failed', differs: 'differs' }[verdict];
    if (counted) count(row, id.split('/')[0], counted);
    // A case that needs what the runtime does not have is no test that was skipped.
    if (counted === undefined || (verdict === 'passed' && !process.env.V) || (verdict === 'expected' && !process.env.V)) continue;
    process.stdout.write(`  ${verdict} ${runtime.name}: ${id}\n${indented(verdict === 'fixed' ? 'it passes: take it out of ts/conformance/expected.js' : `${text}${why ? ` (${why})` : ''}`)}`);
  }
}

function count(row, area, status, cases = 1) {
  row[status] += cases;
  const areas = (row.areas[area] ??= { passed: 0, expected: 0, failed: 0, differs: 0 });
  areas[status] = (areas[status] ?? 0) + cases;
}

/** Runs all cases on one runtime; counts them in row. */
async function runOn(runtime, all, ids, patience, scratch, row) {
  /** Returns what has to be run one by one. */
  const report = (one, { status, text }) => {
    const { tests = [one], name, layer } = one;
    if (tests.length > 1 && status !== 'passed') return tests;
    const skipped = status === 'skipped' ? [text.trim()] : tests.length > 1 ? text.split('\n').filter((line) => line.startsWith('skipped: ')) : [];
    for (const why of skipped) skip(row, `${runtime.name}:${name}`, why.replace('skipped: ', ''));
    if (status === 'skipped') return [];
    count(row, layer, status, tests.length - skipped.length);
    if (status !== 'passed' || process.env.V) process.stdout.write(`  ${status} ${runtime.name}: ${name}\n${indented(text)}`);
    return [];
  };
  if (!runtime.path) {
    skip(row, `${runtime.name}:*`, 'it is not installed (make runtimes)', all.length + ids.length);
    return;
  }
  if (ids.length > 0) await runFirstLayer(runtime, ids, row);
  if (all.length === 0) return;
  if (runtime.kind === 'browser') {
    await runOnBrowser(runtime, inGroups(all), patience, report);
  } else {
    const left = inGroups(all);
    for (let one; (one = left.shift());) left.unshift(...report(one, await runOnProgram(runtime, one, patience, scratch)));
  }
}

/**
 * Runs all cases on each of the runtimes, and prints what did not pass and a table. ids: those of the first layer;
 * patience: the ms that a case of the others has. Resolves with the rows of the table: {name, version, passed, expected,
 * failed, differs, skipped, areas}.
 */
export async function runCases(runtimes, all, ids, patience) {
  // What the cases make in the file system.
  const scratch = mkdtempSync(join(tmpdir(), 'wasm-aio-conformance-'));
  const table = runtimes.map(({ name }) => ({ name, version: '', passed: 0, expected: 0, failed: 0, differs: 0, skipped: 0, areas: {} }));
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < runtimes.length; n = next++) await runOn(runtimes[n], all, ids, patience, scratch, table[n]);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, availableParallelism()) }, worker));
  rmSync(scratch, { recursive: true, force: true });
  const columns = ['passed', 'expected', 'failed', 'differs', 'skipped'];
  process.stdout.write(`           ${'runtime'.padEnd(22)}${columns.map((name) => name.padStart(9)).join('')}\n`);
  for (const row of table) {
    process.stdout.write(`           ${`${row.name} ${row.version}`.padEnd(22)}${columns.map((name) => String(row[name]).padStart(9)).join('')}\n`);
  }
  return table;
}
