// Writes dist/.npmignore: what lies in dist/ and is no part of the npm package, because no entry
// of package.json leads there. Modules that workers have in their bundles are such files, and the demo.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The strings in an object, however deep. */
const strings = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(strings));

/** The files that a module or a declaration file names: imports, and new URL('…', import.meta.url). And the scripts of a page. */
function* namedBy(file) {
  if (!/\.(js|ts|html)$/.test(file)) return;
  const text = readFileSync(file, 'utf8');
  if (file.endsWith('.html')) {
    for (const [, name] of text.matchAll(/<script [^>]*\bsrc="([^"]+)"/g)) yield join(dirname(file), name);
    return;
  }
  const names = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName).filter((name) => name.startsWith('.'));
  for (const [, name] of text.matchAll(/\bnew URL\(\s*['"]([^'"]+)['"],\s*import\.meta/g)) names.push(name);
  for (const name of names) {
    const path = join(dirname(file), name);
    yield file.endsWith('.d.ts') ? path.replace(/\.js$/, '.d.ts') : path;
  }
}

/** What the entries of the package in a folder lead to, as absolute paths. */
export function reached(top) {
  const { exports, bin } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
  const found = new Set(strings([exports, bin]).map((name) => join(top, name)));
  for (const file of found) if (existsSync(file)) for (const name of namedBy(file)) found.add(name);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const top = fileURLToPath(new URL('..', import.meta.url));
  const dist = join(top, 'dist');
  const found = reached(top);
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
  writeFileSync(join(dist, '.npmignore'), files.filter((file) => !found.has(file)).map((file) => `/${relative(dist, file)}\n`).sort().join(''));
}
