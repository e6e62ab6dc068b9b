// make test-ports: builds well-known C programs by their own build systems, unchanged, natively and with aiocc; runs their own
// tests on the wasm build, and compares what both do with 1 MiB of real input. Writes the table docs/ports.md.
//
//   ONLY='lua5.4 gzip'      these alone; the table keeps its other lines
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PORTS } from './list.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const work = join(top, 'build', 'ports');
const table = join(top, 'docs', 'ports.md');
const MINUTES = 60_000;

const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const chosen = Object.keys(PORTS).filter((name) => only.length === 0 || only.includes(name));
const unknown = only.find((name) => !Object.hasOwn(PORTS, name));
if (unknown) {
  process.stderr.write(`test-ports: no port ${unknown}; there are ${Object.keys(PORTS).join(', ')}\n`);
  process.exit(2);
}

const tool = (name) => join(top, 'wasm', name);
const ENVIRONMENTS = {
  native: { CC: 'cc', CXX: 'c++', AR: 'ar', RANLIB: 'ranlib', RUN: '' },
  wasm: {
    CC: tool('aiocc'), CXX: tool('aiocc++'), AR: tool('aioar'), RANLIB: tool('aioranlib'), AIOCC_LAUNCHER: '1',
    CONFIG_SITE: tool('config.site'), CMAKE_TOOLCHAIN_FILE: tool('cmake/wasm-aio.cmake'),
    RUN: `node ${join(top, 'dist/cli/main.js')} run --native --`,
  },
};

/** Runs a command of the shell; its outputs together go to the log, its standard output is the result's `out`. */
function shell(command, { name, cwd, kind, log }) {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd, maxBuffer: 2 ** 30, timeout: (PORTS[name].minutes ?? 20) * MINUTES, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...env, LC_ALL: 'C', TOP: top, P: cwd, NATIVE: join(work, 'native', name),
      ...ENVIRONMENTS[kind], ...(kind === 'wasm' ? PORTS[name].env : {}),
    },
  });
  writeFileSync(log, `$ ${command}\n${stdout}${stderr}(exit code ${status})\n`, { flag: 'a' });
  return { ok: status === 0, out: stdout, text: `${stdout}${stderr}` };
}

/** 1 MiB of this project's C sources. */
function realInput() {
  const files = ['core-c', 'wasm', 'test/c'].flatMap((folder) =>
    readdirSync(join(top, folder), { recursive: true }).filter((name) => /\.[ch]$/.test(name)).sort().map((name) => join(top, folder, name)));
  let text = Buffer.concat(files.map((file) => readFileSync(file)));
  while (text.length < 2 ** 20) text = Buffer.concat([text, text]);
  return text.subarray(0, 2 ** 20);
}

/** Names by the reason that each has: `- reason (number): names`, a line for each. */
function byReason(pairs) {
  const groups = new Map();
  for (const [name, reason] of pairs) groups.set(reason, [...(groups.get(reason) ?? []), name]);
  return [...groups].map(([reason, names]) => `- ${reason} (${names.length}): ${names.join(', ')}`).join('\n');
}

/** Runs a port's own tests. Returns the cell of the table, whether they pass, and what the page says of those that do not. */
function ownTests({ check, count, known = [] }, folder) {
  if (!check) return { cell: 'none of its own', passes: true, notes: '' };
  const { text, ok } = shell(check, folder);
  const { passed, failed, skipped = [] } = count(text);
  const reasons = failed.map((test) => [test, known.find(([pattern]) => pattern.test(test))?.[1] ?? '**not known why**']);
  const notes = [
    ...(failed.length > 0 ? [`Failed:\n\n${byReason(reasons)}`] : []),
    ...(skipped.length > 0 ? [`Skipped, with the reason that the tests give:\n\n${byReason(skipped)}`] : []),
  ];
  const cell = [`${passed} passed`, ...(failed.length > 0 ? [`${failed.length} failed`] : []), ...(skipped.length > 0 ? [`${skipped.length} skipped`] : [])].join(', ');
  return { cell, passes: passed > 0 && reasons.every(([, reason]) => !reason.startsWith('**')) && (ok || failed.length > 0), notes: notes.join('\n\n') };
}

