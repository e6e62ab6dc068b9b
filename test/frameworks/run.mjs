// make test-frameworks: the recipes of docs/bundlers.md for bundlers that are not among the development dependencies. They are installed
// by their names into a temporary folder, and what they make runs in Chromium or in Node.
//
//   ONLY='rollup parcel'      these alone
import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { Browser, serveStatic } from '../package/pages.mjs';
import { Room, examples, execute } from '../package/room.mjs';

const INSTALLED = ['rollup@4', '@rollup/plugin-node-resolve@16', '@rspack/core@2', 'parcel@2'];
const SAYS = 'the clock is a number';

const room = new Room();
const browser = new Browser();
const app = (...names) => room.path('app', ...names);

async function run(file, args, cwd = app()) {
  const { code, out, err } = await execute(file, args, { cwd, timeout: 300_000 });
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
  async bun() {
    const bun = process.env.AIO_RUNTIMES ? `${process.env.AIO_RUNTIMES}/bin/bun` : 'bun';
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
  for (const [name, body] of examples('docs/bundlers.md')) room.write(`app/${name}`, body);
  const body = "const aio = await Runtime.create();\nconst io = await aio.iothread('io0');\nconst text = `the clock is a ${typeof await io.clock()}`;\n";
  room.write('app/plain.js', `import { Runtime } from 'wasm-aio';\n${body}document.body.textContent = text;\nawait aio.close();\n`);
  room.write('app/plain-node.js', `import { Runtime } from 'wasm-aio';\n(async () => {\n${body}console.log(text);\nawait aio.close();\n})();\n`);
  room.write('app/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="plain.js"></script></body>');
  room.write('app/package.json', '{ "type": "module", "private": true, "@parcel/resolver-default": { "packageExports": true } }\n');
  await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', ...INSTALLED, room.tarball]);
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
