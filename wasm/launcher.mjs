// Makes a module a program that runs itself: lines of shell script, and then the module. Everything
// that reads modules skips to their first byte, 0.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from './command-line.mjs';
import { REMEDY, top } from './tools.mjs';

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Rewrites FILE, a module, as a program. It runs on this machine only, because it names this Node and this package. */
export function addLauncher(file) {
  const cli = join(top, 'dist', 'cli', 'main.js');
  if (!existsSync(cli)) fail(`--launcher: ${cli} has not been built yet: ${REMEDY.replace('make wasm', 'make build')}`);
  const script = `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(cli)} run --native -- "$0" "$@"\n`;
  writeFileSync(file, Buffer.concat([Buffer.from(script), readFileSync(file)]));
  chmodSync(file, 0o777 & ~process.umask());
}
