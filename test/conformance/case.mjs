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
 * Does something to the page, or to the process, that it cannot do itself: see drive.mjs. Resolves when that is over; with false if it
 * cannot be done in this browser.
 */
async function drive(what, ms) {
  if (page) return (await fetch('/drive', { method: 'POST', body: JSON.stringify({ what, ms }) })).json();
  if (what !== 'sleep' || process.platform === 'win32') return false;
  const [{ spawn }, { once }] = await Promise.all(['node:child_process', 'node:events'].map((from) => import(from)));
  const child = spawn('sh', ['-c', `kill -STOP $0; sleep ${ms / 1000}; kill -CONT $0`, String(process.pid)], { stdio: 'ignore' });
  await once(child, 'exit');
  return true;
}

/**
 * Given to a case's function:
 * - runtime: the name of the runtime (node20, deno, chromium, …),
 * - page: whether this is a page,
 * - module(name): the URL of build/conformance/NAME.wasm,
 * - makeWorker(url): a worker of the kind that the runtime's entry of the package takes,
 * - path(name): where a file of that name may be made; skips the case where there are no files,
 * - drive(what, ms): puts the machine to sleep for that time, or freezes or hides the page,
 * - check(condition, text): fails the case unless the condition holds,
 * - exit(): the process need not end by itself afterwards,
 * - skip(why): leaves the case.
 */
const given = (runtime, exit) => ({
  runtime,
  page,
  module: (name) => new URL(`../../build/conformance/${name}.wasm`, import.meta.url),
  path,
  drive,
  makeWorker: (url) => (threads ? new threads.Worker(url) : new Worker(url, { type: 'module' })),
  check(condition, text) {
    if (!condition) throw new Error(text);
  },
  exit,
  skip(why) {
    throw new Skipped(why);
  },
});

/** Collects what a case creates, so that a hang can be told with the state of every loop. Resolves with a function that returns that. */
async function watch() {
  const made = [];
  for (const type of [(await import('wasm-aio')).Runtime, (await import('wasm-aio/wasi')).WasiHost]) {
    const { create } = type;
    type.create = async (...args) => {
      const place = made.push([type.name, undefined]) - 1;
      const one = await create.apply(type, args);
      // The memory of what has been closed has to be free for others.
      made[place] = [type.name, new WeakRef(one)];
      return one;
    };
  }
  const stateOf = (one) => {
    if (!one) return 'it is being created, or could not be';
    try {
      return one.deref()?.dump() ?? 'it was closed';
    } catch (error) {
      return error.message;
    }
  };
  return () => made.map(([name, one], n) => `${name} ${n + 1} of ${made.length}:\n${stateOf(one)}`).join('\n');
}

/**
 * Runs one; load imports it. Resolves with its status and text. patience: after so many ms it has failed, and is told with the state
 * of all its loops; exit: it says by given.exit() that its process need not end by itself.
 */
export async function runCase(runtime, load, patience, exit = () => {}) {
  let timer;
  try {
    const { default: run } = await load();
    const dump = await watch();
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end within ${patience / 1000} s\n${dump()}`)), patience);
    });
    const text = await Promise.race([run(given(runtime, exit)), late]);
    return { status: 'passed', text: text === undefined ? '' : String(text) };
  } catch (error) {
    if (error instanceof Skipped) return { status: 'skipped', text: error.message };
    const causes = error?.cause ? `\n  cause: ${error.cause.stack ?? error.cause}` : '';
    const { message = String(error), stack = '' } = error ?? {};
    return { status: 'failed', text: `${stack.includes(message) ? '' : `${message}\n`}${stack}${causes}` };
  } finally {
    clearTimeout(timer);
  }
}
