// make test-firefox: the tests of the demo pages, which make test-jest runs in Chromium, in Debian's Firefox. The Playwright of the
// development dependencies needs a newer Firefox, so one that drives this one is installed into a temporary folder.
//
//   ONLY='disk race'      these pages alone
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGES = ['break', 'explorer', 'race', 'disk', 'run-page', 'conformance-page', 'site', 'accessible'];
const PLAYWRIGHT = 'playwright-core@1.59.0';

const top = fileURLToPath(new URL('../..', import.meta.url));
async function run(file, args, env = {}) {
  const [code] = await once(spawn(file, args, { cwd: top, stdio: 'inherit', env: { ...process.env, ...env } }), 'exit');
  return code;
}

const asked = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const unknown = asked.filter((name) => !PAGES.includes(name));
if (unknown.length > 0) throw new Error(`there is no page ${unknown.join(', ')}: the pages are ${PAGES.join(', ')}`);
const folder = mkdtempSync(join(tmpdir(), 'wasm-aio-firefox-'));
try {
  if (await run('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--loglevel=error', PLAYWRIGHT]) !== 0) throw new Error(`npm could not install ${PLAYWRIGHT}`);
  const only = `jest/(${(asked.length > 0 ? asked : PAGES).join('|')})[.]test`;
  process.exitCode = await run(process.execPath, ['test/run.mjs', 'jest'], { ONLY: only, PLAYWRIGHT_FOR_FIREFOX: join(folder, 'node_modules/playwright-core/index.js') });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
