// The package as its users get it: packed, installed in a fresh folder, and used in
// Node and by bundlers. The examples of docs/ are what runs here.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { declarationTests } from './declarations.mjs';
import { docTests } from './docs.mjs';
import { doctorTests } from './doctor.mjs';
import { guideTests } from './guides.mjs';
import { loadedBy } from './loaded.mjs';
import { Browser, serveStatic } from './pages.mjs';
import { publishTests } from './publish.mjs';
import { Room, examples, execute, top } from './room.mjs';
import { skip } from '../skips.mjs';

const WASM_BUDGET = 64 * 1024;
/** Of the minified scripts that a bundler makes, gzipped: the bytes at most that a page or a program loads to begin with, if it
 * creates a Runtime and if it takes all that the package exports. */
const SCRIPTS = [
  // 20,000, and some for the sentence that refuses shared workers and service workers, which may import nothing later, for the
  // signals and places that calls need from the start, for the one listener that all waits for a signal share, to turn on tracing
  // before what reads it is loaded, for the methods of Runtime that only load metrics and slow call-backs, for threads that oversleep, for
  // the name of the engine nbd, and for the numbers of requests that have a length without data. The names that the minifier chooses differ by some ten bytes from run to run.
  ['browser', "export { Runtime } from 'wasm-aio';", 20_950],
  ['browser', "export * from 'wasm-aio';", 21_880],
  // The host of Node is loaded at once, that of a page never.
  ['node', "export * from 'wasm-aio';", 21_960, /node-owner/],
  ['browser', "export * from 'wasm-aio/ring';", 5_000],
];
/** What is loaded with the first IOThread, or never without a WasiHost. */
const NOT_AT_ONCE = /\/wasi\/|\/comlink\/|iothread\/(rpc|life|owned-iothread)\.js|api\/open-file\.js/;
const PAGE_SAYS = '4096 bytes, the first is 7';
const IOTHREAD_SAYS = '4096 bytes, told 0,1,2, 1 flush';
const POOL_SAYS = 'the squares are 9,16';
/** What a pool says whose file a bundler has left behind. */
const USE_WORKER = /^ERR_AIO_INVALID_ARG:? options\.module: .*\. If a bundler has made this program, give options\.worker instead/;

const HELLO = `
  #include <stdio.h>
  #include "block/aio.h"
  static void ran(void *opaque) { (void)opaque; puts("a bottom half ran"); }
  int main(void)
  {
      AioContext *ctx = aio_context_new(NULL);
      qemu_set_current_aio_context(ctx);
      aio_bh_schedule_oneshot(ctx, ran, NULL);
      aio_poll(ctx, false);
      return 0;
  }`;

/** A plugin that comes before ours, with a middleware of its own that answers at /rendered, as frameworks do with the pages that they render. */
const answer = ({ middlewares }) => void middlewares.use('/rendered', (_request, response) => response.end('a page'));
const framework = { name: 'framework', enforce: 'pre', configureServer: answer, configurePreviewServer: answer };
/** That page has to have the headers, too. */
async function assertIsolates(address) {
  const response = await fetch(`${address}rendered`);
  assert.equal(await response.text(), 'a page');
  assert.deepEqual(['Cross-Origin-Opener-Policy', 'Cross-Origin-Embedder-Policy'].map((name) => response.headers.get(name)), ['same-origin', 'require-corp']);
}

class Skipped extends Error {}

const room = new Room();
const browser = new Browser();
const inPage = (address) => {
  if (!Browser.isThere) throw new Skipped('chromium is not installed');
  return browser.text(address);
};

/** All JavaScript in a folder, as one text. */
const scripts = (dir) =>
  readdirSync(dir, { recursive: true }).filter((name) => /\.m?js$/.test(name)).map((name) => readFileSync(join(dir, name), 'utf8')).join('\n');

