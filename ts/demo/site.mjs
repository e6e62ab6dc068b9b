// SPDX-License-Identifier: MIT
// Makes the pages a static site, for any server and any path: node ts/demo/site.mjs FOLDER. `npx wasm-aio serve` serves it.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const [folder] = process.argv.slice(2);

await build({
  configFile: false,
  logLevel: 'error',
  root: join(dist, 'demo'),
  // Addresses are relative to each page.
  base: './',
  worker: { format: 'es' },
  // The package by its own name, as its users write it.
  resolve: { alias: [['wasm-aio/iothread', 'iothread-browser'], ['wasm-aio', 'browser']].map(([find, file]) => ({ find, replacement: join(dist, `${file}.js`) })) },
  build: {
    outDir: folder,
    emptyOutDir: true,
    target: 'es2022',
    // A policy may refuse scripts in data: URLs.
    assetsInlineLimit: 0,
    rollupOptions: { input: ['index', 'race', 'disk'].map((name) => join(dist, 'demo', `${name}.html`)) },
  },
});
// The service worker that isolates the pages where the server does not is no module, and has to lie above all of them.
cpSync(join(dist, 'isolate.js'), join(folder, 'isolate.js'));
cpSync(join(dist, 'conformance'), join(folder, 'conformance'), { recursive: true, filter: (name) => !/\/\.[^/]*$/.test(name) });
cpSync(join(dist, 'demo/sim'), join(folder, 'sim'), { recursive: true });
