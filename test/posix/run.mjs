// The differential rig: each program of this folder is built natively and by aiocc, both run in an empty
// directory of their own, and the lines that they print are compared (topic.h says what these look like).
// A line that differs is a failure, unless differences.txt lists it. What is listed there is explained in
// docs/wasi.md, and must differ.
//
//   node test/posix/run.mjs [topic...]      V=1 prints all lines; PAGE=1: in a page of Chromium instead of Node
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { skip } from '../skips.mjs';
import { NOT_IN_PAGES, openPage } from './page.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 120_000;
/** Topics that run once more as on a host without procfs, such as macOS. */
const WALKED = ['append', 'open', 'paths', 'tmpfiles'];
/** The most lines of a topic that are printed when they differ. */
const MOST = Number(process.env.MOST ?? 20);

// ---- The lines of a program

/** The lines that a program has printed: values by what comes before ` = `; and how it ended. */
function linesOf(out, end, err) {
  const found = new Map();
  for (const line of out.split('\n')) {
    if (line === '') continue;
    const at = line.indexOf(' = ');
    const [key, value] = at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 3)];
    let unique = key;
    for (let n = 2; found.has(unique); n++) unique = `${key} #${n}`;
    found.set(unique, value);
  }
  found.set('the program ended with', err === '' ? end : `${end}, and on standard error: ${err.trim()}`);
  return found;
}

/** Runs a program in an empty directory, which is its argument. Resolves with its lines. */
function lines(name, file, argsIn, more = {}) {
  const dir = mkdtempSync(join(tmpdir(), `posix-${name}-`));
  chmodSync(dir, 0o755);
  return new Promise((resolve) => {
    const env = { ...process.env, ...more };
    const child = execFile(file, argsIn(dir), { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', encoding: 'latin1', maxBuffer: 2 ** 28 }, (error, out, err) => {
      rmSync(dir, { recursive: true, force: true });
      resolve(linesOf(out, error ? (error.killed ? `did not end within ${TIMEOUT_MS / 1000} s` : String(error.code ?? error.signal)) : '0', err));
    });
    child.stdin.end();
  });
}

const native = (name) => lines(name, join(top, 'build/posix', name), (dir) => [dir]);
const inNode = (name, walked) => lines(name, process.execPath, (dir) =>
  [join(top, 'dist/cli/main.js'), 'run', '--dir', `${dir}::/case`, '--dir', 'mem::/tmp', join(top, 'build/posix', `${name}.wasm`), '/case'], walked ? { AIO_NO_PROCFS: '1' } : {});

async function inPage(page, name) {
  const { out, end, err } = await page.run(name, TIMEOUT_MS);
  return linesOf(out, String(end), err);
}

// ---- Differences on purpose

/**
 * Reads differences.txt: sections that begin with `[title]`, and below it the lines that differ for this reason, as
 * `topic: what = ours`, where * stands for any text. docs/wasi.md explains each title.
 */
function readDifferences() {
  let title = '';
  const listed = [];
  const titles = new Set();
  readFileSync(new URL('differences.txt', import.meta.url), 'utf8').split('\n').forEach((raw, n) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const section = /^\[(.*)\]$/.exec(line);
    if (section) {
      titles.add((title = section[1]));
      return;
    }
    const [, topic, pattern] = /^([\w-]+): (.* = .*)$/.exec(line) ?? [];
    if (pattern === undefined || title === '') throw new Error(`differences.txt:${n + 1}: is neither [title] nor topic: what = ours`);
    const regexp = new RegExp(`^${pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&')).join('.*')}$`);
    listed.push({ topic, pattern, regexp, where: `differences.txt:${n + 1}`, used: 0 });
  });
  return { listed, titles };
}