/** What became of one port: {build, tests, bytes}, each a cell of the table; what the page says below it; and whether it passes. */
function tryPort(name, input) {
  const { build, use, suites, from = name } = PORTS[name];
  const folders = {};
  for (const kind of ['native', 'wasm']) {
    const cwd = join(work, kind, name);
    rmSync(cwd, { recursive: true, force: true });
    // The times of files decide what make builds.
    mkdirSync(cwd, { recursive: true });
    if (suites) cpSync(join(work, from), cwd, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    writeFileSync(join(cwd, 'input'), input);
    const log = join(work, `${name}.${kind}.log`);
    rmSync(log, { force: true });
    folders[kind] = { name, cwd, kind, log };
    const failed = build.find((command) => !shell(command, folders[kind]).ok);
    if (failed) return { passes: false, build: kind === 'wasm' ? 'fails' : 'fails natively', tests: '', bytes: '', notes: '' };
  }
  const tests = ownTests(PORTS[name], folders.wasm);
  const differing = use.filter((command) => {
    const [native, wasm] = ['native', 'wasm'].map((kind) => shell(command, folders[kind]));
    const sum = ({ out }) => createHash('sha256').update(out).digest('hex');
    return !native.ok || !wasm.ok || native.out.length === 0 || sum(native) !== sum(wasm);
  });
  const bytes = use.length === 0 ? '–' : differing.length === 0 ? 'the same' : `**differ in ${differing.length} of ${use.length}**`;
  return { passes: tests.passes && differing.length === 0, build: 'builds', tests: tests.cell, bytes, notes: tests.notes };
}

/** What the last run wrote about each port: its line of the table, and its section. */
function readPage() {
  const page = existsSync(table) ? readFileSync(table, 'utf8') : '';
  const sections = new Map([...page.matchAll(/^## (\S+)\n\n([^]*?)\n*(?=\n## |$(?![^]))/gm)].map(([, name, notes]) => [name, notes]));
  const lines = page.split('\n').filter((line) => /^\| \w/.test(line) && !line.startsWith('| port'));
  return new Map(lines.map((line) => [line.split(' ')[1], { line, notes: sections.get(line.split(' ')[1]) ?? '' }]));
}

function writePage(ports) {
  const written = Object.keys(PORTS).filter((name) => ports.has(name)).map((name) => ({ name, ...ports.get(name) }));
  writeFileSync(table, `# Ports

C programs that \`make test-ports\` builds with \`aiocc\` by their own build systems, unchanged (\`AIOCC_LAUNCHER=1\`; the upstream sources, as
Debian has them). Their own tests run on the build for WebAssembly, and what they make of 1 MiB of C sources is compared, byte by byte, with a native
build. This page is written by that run.

| port | version | build | its own tests | output |
|---|---|---|---|---|
${written.map(({ line }) => line).join('\n')}
${written.filter(({ notes }) => notes !== '').map(({ name, notes }) => `\n## ${name}\n\n${notes}\n`).join('')}`);
}

mkdirSync(work, { recursive: true });
const packages = chosen.filter((name) => PORTS[name].suites);
if (packages.length > 0) {
  const fetched = spawnSync(join(top, 'test', 'ports', 'fetch.sh'), [work, ...packages.map((name) => `${PORTS[name].from ?? name}/${PORTS[name].suites}`)], { stdio: 'inherit' });
  if (fetched.status !== 0) process.exit(1);
}
const input = realInput();
const ports = new Map();
let failed = 0;
for (const name of chosen) {
  const { passes, build, tests, bytes, notes } = tryPort(name, input);
  const archive = PORTS[name].suites ? readdirSync(join(work, 'apt', PORTS[name].from ?? name)).find((file) => file.includes('.orig.tar')) : 'ours_–.orig';
  const version = /_(.*)\.orig/.exec(archive)?.[1] ?? '';
  failed += passes ? 0 : 1;
  ports.set(name, { line: `| ${name} | ${version} | ${build} | ${tests} | ${bytes} |`, notes });
  process.stdout.write(`  ${passes ? 'passes  ' : 'FAILS   '} ${name} ${version}: ${build}; tests: ${tests}; output: ${bytes}${passes ? '' : ` (see build/ports/${name}.*.log)`}\n${notes === '' ? '' : `${notes.replace(/^/gm, '    ')}\n`}`);
  writePage(new Map([...readPage(), ...ports]));
}
process.stdout.write(`${chosen.length - failed} of ${chosen.length} ports pass\n`);
process.exitCode = failed > 0 ? 1 : 0;
