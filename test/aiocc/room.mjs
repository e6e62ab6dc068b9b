// What the tests of aiocc share: a directory for each, in which aiocc and programs run.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 300_000;

/** Runs a program; {code, out, err}. */
export function execute(file, args, cwd = top) {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 64 << 20 }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, err }),
    );
  });
}

/** Thrown by a test that cannot run here. */
export class Skipped extends Error {}

/** A directory of one test: files are written into it, aiocc runs in it. */
export class Room {
  dir;
  constructor(name) {
    // A space in it: users have such paths.
    this.dir = mkdtempSync(join(tmpdir(), `aiocc test ${name} `));
  }
  write(name, text) {
    mkdirSync(dirname(join(this.dir, name)), { recursive: true });
    writeFileSync(join(this.dir, name), text);
  }
  /** Runs aiocc: if it is given a file, with -O1 unless told otherwise, since a link then takes half the time. */
  aiocc(...args) {
    const level = args.some((arg) => !arg.startsWith('-')) ? ['-O1'] : [];
    return execute(join(top, 'wasm', 'aiocc'), [...level, ...args], this.dir);
  }
  /** Builds main.c and runs it. */
  async program(text, { options = [], args = [] } = {}) {
    this.write('main.c', text);
    const built = await this.aiocc('-Wall', '-Werror', ...options, 'main.c', '-o', 'main.wasm');
    assert.equal(built.code, 0, built.err);
    assert.equal(built.err, '');
    return this.run('main.wasm', ...args);
  }
  run(file, ...args) {
    return execute(process.execPath, [join(top, 'dist', 'cli', 'main.js'), 'run', file, ...args], this.dir);
  }
}

/** The path of one of Emscripten's tools, as the build has found it: EM_CLANG. */
export function tool(name) {
  return new RegExp(`^${name} = (.*)$`, 'm').exec(readFileSync(join(top, 'build', 'toolchain.mk'), 'utf8'))[1];
}
