// SPDX-License-Identifier: MIT
// What V8 knows of the TypeScript sources: NODE_V8_COVERAGE makes each process and each worker write what it has run of dist/. jest's
// own report sees neither workers nor processes that tests start. A file of dist/ may contain a source that another one
// contains, too (the workers and the program are bundles); what one of them has run was run.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { top } from '../execute.mjs';

const COPY = join(top, 'build', 'coverage', 'dist');
/** Words by which alone it is not known what was run: a bundle says them in another way. */
const SILENT = /\b(?:const|let|undefined|true|false|\d+n?)\b|[^\w$]/g;
/** Where the words of a line are that say what was run. */
const wordsOf = (line) => line.replace(SILENT, (text) => ' '.repeat(text.length));

/** Marks of a character: it is code, and it was run. */
const CODE = 1;
const RUN = 2;

/** The source map of a file of dist/, from the copy that was made with maps, which must be the same otherwise. */
function mapOf(file, text) {
  const copy = join(COPY, relative(join(top, 'dist'), file));
  if (!existsSync(`${copy}.map`)) return undefined;
  const same = (one) => one.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '').trimEnd();
  if (same(readFileSync(copy, 'utf8')) !== same(text)) throw new Error(`${relative(top, file)} is not what its sources give: make ts`);
  return new SourceMap(JSON.parse(readFileSync(`${copy}.map`, 'utf8')));
}

/** What was run of one file of dist/: 1 for each character, over all processes. */
class Script {
  constructor(file) {
    this.file = file;
    this.text = readFileSync(file, 'utf8');
    this.run = new Uint8Array(this.text.length);
    this.names = new Map();
  }

  add(functions) {
    const now = new Uint8Array(this.text.length);
    const ranges = functions.flatMap(({ functionName: name, ranges: all }) => all.map((range, n) => ({ ...range, name: n === 0 ? name : '' })));
    // A range within another one says more.
    ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
    for (const { startOffset, endOffset, count, name } of ranges) {
      now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      if (name) this.names.set(`${startOffset} ${endOffset}`, { startOffset, endOffset, name });
    }
    for (let i = 0; i < now.length; i++) this.run[i] |= now[i];
  }

  /** The name of the innermost function around each character. */
  nameOf() {
    const of = new Array(this.text.length).fill('');
    const inOrder = [...this.names.values()].sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
    for (const { startOffset, endOffset, name } of inOrder) of.fill(name, startOffset, endOffset);
    return of;
  }
}

class Source {
  constructor(file) {
    this.lines = readFileSync(file, 'utf8').split('\n');
    this.marks = this.lines.map((line) => new Uint8Array(line.length));
    this.names = this.lines.map(() => []);
  }
}

/** Marks what a script has run in its sources: each of its characters, as long as it is the same as that of the source. */
function markSources(script, sources) {
  const map = mapOf(script.file, script.text);
  if (!map) return;
  const names = script.nameOf();
  let offset = 0;
  script.text.split('\n').forEach((line, number) => {
    let at;
    let start = 0;
    for (let column = 0; column < line.length; column++) {
      const entry = map.findEntry(number, column);
      if (entry.originalSource === undefined || entry.generatedLine !== number) continue;
      if (entry !== at) [at, start] = [entry, column];
      const file = resolve(dirname(join(COPY, relative(join(top, 'dist'), script.file))), entry.originalSource.replace(/^file:\/\//, ''));
      if (!sources.has(file)) sources.set(file, existsSync(file) ? new Source(file) : undefined);
      const source = sources.get(file);
      const place = entry.originalColumn + column - start;
      const { originalLine } = entry;
      if (source?.lines[originalLine]?.[place] !== line[column]) continue;
      source.marks[originalLine][place] |= script.run[offset + column] ? CODE | RUN : CODE;
      source.names[originalLine][place] ||= names[offset + column];
    }
    offset += line.length + 1;
  });
}

/** Makes dist/ again with source maps, by the commands of the Makefile. */
export function makeMaps() {
  rmSync(COPY, { recursive: true, force: true });
  const { status, stderr } = spawnSync('make', ['build/coverage/dist/.stamp'], { cwd: top, encoding: 'utf8', stdio: ['ignore', 'inherit', 'pipe'] });
  if (status !== 0) throw new Error(`the source maps could not be made: ${stderr}`);
}

/**
 * @param {string} folder what NODE_V8_COVERAGE was
 * @returns {Map<string, {row: object, holes: object[]}>} by file: see report.mjs
 */
export function readRuns(folder) {
  const scripts = new Map();
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    // One that was killed while it wrote; its text has no end.
    if (!text.trimEnd().endsWith('}')) continue;
    for (const { url, functions } of JSON.parse(text).result) {
      // Modules of jest have paths.
      const file = url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*/, '')) : url;
      if (!file.startsWith(join(top, 'dist/')) || !existsSync(file)) continue;
      if (!scripts.has(file)) scripts.set(file, new Script(file));
      scripts.get(file).add(functions);
    }
  }
  const sources = new Map();
  for (const script of scripts.values()) markSources(script, sources);
  return new Map([...sources].filter(([file, source]) => source && file.startsWith(join(top, 'ts/'))).sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, source]) => [relative(top, file), summary(source)]));
}

function summary({ lines, marks, names }) {
  const row = { lines: 0, run: 0, whole: 0 };
  const holes = [];
  let open = false;
  lines.forEach((line, number) => {
    const words = wordsOf(line);
    const code = [...marks[number]].map((mark, place) => ({ mark, place })).filter(({ mark, place }) => mark && words[place] !== ' ');
    if (code.length === 0) return;
    row.lines++;
    if (code.some(({ mark }) => mark & RUN)) row.run++;
    if (code.every(({ mark }) => mark & RUN)) row.whole++;
    for (let n = 0; n < code.length; n++) {
      if (code[n].mark & RUN) {
        open = false;
        continue;
      }
      if (open) {
        if (holes.at(-1).lines.at(-1) !== number + 1) holes.at(-1).lines.push(number + 1);
        continue;
      }
      open = true;
      const end = code.slice(n).find(({ mark }) => mark & RUN)?.place ?? line.length;
      holes.push({ name: names[number][code[n].place] || 'module', lines: [number + 1], text: line.slice(code[n].place, end).trim() });
    }
  });
  return { row, holes };
}
