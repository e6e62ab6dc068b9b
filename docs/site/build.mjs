// Makes the site: `make docs`. Pages are docs/ and the other Markdown files of the project as they
// are, the TypeScript reference from the doc comments, and the C reference from the public headers.
//
//   build/site/pages   what VitePress reads      build/site/html   the site
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vitepress';
import { PLACE, standAnywhere } from './anywhere.mjs';
import { headerPages } from './c-reference.mjs';
import { checkLinks, checkQuestions } from './check.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const top = join(here, '..', '..');
const pages = join(top, 'build', 'site', 'pages');
const html = join(top, 'build', 'site', 'html');

/** Where a file of the project is on the site: what is in docs/ comes first, README.md is the front page. */
function placeOf(file) {
  if (file === 'README.md') return 'index.md';
  return file.startsWith('docs/') ? file.slice('docs/'.length) : file;
}

const write = (place, text) => {
  mkdirSync(dirname(join(pages, place)), { recursive: true });
  writeFileSync(join(pages, place), text);
};

/** Files that pages show; others that are no pages are served as text. */
const IMAGE = /\.(jpg|png|svg)$/;

/** A page whose links to other files of the project lead to where these are on the site. */
function stage(file) {
  // (Not in blocks of code.)
  const text = readFileSync(join(top, file), 'utf8').replace(/^```[^]*?^```$|\]\(([^)\s]+)\)/gm, (link, target) => {
    if (target === undefined || /^\w+:|^#/.test(target)) return link;
    const [path, anchor] = target.split('#');
    const linked = posix.join(dirname(file), path);
    let place = posix.relative(dirname(placeOf(file)), placeOf(linked));
    if (statSync(join(top, linked)).isDirectory()) place = `${place.replace(/\/$/, '')}/index.md`;
    // Pages show pictures, and lead to others.
    else if (IMAGE.test(linked)) for (const folder of [pages, join(pages, 'public')]) copyIn(linked, join(folder, placeOf(linked)));
    else if (!linked.endsWith('.md')) place = `${place}.txt`;
    if (place.endsWith('.txt')) copyIn(linked, join(pages, 'public', `${placeOf(linked)}.txt`));
    if (!place.startsWith('.')) place = `./${place}`;
    return `](${place}${anchor === undefined ? '' : `#${anchor}`})`;
  });
  // What changed would be found before what holds.
  write(placeOf(file), file === 'CHANGELOG.md' ? `---\nsearch: false\n---\n\n${text}` : text);
}

function copyIn(file, place) {
  mkdirSync(dirname(place), { recursive: true });
  copyFileSync(join(top, file), place);
}

function typeScriptReference() {
  const { status } = spawnSync(process.execPath, [join(here, 'node_modules', 'typedoc', 'bin', 'typedoc'), '--options', join(here, 'typedoc.json')],
    { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('typedoc has failed');
}

function cReference() {
  const headers = headerPages(join(top, 'core-c', 'include'));
  for (const { header, markdown } of headers) write(join('reference', 'c', header.replace('/', '-').replace('.h', '.md')), markdown);
  const rows = headers.map(({ header, names }) => {
    const shown = names.filter((name) => !name.endsWith('_')).slice(0, 6).map((name) => `\`${name}\``).join(', ');
    return `| [${header}](./${header.replace('/', '-').replace('.h', '.md')}) | ${shown} |`;
  });
  write('reference/c/index.md', `# C reference\n\nThe public headers of \`core-c/include\`, each with its declarations and what their comments say.\n\n| header | among others |\n|---|---|\n${rows.join('\n')}\n`);
}

function decisions() {
  const files = readdirSync(join(top, 'docs', 'decisions')).sort();
  const rows = files.map((file) => `- [${file.slice(0, 4)}: ${/^# (?:\d+:? *)?(.*)$/m.exec(readFileSync(join(top, 'docs', 'decisions', file), 'utf8'))[1]}](./${file})`);
  write('decisions/index.md', `# Decisions\n\nWhy things are as they are, a page each.\n\n${rows.join('\n')}\n`);
}

rmSync(pages, { recursive: true, force: true });
rmSync(html, { recursive: true, force: true });
// Where the pages' scripts find Vue.
mkdirSync(pages, { recursive: true });
if (!existsSync(join(pages, '..', 'node_modules'))) symlinkSync(join(here, 'node_modules'), join(pages, '..', 'node_modules'));
const guides = readdirSync(join(top, 'docs'), { recursive: true }).map(String).filter((file) => file.endsWith('.md') && !file.startsWith('site/'));
for (const file of ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md', ...guides.map((name) => `docs/${name}`)]) stage(file);
decisions();
cReference();
typeScriptReference();
cpSync(join(here, 'config.mjs'), join(pages, '.vitepress', 'config.mjs'));
await build(pages, { base: PLACE, outDir: html, logLevel: 'warn' });
standAnywhere(html);
const faults = [...checkLinks(html), ...(await checkQuestions(html))];
for (const fault of faults) process.stderr.write(`docs: ${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(`           ${relative(top, html)}: ${readdirSync(html, { recursive: true }).filter((name) => String(name).endsWith('.html')).length} pages, all links lead somewhere\n`);
