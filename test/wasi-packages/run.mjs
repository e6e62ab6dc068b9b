// make test-wasi-packages: packages of npm that were built with napi-rs for wasm32-wasip1-threads, unchanged, on WasiHost, wired as in
// docs/examples/emnapi.js. They are installed into a temporary folder. Each is started STARTS times in Node and in Chromium,
// and each time does work in threads.
//
//   ONLY='oxc node'      these packages and places alone; STARTS=n (200)
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Browser, serveStatic } from '../package/pages.mjs';
import { startOften } from './starts.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const STARTS = Number(process.env.STARTS || 200);

/** The packages: a guest of guests/ each, with the name, the version and the module of what it runs. */
const PACKAGES = {
  oxc: { name: '@oxc-parser/binding-wasm32-wasi', version: '0.156.0', wasm: 'parser.wasm32-wasi.wasm' },
  rolldown: { name: '@rolldown/binding-wasm32-wasi', version: '1.3.3', wasm: 'rolldown-binding.wasm32-wasi.wasm' },
  image: { name: '@napi-rs/image-wasm32-wasi', version: '1.15.0', wasm: 'image.wasm32-wasi.wasm' },
};

const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const chosen = (all) => (only.some((word) => all.includes(word)) ? all.filter((name) => only.includes(name)) : all);
const places = { node: inNode, chromium: inChromium };

const folder = mkdtempSync(join(tmpdir(), 'wasi-packages-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** Installs the packages, which npm takes to be for another processor, and makes one file of each guest's code with what it imports. */
async function install(names) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  execFileSync('npm', ['install', '--force', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...names.map((guest) => `${PACKAGES[guest].name}@${PACKAGES[guest].version}`)],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const guest of names) {
    // In the package's own folder, so that its versions of what it depends on are found.
    const home = join(folder, 'node_modules', PACKAGES[guest].name);
    cpSync(join(top, 'docs/examples/emnapi.js'), join(home, 'emnapi.js'));
    cpSync(join(top, 'test/wasi-packages/guests', `${guest}.mjs`), join(home, `${guest}.mjs`));
    await build({ entryPoints: [join(home, `${guest}.mjs`)], bundle: true, format: 'esm', outfile: join(folder, `${guest}.js`), logLevel: 'warning' });
    cpSync(join(home, PACKAGES[guest].wasm), join(folder, `${guest}.wasm`));
  }
  symlinkSync(join(top, 'dist'), join(folder, 'dist'));
  cpSync(join(top, 'test/wasi-packages/starts.mjs'), join(folder, 'starts.mjs'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>packages</title>');
}

async function inNode(guest) {
  const module = new Uint8Array(readFileSync(join(folder, `${guest}.wasm`)));
  return startOften(await import(new URL('../../dist/wasi.js', import.meta.url)), module, pathToFileURL(join(folder, `${guest}.js`)), STARTS);
}

async function inChromium(guest) {
  if (!Browser.isThere) return 'chromium is not installed (apt-get install chromium)';
  const server = await serveStatic(folder);
  const browser = new Browser();
  try {
    return await browser.page(async (page) => {
      await page.goto(server.address);
      return page.evaluate(async ([guest, starts]) => {
        const { startOften } = await import('/starts.mjs');
        const module = new Uint8Array(await (await fetch(`/${guest}.wasm`)).arrayBuffer());
        return startOften(await import('/dist/wasi-browser.js'), module, new URL(`/${guest}.js`, location.href), starts);
      }, [guest, STARTS]);
    });
  } finally {
    await browser.close();
    server.close();
  }
}

const middle = (times) => Math.round(times.sort((a, b) => a - b)[times.length >> 1] ?? 0);
const count = { passed: 0, failed: 0, skipped: 0 };
const guests = chosen(Object.keys(PACKAGES));
await install(guests);
for (const guest of guests) {
  for (const place of chosen(Object.keys(places))) {
    const what = `${PACKAGES[guest].name} ${PACKAGES[guest].version} in ${place}`;
    const result = await places[place](guest);
    if (typeof result === 'string') {
      count.skipped++;
      process.stdout.write(`  SKIPPED  ${what}: ${result}\n`);
      continue;
    }
    const { good, hangs, wrong, times } = result;
    count[good === STARTS ? 'passed' : 'failed']++;
    process.stdout.write(`           ${what}: ${good} of ${STARTS} starts, ${hangs} hangs, ${middle(times)} ms each${wrong.length > 0 ? `; ${wrong.length} failed: ${wrong[0]}` : ''}\n`);
  }
}
process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
if (count.failed > 0) process.exitCode = 1;
