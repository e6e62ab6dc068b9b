// doctor() in pages that are served wrongly, each in one way, and `wasm-aio doctor`.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { Browser, ISOLATED, serveStatic } from './pages.mjs';
import { execute } from './room.mjs';

const HTML = { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><p>the application' };
const HTML_WITH_ISOLATE = {
  headers: { 'Content-Type': 'text/html' },
  body: '<!doctype html><meta charset="utf-8"><body><script src="isolate.js"></script><script type="module" src="doctor.js"></script></body>',
};
const NOT_FOUND = { status: 404, body: 'not found\n' };

/** name: what the server does, and what the page and the command must then say. */
const cases = {
  'all is well': {
    page: [/^ok {4}isolation: this page is cross-origin isolated\nok {4}engine: .*\nok {4}module: .*aio\.wasm compiles\nok {4}memory: 1024 MiB .*\nok {4}workers: one started, .*\nok {4}files: a file of the origin was written, read and removed\nok {4}clock: the clock has steps of \d+ µs\nok {4}extras: Atomics\.waitAsync, .*promises in WebAssembly \(JSPI\), .*; not there, and not needed: .*waiting in this thread.*\n\ncreated$/],
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
  'one header, which Chromium knows': {
    headers: { 'Document-Isolation-Policy': 'isolate-and-credentialless' },
    page: [/^ok {4}isolation: this page is cross-origin isolated, by its header Document-Isolation-Policy\n[^]*\nok {4}workers: one started, .*\n[^]*\ncreated$/],
    commands: { '': [0, /^note {2}isolation: the page has Document-Isolation-Policy, which Chromium knows from 137 on/], 'worker.js': [0, /^ok {4}workers: /] },
  },
  'one header, which other browsers do not know': {
    // The page comes without it, as if the browser ignored it; doctor()'s own request finds it.
    headers: {},
    init: () => {
      const { fetch } = globalThis;
      globalThis.fetch = async (...args) => {
        const { body, status, headers } = await fetch(...args);
        return new Response(body, { status, headers: { ...Object.fromEntries(headers), 'Document-Isolation-Policy': 'isolate-and-credentialless' } });
      };
    },
    page: [/^FAULT isolation: this browser does not know the header Document-Isolation-Policy of this page\n +Send both headers/],
  },
  'a service worker': {
    headers: {},
    answers: { '/': HTML_WITH_ISOLATE },
    // The service worker loads the page a second time.
    until: 'created',
    page: [/^ok {4}isolation: this page is cross-origin isolated, by its service worker isolate\.js\n[^]*\ncreated$/],
    commands: { '': [0, /^note {2}isolation: the page has no headers, but isolate\.js, whose service worker adds them/] },
  },
  'a service worker that is missing': {
    headers: {},
    answers: { '/': HTML_WITH_ISOLATE, '/isolate.js': NOT_FOUND },
    page: [/^FAULT isolation: this page loads isolate\.js, but no service worker controls it\n +Load the page again, without Shift/],
    commands: { '': [1, /^FAULT isolation: the page has no headers, and its http:\S+\/isolate\.js answers with HTTP status 404\n +Copy/] },
  },
  'an engine that lacks Atomics.waitAsync': {
    init: () => delete Atomics.waitAsync,
    page: [/\nok {4}engine: .*; no Atomics\.waitAsync: a worker more waits in its place\n[^]*\nok {4}workers: one started, .*\n[^]*\nok {4}extras: [^;\n]*; not there, and not needed: Atomics\.waitAsync, .*\n\ncreated$/],
  },
  'a browser without files of the origin': {
    query: '?files=none',
    page: [/\nok {4}workers: .*\nnote {2}files: wasm-aio-doctor-\S+: this browser has no files of the origin .*\n +io\.open\(\) rejects here; everything else works\.\nok {4}clock: [^]*created$/],
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
  'an engine that refuses a large memory, as on phones': {
    init: () => {
      WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
        construct(target, [limits]) {
          if (limits.maximum > 4096) throw new RangeError('could not allocate memory');
          return Reflect.construct(target, [limits]);
        },
      });
    },
    page: [/\nnote {2}memory: 256 MiB of address space are available, and not 1024 MiB\n +A runtime takes this\..*\nok {4}workers: [^]*created$/],
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
      cpSync(room.path('app/node_modules/wasm-aio/dist/isolate.js'), room.path('doctor/isolate.js'));
      room.write('doctor/index.html', '<!doctype html><meta charset="utf-8"><body><script type="module" src="doctor.js"></script></body>');
      const { code, out, err } = await command();
      assert.deepEqual([code, err], [0, '']);
      assert.match(out, /^(ok {4}\w+: .*\n){8}$/);
      assert.match(out, /\nok {4}files: the machine's files can be read\nok {4}clock: .* µs\nok {4}extras: Atomics\.waitAsync, .*waiting in this thread.*\n$/);
    },
    async 'wasm-aio doctor refuses what is no address, and says when nothing answers'() {
      assert.match((await command('nowhere')).err, /nowhere: not an address/);
      assert.match((await command('http://127.0.0.1:9/')).err, /127\.0\.0\.1:9\/ does not answer: /);
    },
  };
  for (const [name, { headers, answers = {}, init, query = '', until = '', page: patterns, commands = {} }] of Object.entries(cases)) {
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
          return (await page.waitForFunction((end) => document.body?.textContent.trim().endsWith(end) && document.body.textContent.trim(), until)).jsonValue();
        });
        for (const pattern of patterns) assert.match(text, pattern);
      } finally {
        server.close();
      }
    };
  }
  return tests;
}
