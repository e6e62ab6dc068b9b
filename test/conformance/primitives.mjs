// SPDX-License-Identifier: MIT
/**
 * The first layer: the suite of ts/conformance, which does not use this library. In Node, Deno and Bun by the command
 * wasm-aio conformance, in browsers by its page.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { servePages } from './pages.mjs';
import { start } from './runtimes.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));
/** The whole suite in one runtime; each case has a watchdog of its own. */
const PATIENCE_MS = 300_000;

/** The names of all cases. */
export async function primitives() {
  const { cases } = await import('../../dist/conformance/suite.js');
  return cases.map(({ id }) => id);
}

async function inProgram(runtime, ids) {
  const child = start(runtime.command(join(top, 'dist/cli/main.js'), 'conformance', '--json', ...ids.map((id) => `--case=${id}`)));
  const timer = setTimeout(() => void child.end(), PATIENCE_MS);
  const { code, signal } = await child.ended;
  clearTimeout(timer);
  await child.end();
  const line = child.output().split('\n').find((each) => each.startsWith('{"runtime"'));
  if (!line) throw new Error(`wasm-aio conformance ended by ${signal ?? code}: ${child.output()}`);
  return JSON.parse(line);
}

async function inBrowser(runtime, ids) {
  let report;
  const reported = new Promise((resolve) => (report = resolve));
  const server = await servePages({ next: () => null, result: () => {}, report });
  const query = new URLSearchParams([['report', '/report'], ...ids.map((id) => ['case', id])]);
  const browser = runtime.open(`${server.url}dist/conformance/conformance.html?${query}`);
  let timer;
  try {
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no report within ${PATIENCE_MS / 1000} s\n${browser.output()}`)), PATIENCE_MS)));
    const closed = browser.ended.then(({ code, signal }) => Promise.reject(new Error(`the browser ended with ${code ?? signal}\n${browser.output()}`)));
    return await Promise.race([reported, late, closed]);
  } finally {
    clearTimeout(timer);
    await browser.end();
    server.close();
  }
}

/** Runs these cases in one runtime. Resolves with {runtime: {name, version}, results}; results have verdicts. */
export const runPrimitives = async (runtime, ids) => (runtime.kind === 'browser' ? inBrowser(runtime, ids) : inProgram(runtime, ids));
