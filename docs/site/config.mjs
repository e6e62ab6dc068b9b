// VitePress: how the site looks, what its menu holds. Copied beside the pages by build.mjs.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const pages = fileURLToPath(new URL('..', import.meta.url));
const title = (file) => /^# (.*)$/m.exec(readFileSync(join(pages, file), 'utf8'))?.[1].replaceAll('`', '') ?? basename(file, '.md');
const entry = (file, text = title(file)) => ({ text, link: `/${file.replace(/(index)?\.md$/, '')}` });
const all = (dir) => readdirSync(join(pages, dir)).filter((name) => name.endsWith('.md') && name !== 'index.md').sort();
const group = (text, items, collapsed) => ({ text, items, ...(collapsed === undefined ? {} : { collapsed }) });

/** The pages of an entry of the package, classes first. */
function typeScript(dir, text) {
  const kinds = readdirSync(join(pages, dir), { withFileTypes: true }).filter((found) => found.isDirectory()).map(({ name }) => name).sort();
  const items = kinds.flatMap((kind) => all(join(dir, kind)).map((name) => entry(`${dir}/${kind}/${name}`, basename(name, '.md'))));
  return { text, link: `/${dir}/`, items, collapsed: true };
}

const concepts = ['loop', 'threads', 'iothreads', 'context', 'hosted', 'coroutines', 'block', 'network-block', 'performance', 'scaling', 'tracing', 'wasi', 'from-emscripten', 'ports', 'portability', 'conformance', 'errors', 'names'];
const help = ['bundlers', 'isolation', 'troubleshooting'];

export default {
  title: 'wasm-aio',
  description: "QEMU's event loop in WebAssembly: workers that are woken through shared memory",
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // check.mjs looks at all links, those to headings and files too.
  ignoreDeadLinks: true,
  // Headings get the anchors that code hosts give them.
  markdown: {
    anchor: { slugify: (text) => text.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-') },
    languageAlias: { console: 'shellsession', caddy: 'nginx' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      entry('guides/node.md', 'Guides'),
      { text: 'TypeScript', link: '/reference/typescript/' },
      { text: 'C', link: '/reference/c/' },
    ],
    sidebar: [
      group('Start', [{ text: 'What it is for', link: '/' }, entry('demo.md'), ...['node', 'vite', 'streams', 'c', 'pool', 'rings', 'hangs'].map((name) => entry(`guides/${name}.md`))]),
      group('How it works', concepts.map((name) => entry(`${name}.md`))),
      group('When something is wrong', help.map((name) => entry(`${name}.md`))),
      group('TypeScript reference', [
        typeScript('reference/typescript/index', 'wasm-aio'),
        typeScript('reference/typescript/wasi', 'wasm-aio/wasi'),
        typeScript('reference/typescript/iothread-node', 'wasm-aio/iothread'),
        typeScript('reference/typescript/vite', 'wasm-aio/vite'),
      ], true),
      group('C reference', [
        entry('reference/c/index.md', 'All headers'), entry('api.md', 'Where each is defined and tested'),
        ...all('reference/c').map((name) => entry(`reference/c/${name}`)),
      ], true),
      group('The project', [entry('CHANGELOG.md', 'Changes'), entry('CONTRIBUTING.md'), entry('SECURITY.md'), entry('decisions/index.md'),
        group('Each decision', all('decisions').map((name) => entry(`decisions/${name}`)), true)], true),
    ],
    footer: { message: 'MIT license' },
  },
};