/** Returns what is wrong between the titles of differences.txt and the rows of the table in docs/wasi.md. */
function checkDocs(titles) {
  const [, section = ''] = /\n## Where Linux differs\n([^]*?)(\n## |$)/.exec(readFileSync(join(top, 'docs/wasi.md'), 'utf8')) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| ')).slice(1).map((line) => line.split(' | ')[0].slice(2));
  return [
    ...[...titles].filter((title) => !rows.includes(title)).map((title) => `docs/wasi.md, "Where Linux differs", has no row for [${title}] of differences.txt`),
    ...rows.filter((row) => !titles.has(row)).map((row) => `docs/wasi.md, "Where Linux differs": no line of differences.txt shows '${row}'`),
  ];
}

// ---- The suite

/**
 * Compares one topic with what run() runs; walked: without procfs. Prints what differs and is not listed; returns how many lines are as they should be, and
 * how many are not.
 */
async function compare(name, run, listed, walked) {
  const [linux, ours] = await Promise.all([native(name), run(name, walked)]);
  const wrong = [];
  let passed = 0;
  const end = linux.get('the program ended with');
  if (end !== '0') wrong.push(`natively, the program ended with ${end}`);
  for (const key of new Set([...linux.keys(), ...ours.keys()])) {
    const [theirs, mine] = [linux.get(key) ?? '(no such line)', ours.get(key) ?? '(no such line)'];
    if (process.env.V) process.stdout.write(`    ${name}: ${key} = ${mine}\n`);
    const entries = listed.filter(({ topic, regexp }) => topic === name && regexp.test(`${key} = ${mine}`));
    if (theirs !== mine) {
      for (const entry of entries) entry.used++;
      if (entries.length === 0) wrong.push(`${key}\n      Linux:  ${theirs}\n      ours:   ${mine}`);
      else passed++;
    } else {
      passed++;
    }
  }
  for (const { topic, pattern, where, used } of listed) {
    if (topic === name && used === 0) wrong.push(`${where}: no line differs as listed: ${pattern}`);
  }
  const title = walked ? `${name} without procfs` : name;
  for (const text of wrong.slice(0, MOST)) process.stdout.write(`  FAILED ${title}: ${text}\n`);
  if (wrong.length > MOST) process.stdout.write(`  FAILED ${title}: and ${wrong.length - MOST} more (MOST=n shows them)\n`);
  return { passed, failed: wrong.length };
}

export async function runPosix(only = []) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const all = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.c')).map((file) => file.slice(0, -2)).sort();
  const { listed, titles } = readDifferences();
  const problems = [
    ...checkDocs(titles),
    ...listed.filter(({ topic }) => !all.includes(topic)).map(({ topic, where }) => `${where}: there is no ${topic}.c`),
  ];
  for (const text of problems) process.stdout.write(`  FAILED ${text}\n`);
  count.failed += problems.length;
  let chosen = only.length > 0 ? all.filter((name) => only.some((word) => name.includes(word))) : all;
  const page = process.env.PAGE ? await openPage() : undefined;
  if (process.env.PAGE) {
    const without = page ? NOT_IN_PAGES : Object.fromEntries(chosen.map((name) => [name, 'chromium is not installed (apt-get install chromium)']));
    for (const name of chosen.filter((name) => name in without)) skip(count, `posix: ${name} in a page`, without[name]);
    chosen = chosen.filter((name) => !(name in without));
  }
  if (!existsSync('/etc/services') && chosen.includes('services')) {
    skip(count, 'posix: services', 'this machine has no /etc/services (Debian: netbase) to compare with');
    chosen = chosen.filter((name) => name !== 'services');
  }
  const run = page ? (name) => inPage(page, name) : inNode;
  const again = page ? [] : chosen.filter((name) => WALKED.includes(name));
  const left = [...chosen.map((name) => [name, false]), ...again.map((name) => [name, true])];
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const [name, walked] = next;
      const built = [name, `${name}.wasm`].every((file) => existsSync(join(top, 'build/posix', file)));
      if (!built) process.stdout.write(`  FAILED ${name}: is not built: make test-posix\n`);
      const { passed, failed } = built ? await compare(name, run, listed, walked) : { passed: 0, failed: 1 };
      count.passed += passed;
      count.failed += failed;
    }
  }));
  await page?.close();
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await runPosix(process.argv.slice(2));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}
