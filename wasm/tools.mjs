// Emscripten's tools: where they are, and how aiocc runs them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, fail } from './command-line.mjs';

export const wasmDir = dirname(fileURLToPath(import.meta.url));
export const top = dirname(wasmDir);
// The npm package contains no sources to build the library from.
const installed = !existsSync(join(top, 'Makefile'));
export const REMEDY = installed ? 'install the package wasm-aio again' : `run \`make wasm\` in ${top} once`;

/** The settings that find-toolchain.sh wrote, by name, or null if there is no such file. */
function readToolchain(file) {
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').split('\n').map((line) => /^(\w+) = (.*)$/.exec(line));
  return Object.fromEntries(lines.filter((match) => match).map(([, name, value]) => [name, value]));
}

/** Finds the toolchain as make does. The result is kept if the package's folder is writable. */
function findToolchain(kept) {
  const emcc = (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'emcc')).find((file) => existsSync(file)) ?? '';
  const key = [top, process.env.EMSDK ?? '', process.env.AIO_TOOLCHAIN ?? '', emcc].join('|');
  const last = readToolchain(kept);
  if (last?.TOOLCHAIN_KEY === key && last.EM_LIBRARIES && existsSync(last.EM_CLANG)) return last;
  const scratch = mkdtempSync(join(tmpdir(), 'aiocc-'));
  try {
    const found = join(scratch, 'toolchain.mk');
    const { status, error } = spawnSync(join(wasmDir, 'toolchain', 'find-toolchain.sh'), [found, key], {
      stdio: ['ignore', 2, 2], env: { ...process.env, FETCH: 'no' },
    });
    if (error) fail(`Emscripten cannot be looked for: ${error.message}`);
    // The script has reported the reason.
    if (status !== 0) throw new Failure('');
    try {
      writeFileSync(kept, readFileSync(found));
    } catch {
      // The folder is not writable: the next call searches again.
    }
    return readToolchain(found);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

let known = null;
export function toolchain() {
  const file = join(top, 'build', 'toolchain.mk');
  known ??= installed ? findToolchain(file) : readToolchain(file);
  return known ?? fail(`Emscripten has not been looked for yet: ${REMEDY}`);
}

/** Runs a tool. readOut(text) is given its standard output, and then read(text) its standard error; both return what the user sees of it. */
export function run(o, tool, args, read = null, readOut = null) {
  if (o.verbose) process.stderr.write(`${[tool, ...args].join(' ')}\n`);
  const { status, signal, error, stdout, stderr } = spawnSync(tool, args, {
    stdio: [o.sources.some(({ file }) => file === '-') ? 'inherit' : 'ignore', readOut ? 'pipe' : 'inherit', read ? 'pipe' : 'inherit'], encoding: 'utf8', maxBuffer: 2 ** 30,
  });
  if (readOut) process.stdout.write(readOut(stdout ?? ''));
  if (read) process.stderr.write(read(stderr ?? ''));
  if (error?.code === 'ENOENT') fail(`${tool} is gone: ${installed ? 'is Emscripten where it was?' : `run \`make wasm\` in ${top} again`}`);
  if (error) fail(`${tool}: ${error.message}`);
  if (signal) fail(`${basename(tool)} was ended by ${signal}`);
  // The tool has reported the reason.
  if (status !== 0) throw new Failure('');
}