/** emsdk and PATH are the environment's; a folder that make filled has to be named. */
function toolchain() {
  const [, emcc] = /^EM_CC = (.*)$/m.exec(readFileSync(join(top, 'build', 'toolchain.mk'), 'utf8'));
  const fetched = dirname(dirname(emcc));
  return existsSync(join(fetched, '.version')) ? { AIO_TOOLCHAIN: fetched } : {};
}

/** What the page in a folder shows: served in development, and built. */
async function inVite(root) {
  if (!Browser.isThere) throw new Skipped('chromium is not installed');
  const { build, createServer, preview } = await import('vite');
  const config = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'error' };
  const local = { host: '127.0.0.1', port: 0 };
  const shown = [];
  for (const serve of [
    async () => (await createServer({ ...config, server: { ...local, fs: { allow: [room.path('app')] } } })).listen(),
    async () => build(config).then(() => preview({ ...config, preview: local })),
  ]) {
    const server = await serve();
    try {
      shown.push(await inPage(server.resolvedUrls.local[0]));
    } finally {
      await server.close();
    }
  }
  return shown;
}

async function webpack(config) {
  const { default: pack } = await import('webpack');
  const stats = await new Promise((resolve, reject) => pack(config, (error, result) => (error ? reject(error) : resolve(result))));
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  assert.deepEqual({ errors, warnings }, { errors: [], warnings: [] });
}

async function typeFaults(files, options) {
  const { default: ts } = await import('typescript');
  const program = ts.createProgram(files.map((name) => room.path('app', name)), {
    ...options, strict: true, noEmit: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.esnext.disposable.d.ts'], types: [],
  });
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), {
    getCurrentDirectory: () => room.dir, getCanonicalFileName: (name) => name, getNewLine: () => '\n',
  });
}

