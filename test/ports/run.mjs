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
  native: { CC: 'cc', CXX: 'c++', AR: 'ar', RANLIB: 'ranlib' },
  wasm: { CC: tool('aiocc'), CXX: tool('aiocc++'), AR: tool('aioar'), RANLIB: tool('aioranlib'), AIOCC_LAUNCHER: '1' },
};

/** Runs a command of the shell; its outputs together go to the log, its standard output is the result's `out`. */
function shell(command, { cwd, kind, log, minutes = 20 }) {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
    cwd, env: { ...env, LC_ALL: 'C', P: cwd, ...ENVIRONMENTS[kind] }, maxBuffer: 2 ** 30, timeout: minutes * MINUTES, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'],
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

/** What became of one port: {build, tests, bytes}, each a cell of the table, and whether it passes. */
function tryPort(name, input) {
  const { build, check, count, known = {}, use } = PORTS[name];
  const folders = {};
  for (const kind of ['native', 'wasm']) {
    const cwd = join(work, kind, name);
    rmSync(cwd, { recursive: true, force: true });
    // The times of files decide what make builds.
    cpSync(join(work, name), cwd, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    writeFileSync(join(cwd, 'input'), input);
    const log = join(work, `${name}.${kind}.log`);
    rmSync(log, { force: true });
    folders[kind] = { cwd, kind, log };
    const failed = build.find((command) => !shell(command, folders[kind]).ok);
    if (failed) return { passes: false, build: kind === 'wasm' ? 'fails' : 'fails natively', tests: '', bytes: '' };
  }
  let tests = 'none of its own';
  let passes = true;
  if (check) {
    const { text, ok } = shell(check, folders.wasm);
    const { passed, failed } = count(text);
    const stray = failed.filter((test) => !known[test]);
    passes = passed > 0 && stray.length === 0 && (ok || failed.length > 0);
    const reasons = failed.map((test) => (known[test] ? `${test}: ${known[test]}` : `**${test}**`));
    tests = `${passed} passed${failed.length > 0 ? `, ${failed.length} failed (${reasons.join('; ')})` : ''}`;
  }
  const differing = use.filter((command) => {
    const [native, wasm] = ['native', 'wasm'].map((kind) => shell(command, folders[kind]));
    const sum = ({ out }) => createHash('sha256').update(out).digest('hex');
    return !native.ok || !wasm.ok || native.out.length === 0 || sum(native) !== sum(wasm);
  });
  passes &&= differing.length === 0;
  return { passes, build: 'builds', tests, bytes: differing.length === 0 ? 'the same' : `**differ in ${differing.length} of ${use.length}**` };
}

/** The lines of the table by the port's name, as the last run wrote them. */
function readTable() {
  if (!existsSync(table)) return new Map();
  return new Map(readFileSync(table, 'utf8').split('\n').filter((line) => /^\| \w/.test(line) && !line.startsWith('| port')).map((line) => [line.split(' ')[1], line]));
}

function writeTable(lines) {
  const rows = Object.keys(PORTS).map((name) => lines.get(name)).filter((line) => line);
  writeFileSync(table, `# Ports

C programs that \`make test-ports\` builds with \`aiocc\` by their own build systems, unchanged (\`AIOCC_LAUNCHER=1\`; the upstream sources, as
Debian has them). Their own tests run on the build for WebAssembly, and what they make of 1 MiB of C sources is compared, byte by byte, with a native
build. This page is written by that run.

| port | version | build | its own tests | output |
|---|---|---|---|---|
${rows.join('\n')}
`);
}

mkdirSync(work, { recursive: true });
const fetched = spawnSync(join(top, 'test', 'ports', 'fetch.sh'), [work, ...chosen.map((name) => `${name}/${PORTS[name].suites}`)], { stdio: 'inherit' });
if (fetched.status !== 0) process.exit(1);
const input = realInput();
const lines = new Map();
let failed = 0;
for (const name of chosen) {
  const { passes, build, tests, bytes } = tryPort(name, input);
  const archive = readdirSync(join(work, 'apt', name)).find((file) => file.includes('.orig.tar')) ?? '';
  const version = /_(.*)\.orig/.exec(archive)?.[1] ?? '';
  failed += passes ? 0 : 1;
  lines.set(name, `| ${name} | ${version} | ${build} | ${tests} | ${bytes} |`);
  process.stdout.write(`  ${passes ? 'passes  ' : 'FAILS   '} ${name} ${version}: ${build}; tests: ${tests}; output: ${bytes}${passes ? '' : ` (see build/ports/${name}.*.log)`}\n`);
  writeTable(new Map([...readTable(), ...lines]));
}
process.stdout.write(`${chosen.length - failed} of ${chosen.length} ports pass\n`);
process.exitCode = failed > 0 ? 1 : 0;
