// What the documentation names is there: links, C names, TypeScript names.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { top } from './room.mjs';

const read = (path) => readFileSync(join(top, path), 'utf8');
/** All pages: those of docs/ (but for what makes the site, with its packages) and those of the project's folder. */
const pages = () => [top, ...['', 'guides', 'decisions'].map((dir) => join(top, 'docs', dir))]
  .flatMap((dir) => readdirSync(dir).filter((name) => name.endsWith('.md')).map((name) => relative(top, join(dir, name))));

/** Links to headings, as code hosts make them of the text. */
const anchors = (text) =>
  [...text.replace(/^```.*?^```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'));

/** The links of a page to other places of the project, images too: [{target, file, anchor}]. */
export function linksOf(page, root = top) {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```.*?^```$/gms, '');
  const targets = [...text.matchAll(/\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]:\s*(\S+)|<(?:a|img)\s[^>]*?(?:href|src)="([^"]+)"/gm)].map((match) => match[1] ?? match[2] ?? match[3]);
  return targets.filter((target) => !/^\w+:/.test(target)).map((target) => {
    const [path, anchor] = target.split('#');
    return { target, file: path === '' ? page : join(dirname(page), path), anchor };
  });
}

/** The members of everything that an entry exports, as `Class.member` and `Class`. */
async function publicNames() {
  const { default: ts } = await import('typescript');
  const entry = join(top, 'dist', 'types', 'index.d.ts');
  const program = ts.createProgram([entry], { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022, skipLibCheck: true, types: [] });
  const checker = program.getTypeChecker();
  const names = new Set();
  for (const found of checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)))) {
    const symbol = found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
    names.add(found.name);
    const types = [checker.getDeclaredTypeOfSymbol(symbol), ...(symbol.valueDeclaration ? [checker.getTypeOfSymbol(symbol)] : [])];
    for (const type of types) for (const member of type.getProperties()) names.add(`${found.name}.${member.name}`);
  }
  return names;
}

const words = (cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

export const docTests = {
  async 'every link of the documentation leads somewhere'() {
    const broken = [];
    for (const page of pages()) {
      for (const { target, file, anchor } of linksOf(page)) {
        if (!existsSync(join(top, file)) || (anchor !== undefined && !anchors(read(file)).includes(anchor))) broken.push(`${page}: ${target}`);
      }
    }
    assert.deepEqual(broken, []);
  },

  async 'every way to set the headers sets both, to the right values'() {
    const [, servers] = /^### Servers\n(.*?)^## /ms.exec(read('docs/isolation.md'));
    const ways = [...servers.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, text]) => text);
    assert.ok(ways.length >= 6);
    for (const way of ways) {
      assert.match(way, /Cross-Origin-Opener-Policy\W+(value\W+)?same-origin\b(?!-)/);
      assert.match(way, /Cross-Origin-Embedder-Policy\W+(value\W+)?require-corp\b/);
      if (way.startsWith('{')) JSON.parse(way);
    }
  },

  async 'the names of docs/names.md are in the headers and in the entry'() {
    const rows = [...read('docs/names.md').matchAll(/^\| (.*`.*) \|$/gm)].map(([, cells]) => cells.split(' | '));
    assert.ok(rows.length > 20);
    const entry = await publicNames();
    const missing = [];
    for (const cells of rows) {
      const [names, headers] = cells;
      const typeScript = cells.at(-1);
      if (cells.length === 3) {
        const text = words(headers).map((header) => read(join('core-c', 'include', header))).join('\n');
        for (const name of words(names)) if (!new RegExp(`\\b${name}\\b`).test(text)) missing.push(name);
      }
      for (const name of words(typeScript)) if (/^[A-Z]\w*[a-z]\w*(\.\w+)?$/.test(name) && !entry.has(name)) missing.push(name);
    }
    assert.deepEqual(missing, []);
  },

  async 'the errors and options that pages name are the entry\'s'() {
    const codes = new Set(read('ts/src/error-codes.ts').match(/ERR_AIO_\w+/g));
    const entry = await publicNames();
    const options = new Set([...entry].map((name) => name.split('.')[1]));
    const missing = [];
    for (const page of ['docs/troubleshooting.md', 'docs/bundlers.md', 'docs/isolation.md', 'docs/names.md']) {
      for (const code of read(page).match(/ERR_AIO_[A-Z_]+/g) ?? []) if (!codes.has(code)) missing.push(`${page}: ${code}`);
      // camelCase by itself is an option or a counter of ours.
      for (const name of words(read(page))) if (/^[a-z]+([A-Z][a-z]+)+$/.test(name) && !options.has(name) && !KNOWN.has(name)) missing.push(`${page}: ${name}`);
    }
    assert.deepEqual(missing, []);
  },
};

/** Names of other people's. */
const KNOWN = new Set(['crossOriginIsolated']);
