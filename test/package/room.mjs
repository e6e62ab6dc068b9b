// A fresh folder with the packed package installed in it, as a user has it.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 60_000;

/** {code, out, err}; what hangs is killed, and its code is a signal then. */
export function execute(file, args, options = {}) {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 26, ...options }, (error, out, err) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, out, err }),
    );
  });
}

async function npm(args, cwd) {
  const { code, out, err } = await execute('npm', [...args, '--ignore-scripts', '--loglevel=error'], { cwd });
  if (code !== 0) throw new Error(`npm ${args[0]}: ${err}`);
  return out;
}

/** The code blocks of a page of docs/ that begin with their file's name, by that name. */
export function examples(page) {
  const text = readFileSync(join(top, page), 'utf8');
  const blocks = text.matchAll(/^```\w+\n(?:\/\/|<!--|#) ([\w.-]+\.\w+)(?: -->)?\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name, body]) => [name, body]));
}

export class Room {
  /** Outside of the project: what it did not install is not found. */
  dir = mkdtempSync(join(tmpdir(), 'wasm-aio-package-'));
  /** What the tarball holds. */
  files = [];
  tarball = '';

  path(...names) {
    return join(this.dir, ...names);
  }

  write(name, content) {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), content);
  }

  /** comlink's own files are packed too, so that nothing need be fetched. */
  async install() {
    const [packed] = JSON.parse(await npm(['pack', '--json', '--pack-destination', this.dir], top));
    const [comlink] = JSON.parse(await npm(['pack', '--json', '--pack-destination', this.dir, './node_modules/comlink'], top));
    this.files = packed.files.map(({ path }) => path);
    this.tarball = this.path(packed.filename);
    this.write('app/package.json', '{ "type": "module", "private": true }\n');
    await npm(['install', '--offline', '--no-audit', '--no-fund', this.path(comlink.filename), this.tarball], this.path('app'));
    this.installed = readdirSync(this.path('app', 'node_modules')).filter((name) => !name.startsWith('.'));
  }

  /** Development tools of the project, where the app finds them. */
  tools(...names) {
    for (const name of names) symlinkSync(join(top, 'node_modules', name), this.path('app', 'node_modules', name));
  }

  copy(name) {
    cpSync(join(top, 'test', 'package', 'app', name), this.path('app', name));
  }

  run(file, args = []) {
    return execute(process.execPath, [this.path('app', file), ...args], { cwd: this.path('app') });
  }

  remove() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
