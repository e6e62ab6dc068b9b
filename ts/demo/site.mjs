// SPDX-License-Identifier: MIT
// Makes the pages a static site, for any server and any path: node ts/demo/site.mjs FOLDER. `npx wasm-aio serve` serves it.
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { functionsModule } from './suite/functions.mjs';

/** The pages, in the order in which all of them name them. */
const pages = {
  'index.html': 'Break it', 'explorer.html': 'Loop explorer', 'race.html': 'The race', 'disk.html': 'Disk', 'run.html': 'Run a program',
  'conformance/conformance.html': 'Test this browser', 'docs/': 'Documentation',
};
const own = Object.keys(pages).filter((page) => !page.includes('/'));
/** The navigation of a page, which has `top` before the addresses of the others. */
const navigation = (here, top = '') => `<nav aria-label="Pages">${Object.entries(pages).map(([page, title]) =>
  (page === here ? `<span aria-current="page">${title}</span>` : `<a href="${top}${page}">${title}</a>`)).join(' ')}</nav>`;

/** What a page needs before something moves, although no module imports it: it is loaded while the page's modules are. */
const early = { 'index.html': ['sim/bugs.json'], 'explorer.html': ['explorer.wasm', 'given-module', 'iothreads'] };
function preloads(page, bundle) {
  return (early[page] ?? []).map((name) => {
    const found = name.includes('/') ? name : Object.values(bundle).find((file) => file.name === name || file.names?.includes(name))?.fileName;
    if (!found) throw new Error(`${page} is to load ${name} early, and there is no such file`);
    const kind = found.endsWith('.js') ? { rel: 'modulepreload' } : { rel: 'preload', as: 'fetch' };
    return { tag: 'link', attrs: { ...kind, crossorigin: true, href: `./${found}` }, injectTo: 'head' };
  });
}

const ABOUT_SUITE = `This page tests what the library needs of your browser: atomics, waiting, messages, workers, clocks and files, as the standards
define them. It begins by itself and takes about half a minute.`;
const VERDICTS = `<p class="note">“Expected” is a failure that this version of the browser is known to have, with the reason in brackets. “Differs” is a result
other than the known one, in a browser or a version that the suite has not been tried on. “Not run” is what needs something that this page or this browser does
not have. The address may choose areas and cases, for example <a href="?area=atomics&amp;area=wait">?area=atomics&amp;area=wait</a> or
<a href="?case=wait/ok">?case=wait/ok</a>.</p>\n`;

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const [folder] = process.argv.slice(2);

await build({
  configFile: false,
  logLevel: 'error',
  root: join(dist, 'demo'),
  // Addresses are relative to each page.
  base: './',
  worker: { format: 'es' },
  plugins: [
    { name: 'navigation', transformIndexHtml: (html, { path }) => html.replace('<nav></nav>', navigation(path.slice(1))) },
    { name: 'early', transformIndexHtml: { order: 'post', handler: (_html, { path, bundle }) => preloads(path.slice(1), bundle) } },
  ],
  // The package by its own name, as its users write it.
  resolve: { alias: [['wasm-aio/iothread', 'iothread-browser'], ['wasm-aio', 'browser']].map(([find, file]) => ({ find, replacement: join(dist, `${file}.js`) })) },
  build: {
    outDir: folder,
    emptyOutDir: true,
    target: 'es2022',
    // A policy may refuse scripts in data: URLs.
    assetsInlineLimit: 0,
    rollupOptions: { input: own.map((page) => join(dist, 'demo', page)) },
  },
});
// The service worker that isolates the pages where the server does not is no module, and has to lie above all of them.
cpSync(join(dist, 'isolate.js'), join(folder, 'isolate.js'));
cpSync(join(dist, 'conformance'), join(folder, 'conformance'), { recursive: true, filter: (name) => !/\/\.[^/]*$/.test(name) });
// The suite's page is the one of the package, dressed as the others are. Its workers are scripts of the site.
writeFileSync(join(folder, 'conformance/functions.js'), functionsModule(join(dist, 'conformance/areas')));
copyFileSync(fileURLToPath(new URL('suite/worker.mjs', import.meta.url)), join(folder, 'conformance/worker.js'));
const suite = join(folder, 'conformance/conformance.html');
const dressed = readFileSync(suite, 'utf8')
  .replace(/<style>[^]*<\/style>/, '<script src="../isolate.js"></script>\n<link rel="icon" href="data:,">\n<link rel="stylesheet" href="../demo.css">')
  .replaceAll('<table>', '<table class="wide">')
  .replace('<script type="module"', '<script type="module" src="./worker.js"></script>\n$&')
  .replace('<title>conformance', '<title>Test this browser – wasm-aio')
  .replace(/<h1>.*<\/h1>/, `<main>\n${navigation('conformance/conformance.html', '../')}\n<h1>Test this browser</h1>\n<p>${ABOUT_SUITE}</p>`) + VERDICTS;
writeFileSync(suite, dressed);
copyFileSync(join(dist, 'demo/demo.css'), join(folder, 'demo.css'));
cpSync(join(dist, 'demo/sim'), join(folder, 'sim'), { recursive: true });
