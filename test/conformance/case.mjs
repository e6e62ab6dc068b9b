// SPDX-License-Identifier: MIT
/** What a case that is a script gets, in every runtime. */

class Skipped extends Error {}

const page = 'document' in globalThis;
const threads = page ? undefined : await import('node:worker_threads');

async function path(name) {
  if (page) {
    if (typeof navigator.storage?.getDirectory !== 'function') throw new Skipped('this browser has no file system for pages');
    return name;
  }
  const [{ mkdtempSync }, { tmpdir }, { join }] = await Promise.all(['node:fs', 'node:os', 'node:path'].map((from) => import(from)));
  return join(mkdtempSync(join(process.env.AIO_SCRATCH ?? tmpdir(), 'case-')), name);
}

/**
 * Given to a case's function:
 * - runtime: the name of the runtime (node20, deno, chromium, …),
 * - page: whether this is a page,
 * - module(name): the URL of build/conformance/NAME.wasm,
 * - makeWorker(url): a worker of the kind that the runtime's entry of the package takes,
 * - path(name): where a file of that name may be made; skips the case where there are no files,
 * - check(condition, text): fails the case unless the condition holds,
 * - exit(): the process need not end by itself afterwards,
 * - skip(why): leaves the case.
 */
const given = (runtime, exit) => ({
  runtime,
  page,
  module: (name) => new URL(`../../build/conformance/${name}.wasm`, import.meta.url),
  path,
  makeWorker: (url) => (threads ? new threads.Worker(url) : new Worker(url, { type: 'module' })),
  check(condition, text) {
    if (!condition) throw new Error(text);
  },
  exit,
  skip(why) {
    throw new Skipped(why);
  },
});

/** Runs one; load imports it. Resolves with its status and text; exit: it says that by given.exit(). */
export async function runCase(runtime, load, exit = () => {}) {
  try {
    const { default: run } = await load();
    const text = await run(given(runtime, exit));
    return { status: 'passed', text: text === undefined ? '' : String(text) };
  } catch (error) {
    if (error instanceof Skipped) return { status: 'skipped', text: error.message };
    const causes = error?.cause ? `\n  cause: ${error.cause.stack ?? error.cause}` : '';
    return { status: 'failed', text: `${error?.message ?? error}\n${error?.stack ?? ''}${causes}` };
  }
}