const tests = {
  async 'the package brings comlink and nothing else'() {
    assert.deepEqual(room.installed, ['comlink', 'wasm-aio']);
  },

  async 'the sizes are within their budgets'() {
    const wasm = gzipSync(readFileSync(join(top, 'dist', 'aio.wasm')), { level: 9 }).length;
    assert.ok(wasm <= WASM_BUDGET, `aio.wasm: ${wasm} bytes gzipped`);
    process.stdout.write(`           gzipped: aio.wasm ${wasm} bytes\n`);
    for (const [platform, contents, budget, always] of SCRIPTS) {
      const { start, all, inputs } = await loadedBy(contents, platform, room.path('app'), always);
      process.stdout.write(`           ${contents} for ${platform} ${start} bytes, ${all} with what is loaded when it is needed\n`);
      assert.ok(start <= budget, `${contents} for ${platform}: ${start} bytes gzipped, of ${budget}`);
      assert.deepEqual(inputs.filter((input) => NOT_AT_ONCE.test(input)), []);
    }
  },

  async 'a worker is one file, which code of the user\'s imports too, and loads no package'() {
    const { build } = await import('esbuild');
    for (const platform of ['node', 'browser']) {
      const worker = `iothread/worker-${platform}.js`;
      const guest = `wasi/guest-${platform}.js`;
      for (const [entry, ...more] of [[worker], [guest], [`iothread-${platform}.js`, 'iothread/own.js', worker]]) {
        const { metafile: { inputs } } = await build({
          entryPoints: [room.path('app/node_modules/wasm-aio/dist', entry)], absWorkingDir: room.path('app/node_modules/wasm-aio/dist'),
          bundle: true, format: 'esm', platform, packages: 'external', write: false, metafile: true, outdir: room.dir,
        });
        assert.deepEqual(Object.keys(inputs).sort(), [entry, ...more].sort());
        const outside = Object.values(inputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path));
        assert.deepEqual(outside.filter((path) => platform === 'browser' || !path.startsWith('node:') || path === 'node:child_process'), []);
      }
    }
  },

  async 'the notices name every library that aiocc links'() {
    const notices = readFileSync(room.path('app/node_modules/wasm-aio/THIRD-PARTY-NOTICES'), 'utf8');
    // Each library has the names that it has in different versions of Emscripten.
    const [, roles] = /^roles='([^']+)'/m.exec(readFileSync(join(top, 'wasm', 'toolchain', 'find-toolchain.sh'), 'utf8'));
    const linked = roles.trim().split(/\s+/).map((role) => role.split('/').filter((name) => name !== ''));
    assert.ok(linked.length >= 8);
    for (const names of [...linked, ['comlink']]) assert.ok(names.some((name) => notices.includes(name)), names.join(' or '));
    for (const words of ['Rich Felker', 'Doug Lea', 'LLVM Exceptions', 'Emscripten authors', 'Google LLC']) assert.ok(notices.includes(words), words);
  },

  async 'an installed aiocc compiles a C program, and wasm-aio runs it'() {
    room.write('app/hello.c', HELLO);
    const env = { ...process.env, ...toolchain() };
    const bin = (name) => room.path('app/node_modules/.bin', name);
    // The second call knows from the first where Emscripten is.
    for (const args of [['-c', 'hello.c'], ['-o', 'hello.wasm', 'hello.o']]) {
      const built = await execute(bin('aiocc'), ['-O2', ...args], { cwd: room.path('app'), env });
      assert.deepEqual(built, { code: 0, out: '', err: '' });
      assert.ok(existsSync(room.path('app/node_modules/wasm-aio/build/toolchain.mk')));
    }
    const ran = await execute(bin('wasm-aio'), ['run', 'hello.wasm'], { cwd: room.path('app') });
    assert.deepEqual(ran, { code: 0, out: 'a bottom half ran\n', err: '' });
  },

  async 'without Emscripten it says in one line how to get it'() {
    const env = { PATH: dirname(process.execPath) + ':/usr/bin:/bin', AIO_TOOLCHAIN: room.dir };
    const { code, out, err } = await execute(room.path('app/node_modules/.bin/aiocc'), ['hello.c'], { cwd: room.path('app'), env });
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^toolchain: Emscripten [\d.]+ or later is not here \(nor in [^)]+\): activate an emsdk .* AIO_TOOLCHAIN=DIR\n$/);
  },

  async 'an IOThread runs the user\'s file in Node, as a module and as a worker'() {
    const { code, out, err } = await room.run('node-iothread.mjs');
    assert.deepEqual({ code, out, err }, { code: 0, out: '3 7\n', err: '' });
  },

  async 'a WASI program runs in Node, by an entry of its own'() {
    room.write('app/wasi.mjs', `
      import * as core from 'wasm-aio';
      import { WasiHost } from 'wasm-aio/wasi';
      const host = await WasiHost.create({ module: new URL('./rot13.wasm', import.meta.url), stdin: 'Uryyb\\n' });
      console.log(await host.run(), 'WasiHost' in core);
      await host.close();`);
    assert.deepEqual(await room.run('wasi.mjs'), { code: 0, out: 'Hello\n0 false\n', err: '' });
  },

  async 'its types are right, also for a program that checks those of libraries'() {
    for (const [name, body] of examples('docs/guides/vite.md')) room.write(`app/typed/${name}`, body);
    const files = ['worker.ts', 'options.ts', 'wasi.ts', 'disk.ts', 'iothread.ts', 'typed/main.ts', 'typed/disk.ts'];
    assert.equal(await typeFaults(files, { skipLibCheck: false }), '');
    // With Vite's own types, which are not ours to check.
    assert.equal(await typeFaults(['vite.config.ts'], { skipLibCheck: true }), '');
  },

  async 'esbuild: a bundle for Node with everything in one folder'() {
    const { code, err } = await room.run('build.mjs');
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    const { build } = await import('esbuild');
    await build({ entryPoints: [room.path('app/doctor.js')], bundle: true, format: 'esm', outdir: room.path('app/out/page'), logLevel: 'silent' });
    // Nothing of the package is used any longer.
    cpSync(room.path('app/out'), room.path('out'), { recursive: true });
    room.write('out/node/disk.img', new Uint8Array(65536));
    const ran = await execute(process.execPath, ['server.mjs'], { cwd: room.path('out/node') });
    assert.deepEqual(ran, { code: 0, out: '4096\n16\n', err: '' });
  },

  async 'esbuild: a page'() {
    assert.doesNotMatch(scripts(room.path('out/page')), /["']node:/);
    room.write('out/page/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="page.js"></script></body>');
    const site = await serveStatic(room.path('out/page'));
    try {
      assert.equal(await inPage(site.address), '2 workers, 16 bytes');
    } finally {
      site.close();
    }
  },

  async 'esbuild: a pool in Node and in a page'() {
    const { build } = await import('esbuild');
    const shared = { absWorkingDir: room.path('app'), bundle: true, format: 'esm' };
    const files = { worker: 'wasm-aio/worker', 'pool-tasks': 'pool-tasks.js', squares: 'squares.js' };
    await build({ ...shared, entryPoints: { ...files, main: 'pool-node.js' }, platform: 'node', outdir: room.path('pool/node') });
    await build({ ...shared, entryPoints: { ...files, main: 'pool.js' }, platform: 'browser', outdir: room.path('pool/page') });
    for (const place of ['node', 'page']) cpSync(room.path('app/node_modules/wasm-aio/dist/aio.wasm'), room.path('pool', place, 'aio.wasm'));
    room.write('pool/node/package.json', '{ "type": "module" }\n');
    const { code, out, err } = await execute(process.execPath, ['main.js'], { cwd: room.path('pool/node') });
    assert.deepEqual({ code, err }, { code: 0, err: '' });
    const says = Object.fromEntries(out.trimEnd().split('\n').map((line) => line.split(/ (.*)/s)));
    assert.equal(says.worker, '9');
    for (const name of ['module', 'limits', 'runtime']) assert.match(says[name] ?? 'nothing', USE_WORKER, name);
    room.write('pool/page/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="main.js"></script></body>');
    const site = await serveStatic(room.path('pool/page'));
    try {
      assert.equal(await inPage(site.address), POOL_SAYS);
    } finally {
      site.close();
    }
  },

  async 'Vite: the dev server'() {
    const { createServer } = await import('vite');
    const server = await createServer({ root: room.path('app'), configFile: room.path('app/vite.config.ts'), logLevel: 'error', plugins: [framework], server: { host: '127.0.0.1', port: 0 } });
    try {
      await server.listen();
      const [address] = server.resolvedUrls.local;
      await assertIsolates(address);
      assert.equal(await inPage(address), PAGE_SAYS);
      assert.equal(await inPage(`${address}own-worker.html`), 'polls is a number');
      assert.equal(await inPage(`${address}iothread.html`), IOTHREAD_SAYS);
      assert.equal(await inPage(`${address}escape.html`), '2 workers');
      assert.equal(await inPage(`${address}wasi.html`), 'Hello, 0');
      assert.equal(await inPage(`${address}pool.html`), POOL_SAYS);
      assert.equal(await inPage(`${address}pool-module.html`), POOL_SAYS);
      assert.equal(await inPage(`${address}pool-import.html`), '9');
      assert.ok(!existsSync(room.path('app/node_modules/.vite/deps/wasm-aio.js')), 'bundled ahead');
    } finally {
      await server.close();
    }
  },

  async 'Vite: build and preview'() {
    const { build, preview } = await import('vite');
    const config = { root: room.path('app'), configFile: room.path('app/vite.config.ts'), logLevel: 'error' };
    const input = ['index.html', 'own-worker.html', 'iothread.html', 'escape.html', 'wasi.html', 'pool.html', 'pool-module.html', 'pool-import.html'].map((name) => room.path('app', name));
    await build({ ...config, build: { outDir: 'built', rollupOptions: { input } } });
    assert.doesNotMatch(scripts(room.path('app/built')), /["']node:|browser-external/);
    const server = await preview({ ...config, plugins: [framework], build: { outDir: 'built' }, preview: { host: '127.0.0.1', port: 0 } });
    try {
      const [address] = server.resolvedUrls.local;
      await assertIsolates(address);
      assert.equal(await inPage(address), PAGE_SAYS);
      assert.equal(await inPage(`${address}own-worker.html`), 'polls is a number');
      assert.equal(await inPage(`${address}iothread.html`), IOTHREAD_SAYS);
      assert.equal(await inPage(`${address}escape.html`), '2 workers');
      assert.equal(await inPage(`${address}wasi.html`), 'Hello, 0');
      assert.equal(await inPage(`${address}pool.html`), POOL_SAYS);
      assert.equal(await inPage(`${address}pool-module.html`), POOL_SAYS);
      assert.match(await inPage(`${address}pool-import.html`), USE_WORKER);
    } finally {
      await server.close();
    }
  },

  async 'Vite: a page with Runtime alone has one worker file, and no WASI'() {
    const { build } = await import('vite');
    room.write('app/alone/index.html', '<!doctype html><script type="module" src="./main.js"></script>');
    room.write('app/alone/main.js', "import { Runtime } from 'wasm-aio';\nawait (await Runtime.create()).close();");
    await build({ root: room.path('app/alone'), configFile: room.path('app/vite.config.ts'), logLevel: 'error', build: { outDir: room.path('app/alone-built') } });
    const workers = readdirSync(room.path('app/alone-built/assets')).filter((name) => /^(worker|guest)-browser/.test(name) && name.endsWith('.js'));
    assert.equal(workers.length, 1, workers.join());
    const worker = readFileSync(room.path('app/alone-built/assets', workers[0]), 'utf8');
    assert.doesNotMatch(worker, /\bfrom\s*["']|\bimport\s*["']|import\(["'`]/);
    assert.doesNotMatch(scripts(room.path('app/alone-built')), /thread-spawn|wasi_thread_start/);
  },

  async 'a service worker isolates a page whose host sets no headers'() {
    const site = await serveStatic(room.path('isolate'), {});
    cpSync(room.path('out/page'), room.path('isolate'), { recursive: true });
    cpSync(room.path('app/node_modules/wasm-aio/dist/isolate.js'), room.path('isolate/isolate.js'));
    room.write('isolate/index.html', '<!doctype html><meta charset="utf-8"><body><script src="isolate.js"></script><script type="module" src="page.js"></script></body>');
    try {
      if (!Browser.isThere) throw new Skipped('chromium is not installed');
      await browser.page(async (page) => {
        await page.goto(site.address);
        await page.waitForFunction(() => document.body?.textContent.trim().startsWith('2 workers'));
      });
    } finally {
      site.close();
    }
  },

  async 'Document-Isolation-Policy alone isolates a page in Chromium'() {
    if (!Browser.isThere) throw new Skipped('chromium is not installed');
    const site = await serveStatic(room.path('out/page'), { 'Document-Isolation-Policy': 'isolate-and-credentialless' });
    try {
      assert.equal(await inPage(site.address), '2 workers, 16 bytes');
    } finally {
      site.close();
    }
  },

  async 'the page of the conformance suite runs what needs no shared memory if it is not isolated'() {
    if (!Browser.isThere) throw new Skipped('chromium is not installed');
    const site = await serveStatic(room.path('app/node_modules/wasm-aio/dist/conformance'), {});
    try {
      const { results, text } = await browser.page(async (page) => {
        await page.goto(`${site.address}conformance.html?${['wait', 'atomics', 'messages', 'isolation'].map((area) => `area=${area}`).join('&')}`);
        return (await page.waitForFunction(() => window.results && { results: window.results, text: document.body.innerText })).jsonValue();
      });
      assert.match(text, /not cross-origin isolated: what needs shared memory is not run/);
      const told = Object.fromEntries(results.map(({ id, verdict, text: why }) => [id, why === '' ? verdict : `${verdict}: ${why}`]));
      assert.equal(told['wait/not-equal'], 'not run: not isolated');
      assert.equal(told['messages/order'], 'passed');
      assert.equal(told['isolation/constructor'], 'passed');
      assert.deepEqual(Object.entries(told).filter(([, what]) => !['passed', 'not run: not isolated'].includes(what)), []);
    } finally {
      site.close();
    }
  },

  async 'Vite: a built site isolates itself by its service worker, or by one header'() {
    if (!Browser.isThere) throw new Skipped('chromium is not installed');
    const { build, preview } = await import('vite');
    for (const isolation of ['service-worker', 'document-policy']) {
      const root = `vite-${isolation}`;
      room.write(`app/${root}/index.html`, '<!doctype html><meta charset="utf-8"><body><script type="module" src="./main.js"></script></body>');
      room.write(`app/${root}/main.js`, `import { Runtime } from 'wasm-aio';
        const aio = await Runtime.create();
        const io = await aio.iothread('io');
        document.body.textContent = 'isolated, ' + typeof await io.clock();
        await aio.close();`);
      room.write(`app/${root}/vite.config.ts`, `import wasmAio from 'wasm-aio/vite';\nexport default { plugins: [wasmAio({ isolation: '${isolation}' })] };\n`);
      const config = { root: room.path('app', root), configFile: room.path('app', root, 'vite.config.ts'), logLevel: 'error', base: '/under/' };
      await build(config);
      const html = readFileSync(room.path('app', root, 'dist/index.html'), 'utf8');
      assert.equal(html.includes('<script src="/under/isolate.js"></script>'), isolation === 'service-worker', html);
      const server = await preview({ ...config, preview: { host: '127.0.0.1', port: 0 } });
      try {
        const [address] = server.resolvedUrls.local;
        const { headers } = await fetch(address);
        assert.deepEqual([headers.get('Cross-Origin-Opener-Policy'), headers.get('Document-Isolation-Policy')], [null, isolation === 'service-worker' ? null : 'isolate-and-credentialless']);
        await browser.page(async (page) => {
          await page.goto(address);
          await page.waitForFunction(() => document.body?.textContent.trim() === 'isolated, number');
        });
      } finally {
        await server.close();
      }
    }
  },

  async 'Rollup: a page, with the worker as an entry of its own'() {
    const { rollup } = await import('rollup');
    const { nodeResolve } = await import('@rollup/plugin-node-resolve');
    const plugins = [nodeResolve({ browser: true, rootDir: room.path('app') })];
    const bundle = await rollup({ input: { page: room.path('app/bare-page.js'), worker: 'wasm-aio/worker' }, plugins });
    await bundle.write({ dir: room.path('app/rollup') });
    await bundle.close();
    cpSync(room.path('app/node_modules/wasm-aio/dist/aio.wasm'), room.path('app/rollup/aio.wasm'));
    room.write('app/rollup/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="page.js"></script></body>');
    const site = await serveStatic(room.path('app/rollup'));
    try {
      assert.equal(await inPage(site.address), 'the clock is a number');
    } finally {
      site.close();
    }
  },

  async 'every entry can be required'() {
    const names = ['wasm-aio', ...['wasi', 'iothread', 'pool', 'comlink', 'ring', 'socket', 'streams', 'vite', 'wasm'].map((name) => `wasm-aio/${name}`)];
    const { code, out, err } = await execute(process.execPath, ['-e', `console.log(${JSON.stringify(names)}.map((name) => typeof require(name)).join())`], { cwd: room.path('app') });
    assert.deepEqual({ code, out, err }, { code: 0, out: `${names.map(() => 'object').join()}\n`, err: '' });
  },

  async 'webpack 5: a page, as it is and by the escape hatch'() {
    const { default: config } = await import(room.path('app/webpack.config.js'));
    await webpack(config);
    await webpack({ ...config, mode: 'development', devtool: false, entry: room.path('app/webpack-escape.js'), output: { ...config.output, path: room.path('app/dist/escape') } });
    const more = { iothread: 'webpack-iothread.js', pool: 'pool.js', 'pool-module': 'pool-module.js' };
    const entry = Object.fromEntries(Object.entries(more).map(([name, file]) => [name, room.path('app', file)]));
    await webpack({ ...config, entry, output: { ...config.output, path: room.path('app/dist/more'), filename: '[name].js' } });
    assert.doesNotMatch(scripts(room.path('app/dist')), /["']node:/);
    const html = '<!doctype html><meta charset="utf-8"><body><script src="main.js"></script></body>';
    room.write('app/dist/index.html', html);
    room.write('app/dist/escape/index.html', html);
    for (const name of Object.keys(more)) room.write(`app/dist/more/${name}.html`, html.replace('main.js', `${name}.js`));
    const site = await serveStatic(room.path('app/dist'));
    try {
      assert.equal(await inPage(site.address), PAGE_SAYS);
      assert.equal(await inPage(`${site.address}escape/index.html`), '2 workers');
      assert.equal(await inPage(`${site.address}more/iothread.html`), 'the sum is 3');
      assert.equal(await inPage(`${site.address}more/pool.html`), POOL_SAYS);
      assert.equal(await inPage(`${site.address}more/pool-module.html`), POOL_SAYS);
    } finally {
      site.close();
    }
  },
};

/** Tests that need what others have made come after these, in one lane; lanes are independent.
 * The longest begins first. */
function lanesOf(chosen) {
  const of = (pattern) => chosen.filter(([name]) => pattern.test(name));
  const kinds = [/^webpack|^docs\/|^README/, /^esbuild|^Rollup|^a service worker|^Document-Isolation|doctor/, /^Vite/];
  const rest = chosen.filter(([name]) => !kinds.some((kind) => kind.test(name)));
  return [...kinds.map(of), rest].filter((lane) => lane.length > 0);
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runPackage(only = []) {
  const chosen = (name) => only.length === 0 || only.some((word) => name.includes(word));
  const count = { passed: 0, failed: 0, skipped: 0 };
  try {
    await room.install();
    room.tools('esbuild', 'vite', '@types');
    for (const page of ['docs/bundlers.md', 'docs/iothreads.md']) for (const [name, body] of examples(page)) room.write(`app/${name}`, body);
    for (const name of readdirSync(join(top, 'test', 'package', 'app'))) room.copy(name);
    cpSync(join(top, 'build', 'examples', 'rot13.wasm'), room.path('app/rot13.wasm'));
    const run = async ([name, body]) => {
      const start = performance.now();
      try {
        await body(Skipped);
        count.passed++;
      } catch (error) {
        if (error instanceof Skipped) {
          skip(count, `package:${name}`, error.message);
          return;
        }
        count.failed++;
        process.stdout.write(`  FAILED   package: ${name}\n${error.stack}\n`.slice(0, 4000));
      }
      if (process.env.V) process.stdout.write(`           ${((performance.now() - start) / 1000).toFixed(1)} s  ${name}\n`);
    };
    const all = Object.entries({
      ...docTests, ...guideTests(room, toolchain(), inVite), ...tests, ...declarationTests(room), ...publishTests(room), ...doctorTests(room, browser),
    });
    const lanes = lanesOf(all.filter(([name]) => chosen(name)));
    // Two at a time: most wait for a process, a page or a disk for the most part.
    await Promise.all([0, 1].map(async () => {
      for (let lane = lanes.shift(); lane; lane = lanes.shift()) for (const test of lane) await run(test);
    }));
  } catch (error) {
    count.failed++;
    process.stdout.write(`  FAILED   package: it cannot be packed and installed\n${error.stack}\n`);
  } finally {
    await browser.close();
    room.remove();
  }
  return count;
}
