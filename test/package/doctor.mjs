// doctor() in pages that are served wrongly, each in one way, and `wasm-aio doctor`.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { Browser, ISOLATED, serveStatic } from './pages.mjs';
import { execute } from './room.mjs';

const HTML = { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><p>the application' };
const NOT_FOUND = { status: 404, body: 'not found\n' };

/** name: what the server does, and what the page and the command must then say. */
const cases = {
  'all is well': {
    page: [/^ok {4}isolation: .*\nok {4}engine: .*\nok {4}module: .*aio\.wasm compiles\nok {4}memory: 1024 MiB .*\nok {4}workers: one started, .*\n\ncreated$/],
    commands: { '': [0, /^ok {4}isolation: /], 'aio.wasm': [0, /^ok {4}module: /], 'worker.js': [0, /^ok {4}workers: /] },
  },
  'no headers': {
    headers: {},
    page: [
      /^FAULT isolation: the page is not cross-origin isolated: Cross-Origin-Opener-Policy is missing, Cross-Origin-Embedder-Policy is missing\n/,
      /Vite .*\n.*webpack .*\n.*nginx +add_header Cross-Origin-Opener-Policy same-origin always;/,
      /\nERR_AIO_UNSUPPORTED: [^\n]*"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp"[^\n]*$/,
    ],
    commands: { '': [1, /^FAULT isolation: .*Opener-Policy is missing, .*Embedder-Policy is missing\n.*\n +Vite/] },
  },
  'one header that says something else': {
    headers: { ...ISOLATED, 'Cross-Origin-Opener-Policy': 'same-origin-allow-popups' },
    page: [/^FAULT isolation: .*Cross-Origin-Opener-Policy is "same-origin-allow-popups", not "same-origin"\n/],
    commands: { '': [1, /Cross-Origin-Opener-Policy is "same-origin-allow-popups"/] },
  },
  'an engine that lacks Atomics.waitAsync': {
    init: () => delete Atomics.waitAsync,
    page: [/\nok {4}engine: .*; no Atomics\.waitAsync: a worker more waits in its place\n[^]*\nok {4}workers: one started, .*\n\ncreated$/],
  },
  'an engine without shared memory': {
    init: () => (WebAssembly.validate = () => false),
    page: [/\nFAULT engine: this engine has no shared WebAssembly memory\n/],
  },
  'the wrong MIME type': {
    answers: { '/aio.wasm': { headers: { 'Content-Type': 'text/plain' } } },
    page: [/\nnote {2}module: .*compiles, but comes as "text\/plain", not "application\/wasm"\n[^]*types \{ application\/wasm wasm; \}[^]*\nok {4}workers: [^]*created$/],
    commands: { 'aio.wasm': [0, /^note {2}module: .*"text\/plain"/] },
  },
  'HTML instead of wasm': {
    answers: { '/aio.wasm': HTML },
    page: [/\nFAULT module: .*aio\.wasm is an HTML page, not a WebAssembly module: .*\n +The server answers with a page/, /\nERR_AIO_MODULE: .*is an HTML page/],
    commands: { 'aio.wasm': [1, /^FAULT module: .*is an HTML page/] },
  },
  'no wasm at all': {
    answers: { '/aio.wasm': NOT_FOUND },
    page: [/\nFAULT module: .*aio\.wasm answers with HTTP status 404\n/],
    commands: { 'aio.wasm': [1, /HTTP status 404/] },
  },
  'a wasm file of somebody else': {
    query: '?module=other.wasm',
    answers: { '/other.wasm': { headers: { 'Content-Type': 'application/wasm' }, body: Buffer.from('0061736d01000000', 'hex') } },
    page: [/\nFAULT module: .*imports no memory; build it with aiocc\n/],
  },
  'too little memory': {
    query: `?maximumMemory=${2 ** 45}`,
    page: [/\nFAULT memory: no shared memory of up to \d+ MiB: .*\n +Give a smaller maximumMemory/],
  },
  'a policy that forbids workers': {
    headers: { ...ISOLATED, 'Content-Security-Policy': "worker-src 'none'" },
    page: [/\nFAULT workers: the page's Content-Security-Policy forbids the worker .*worker\.js \(worker-src\)\n +Allow .*worker-src 'self'/],
  },
  'a policy that forbids WebAssembly': {
    headers: { ...ISOLATED, 'Content-Security-Policy': "script-src 'self'" },
    page: [/\nFAULT module: the page's Content-Security-Policy forbids WebAssembly: .*\n +Add 'wasm-unsafe-eval'/],
  },
  'HTML instead of the worker': {
    answers: { '/worker.js': HTML },
    page: [/\nFAULT workers: .*worker\.js comes as "text\/html", not "text\/javascript"\n/],
    commands: { 'worker.js': [1, /comes as "text\/html"/] },
  },
  'no worker at all': {
    answers: { '/worker.js': NOT_FOUND },
    page: [/\nFAULT workers: .*worker\.js answers with HTTP status 404\n/],
    commands: { 'worker.js': [1, /HTTP status 404/] },
  },
  'a worker without the header': {
    answers: { '/worker.js': { headers: { 'Cross-Origin-Embedder-Policy': 'unsafe-none' } } },
    page: [/\nFAULT workers: .*worker\.js comes without Cross-Origin-Embedder-Policy/],
    commands: { 'worker.js': [1, /comes without Cross-Origin-Embedder-Policy/] },
  },
};

/** Tests by name; folder: a bundle of app/doctor.js with its worker and module. */
export function doctorTests(room, browser) {
  const site = () => room.path('doctor');
  const command = (...args) => execute(process.execPath, [room.path('app/node_modules/wasm-aio/dist/cli/main.js'), 'doctor', ...args]);
  const tests = {
    async 'wasm-aio doctor finds nothing wrong with Node'() {
      cpSync(room.path('out/page'), site(), { recursive: true });
      room.write('doctor/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="doctor.js"></script></body>');
      const { code, out, err } = await command();
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^(ok {4}\w+: .*\n){5}$/);
    },
    async 'wasm-aio doctor refuses what is no address, and says when nothing answers'() {
      assert.match((await command('nowhere')).err, /nowhere: not an address/);
      assert.match((await command('http://127.0.0.1:9/')).err, /127\.0\.0\.1:9\/ does not answer: /);
    },
  };
  for (const [name, { headers, answers = {}, init, query = '', page: patterns, commands = {} }] of Object.entries(cases)) {
    tests[`doctor: ${name}`] = async (Skipped) => {
      const server = await serveStatic(site(), headers, (path) => answers[path]);
      try {
        for (const [path, [code, pattern]] of Object.entries(commands)) {
          const ran = await command(server.address + path);
          assert.equal(ran.code, code, ran.err);
          assert.match(ran.out, pattern);
        }
        if (!Browser.isThere) throw new Skipped('chromium is not installed');
        const text = await browser.page(async (page) => {
          if (init) await page.addInitScript(init);
          await page.goto(server.address + query);
          return (await page.waitForFunction(() => document.body.textContent.trim())).jsonValue();
        });
        for (const pattern of patterns) assert.match(text, pattern);
      } finally {
        server.close();
      }
    };
  }
  return tests;
}
