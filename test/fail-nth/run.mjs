// SPDX-License-Identifier: MIT
// Every call of a kind fails in turn under TypeScript's objects: the first, the second, … until a run gets by without the one that would
// fail, and then each with all that follow it. What could not be had is the error that the API promises, nothing waits for ever, and the
// next run in the same runtime works. The C API's own test is test-fail-nth.c.
//
//   node test/fail-nth/run.mjs [name...]     TEST_LONG=1: a runtime of its own for each call also where that starts workers
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failures } from './failures.mjs';
import { check, removeFiles, threadedUses, uses } from './uses.mjs';

const PAGE = 65536;
const top = fileURLToPath(new URL('../..', import.meta.url));

/** Runs it with its n-th call failing: whether there was one. */
async function failOnce(runtime, { arm, came, disarm, allows }, use, n, on) {
  arm(runtime, n, on);
  const error = await use(runtime).then(() => undefined, (reason) => reason);
  const hasCome = came(runtime);
  disarm(runtime);
  if (error && !(hasCome && allows(error))) {
    throw new Error(`call ${n}${on ? ' and all after it' : ''}: ${error.code}: ${error.message}`, { cause: error });
  }
  try {
    await use(runtime);
  } catch (cause) {
    throw new Error(`after call ${n} has failed an ordinary run does: ${cause}`, { cause });
  }
  return hasCome;
}

/** Each in a runtime of its own: what is made once, and kept, is made in the first run of a runtime. */
async function failInFresh(create, failure, use) {
  for (let n = 1; ; n++) {
    const runtime = await create();
    const came = await failOnce(runtime, failure, use, n, 0);
    await runtime.close();
    if (!came) return n - 1;
  }
}

/** All in one runtime, which must be as it was after each. */
async function failInOne(create, failure, use, ons) {
  let calls = 0;
  const runtime = await create();
  await use(runtime);
  const { rt_handles_open: handles } = runtime.instance.exports;
  const open = handles();
  for (const on of ons) {
    for (let n = 1; await failOnce(runtime, failure, use, n, on); n++) {
      calls++;
      check(handles() === open, `call ${n} has left ${handles() - open} handles open`);
    }
  }
  await runtime.close();
  return calls;
}

const isNoMemory = ({ code }) => code === 'ERR_AIO_NO_MEMORY';

/** The pages that a runtime needs at least; it is refused with fewer. */
async function leastPages(create) {
  for (let pages = 1; ; pages++) {
    const runtime = await create({ maximumMemory: pages * PAGE }).catch((error) => {
      if (!isNoMemory(error)) throw error;
    });
    if (!runtime) continue;
    await runtime.close();
    return pages;
  }
}

/**
 * Memory that cannot grow beyond so many pages, one page more each time, until that is enough: each growth that there is is refused in one
 * of these runs.
 */
async function outgrow(create, least, use) {
  let refused = 0;
  for (let pages = least, enough = false; !enough; pages++) {
    const runtime = await create({ maximumMemory: pages * PAGE });
    // The second time what is kept may be there already: it may be refused, or not.
    for (let time = 0; time < 2; time++) {
      const error = await use(runtime).then(() => undefined, (reason) => reason);
      if (error && !isNoMemory(error)) throw new Error(`${pages} pages: ${error.code}: ${error.message}`, { cause: error });
      enough = !error;
      refused += Number(!enough);
    }
    await runtime.close();
  }
  return refused;
}

/** Does it so many times at once: a page has room for a few contexts. */
const atOnce = (times, use) => async (runtime) => {
  const results = await Promise.allSettled(Array.from({ length: times }, () => use(runtime)));
  for (const { reason } of results) if (reason) throw reason;
};

/** Not a limit that anything comes near: what never ends is to be named. */
async function inTime(work, ms = 120_000) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no end after ${ms / 1000} s`)), ms)));
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns {Promise<{passed: number, failed: number, skipped: number}>} */
export async function runFailNth(only = []) {
  const { Runtime } = await import('../../dist/index.js');
  const count = { passed: 0, failed: 0, skipped: 0 };
  const bytes = readFileSync(join(top, 'build', 'fail-nth.wasm'));
  const module = await WebAssembly.compile(bytes);
  const create = (options) => Runtime.create({ module, reserve: 0, ...options });
  const test = async (name, work) => {
    if (only.length > 0 && !only.some((word) => name.includes(word))) return;
    const begun = performance.now();
    try {
      const calls = await inTime(work());
      check(calls > 0, 'no call has failed: is the module linked with the hooks?');
      count.passed++;
      if (process.env.V) process.stdout.write(`  passed fail-nth:${name} (${calls} calls, ${Math.round(performance.now() - begun)} ms)\n`);
    } catch (error) {
      count.failed++;
      process.stdout.write(`  FAILED fail-nth:${name}: ${error.message}\n${String(error.cause?.stack ?? error.stack).replace(/^/gm, '      ')}\n`);
    }
  };
  const all = { ...uses, ...threadedUses };
  for (const failure of failures) {
    for (const kind of failure.uses(Object.keys(all))) {
      const use = all[kind];
      await test(`${kind} without ${failure.name}`, async () => {
        // Starting a worker takes its time: TEST_LONG does it for each call.
        const fresh = failure.fresh ?? (kind in uses || 'TEST_LONG' in process.env);
        const ons = failure.ons ?? (fresh ? [1] : [0, 1]);
        return (fresh ? await failInFresh(() => create(failure.options), failure, use) : 0) + await failInOne(() => create(failure.options), failure, use, ons);
      });
    }
  }
  // From bytes it is known what a module needs.
  const least = await leastPages((options) => create({ module: bytes, ...options }));
  for (const kind of Object.keys(all)) {
    // What these need there is room for where there is a runtime.
    if (['buffers', 'bottom halves'].includes(kind)) continue;
    const use = ['contexts', 'timers', 'notifiers and handlers'].includes(kind) ? atOnce(16, all[kind]) : all[kind];
    await test(`${kind} in memory that does not grow`, () => outgrow(create, least, use));
  }
  removeFiles();
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { passed, failed } = await runFailNth(process.argv.slice(2));
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  // What hangs does so for good.
  if (failed > 0) process.exit(1);
}
