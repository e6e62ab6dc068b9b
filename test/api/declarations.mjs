// Where each declaration of the seed header is, and which test covers it: read
// from the sources. docs/api.md is made of this.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));
const read = (file) => readFileSync(join(top, file), 'utf8');

const HEADER = 'core-c/include/block/aio.h';
export const OUTPUT = 'docs/api.md';
const SHOWN = 2; // tests for each declaration

/** [{kind, name, signature}] */
export function seed() {
  return read('test/api/seed.txt')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, kind, name, signature] = /^(\w+)\s+(\w+)\s*(.*)$/.exec(line);
      return { kind, name, signature };
    });
}

function filesUnder(dir, ending) {
  if (!existsSync(join(top, dir))) return [];
  return readdirSync(join(top, dir), { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(dir, name))
    .sort();
}

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '));

/** Top-level functions of a C source: name → body; clang-format's layout. */
function functionsOf(text) {
  const found = new Map();
  for (const [, name, body] of text.matchAll(/^(?:\w[\w \t*\n]*?[ *\n])?(\w+)\([^;{}]*\)\n\{\n([\s\S]*?)^\}/gm)) {
    found.set(name, body);
  }
  return found;
}

const isWordIn = (name, text) => new RegExp(`\\b${name}\\b`).test(text);

/** Which file defines it; '' if none does. */
export function definition({ kind, name }) {
  const header = withoutComments(read(HEADER));
  const type = new RegExp(`^(?:typedef (?:[^;{]|\\n)*\\b${name}\\b(?:\\([^;]*\\))?;|struct ${name} \\{|\\} ${name};)`, 'm');
  const forward = new RegExp(`^struct ${name};`, 'm');
  const inline = new RegExp(`^static inline [^;{]*\\b${name}\\(`, 'm');
  const macro = new RegExp(`^#define ${name}\\(`, 'm');
  if (kind === 'struct') return forward.test(header) ? HEADER : '';
  if (kind === 'macro') return macro.test(header) ? HEADER : '';
  if (kind === 'type') {
    if (type.test(header)) return HEADER;
    return filesUnder('core-c/include', '.h').find((file) => type.test(withoutComments(read(file)))) ?? '';
  }
  if (inline.test(header)) return HEADER;
  return filesUnder('core-c', '.c').find((file) => functionsOf(withoutComments(read(file))).has(name)) ?? '';
}

/** [{program, test, direct, all}]: the text of each test, and with what it calls. */
export function tests() {
  const headers = new Map();
  for (const file of filesUnder('test/c', '.h')) {
    for (const [name, body] of functionsOf(withoutComments(read(file)))) headers.set(name, body);
  }
  const found = [];
  for (const file of filesUnder('test/c', '.c')) {
    const text = withoutComments(read(file));
    const functions = new Map([...headers, ...functionsOf(text)]);
    for (const [, test] of text.matchAll(/\bTEST(?:_PANICS)?\((\w+)/g)) {
      const seen = new Set();
      let all = '';
      const visit = (name) => {
        if (seen.has(name)) return;
        seen.add(name);
        const body = functions.get(name) ?? '';
        all += body;
        for (const [word] of body.matchAll(/\b[a-z_]\w*\b/g)) if (functions.has(word)) visit(word);
      };
      visit(test);
      if (functions.has(test)) found.push({ program: file.slice('test/c/'.length, -'.c'.length), test, direct: functions.get(test), all });
    }
  }
  return found;
}

/** The tests that cover a declaration, the most telling first. */
export function coverage({ kind, name }, all) {
  const header = kind === 'type' || kind === 'struct';
  let hits = all.filter(({ direct }) => isWordIn(name, direct));
  if (hits.length === 0) hits = all.filter((test) => isWordIn(name, test.all));
  if (hits.length === 0 && header) hits = typeUsers(name, all);
  const inProgram = (program) => hits.filter((hit) => hit.program === program).length;
  return hits.sort((a, b) => inProgram(b.program) - inProgram(a.program)).slice(0, SHOWN);
}

/** A type is covered where a function that takes or gives it is. */
function typeUsers(name, all) {
  const header = withoutComments(read(HEADER));
  const users = seed().filter(({ signature, kind }) => (kind === 'function' || kind === 'inline') && isWordIn(name, signature));
  const names = users.length > 0 ? users.map((user) => user.name) : [...header.matchAll(new RegExp(`\\b${name}\\b[^;]*?\\b(\\w+);`, 'g'))].map(([, field]) => field);
  return all.filter((test) => names.some((user) => isWordIn(user, test.all)));
}

export function markdown() {
  const all = tests();
  const row = (entry) => {
    const { kind, name } = entry;
    const covered = coverage(entry, all).map(({ program, test }) => `${program}: ${test}`);
    return `| \`${name}\` | ${kind} | ${definition(entry) || 'nowhere'} | ${covered.join('<br>') || 'none'} |`;
  };
  const entries = seed();
  return `<!-- Made by \`node test/api/generate.mjs\`; do not edit. -->
# The declarations of block/aio.h

Each type, function, inline function and macro of the header of July 2021 (${entries.length}), the
file that defines it, and tests of \`test/c\` that cover it.

| declaration | kind | defined in | tests |
|---|---|---|---|
${entries.map(row).join('\n')}
`;
}
