// SPDX-License-Identifier: MIT
// What a page loads to begin with, gzipped: the module, and the JavaScript of the page's entry and of its
// worker, bundled and minified.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { loadedBy } from '../../package/loaded.mjs';
import { printSamples, wants } from './common.mjs';

const dist = (file) => fileURLToPath(new URL(`../../../dist/${file}`, import.meta.url));
const bundled = async (entry) => (await loadedBy(`export * from './${entry}';`, 'browser', dist(''))).start;

if (wants('s_wasm_gz')) printSamples('s_wasm_gz', 'B', [gzipSync(readFileSync(dist('aio.wasm')), { level: 9 }).length]);
if (wants('s_js_gz')) printSamples('s_js_gz', 'B', [await bundled('browser.js')]);
if (wants('s_js_worker_gz')) printSamples('s_js_worker_gz', 'B', [await bundled('iothread/worker-browser.js')]);
