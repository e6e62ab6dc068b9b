// SPDX-License-Identifier: MIT
// What a page loads, gzipped: the module, and the JavaScript of the page's entry and of its
// worker, bundled and minified.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { printSamples, wants } from './common.mjs';

const dist = (file) => fileURLToPath(new URL(`../../../dist/${file}`, import.meta.url));
const size = (bytes) => gzipSync(bytes, { level: 9 }).length;

async function bundled(entry) {
  const { outputFiles: [script] } = await build({
    entryPoints: [dist(entry)], bundle: true, minify: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent',
  });
  return size(script.contents);
}

if (wants('s_wasm_gz')) printSamples('s_wasm_gz', 'B', [size(readFileSync(dist('aio.wasm')))]);
if (wants('s_js_gz')) printSamples('s_js_gz', 'B', [await bundled('browser.js')]);
if (wants('s_js_worker_gz')) printSamples('s_js_worker_gz', 'B', [await bundled('iothread/worker-browser.js')]);
