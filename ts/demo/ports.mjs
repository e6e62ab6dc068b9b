// SPDX-License-Identifier: MIT
// Copies the programs that `make test-ports` has built, with the text of their licences: node ts/demo/ports.mjs FOLDER PROGRAM...
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ports = fileURLToPath(new URL('../../build/ports', import.meta.url));
const [folder, ...programs] = process.argv.slice(2);
const licences = {
  sqlite3: () => readFileSync(join(ports, 'sqlite3/LICENSE.md'), 'utf8'),
  lua: () => /^\* (Copyright [^]*?)\n\*{9}/m.exec(readFileSync(join(ports, 'lua5.4/src/lua.h'), 'utf8'))[1].replace(/^\* ?/gm, ''),
};

mkdirSync(folder, { recursive: true });
for (const program of programs) {
  const name = basename(program);
  // Without the lines of script that run it on this machine: a module begins with the first 0.
  const file = readFileSync(program);
  writeFileSync(join(folder, `${name}.wasm`), file.subarray(file.indexOf(0)));
  writeFileSync(join(folder, `${name}.txt`), licences[name]());
}
