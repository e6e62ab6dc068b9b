// SPDX-License-Identifier: MIT
/** All cases of the suite, and how one is run: a worker of its own, and a watchdog. */
import { assemble } from './wasm.js';
import { features } from './features.js';
import { toolkit } from './toolkit.js';
import wait from './areas/wait.js';
import waitAsync from './areas/async.js';
import atomics from './areas/atomics.js';
import messages from './areas/messages.js';
import workers from './areas/workers.js';
import terminate from './areas/terminate.js';
import memory from './areas/memory.js';
import instructions from './areas/instructions.js';
import modules from './areas/modules.js';
import clock from './areas/clock.js';
import host from './areas/host.js';
import opfs from './areas/opfs.js';
import isolation from './areas/isolation.js';

export const areas = [wait, waitAsync, atomics, messages, workers, terminate, memory, instructions, modules, clock, host, opfs, isolation];

/** The cases of all areas: with their areas' names before their own ones, and all that they require. */
export const cases = areas.flatMap(({ area, requires = [], cases }) => cases.map((one) => ({
  ...one, id: `${area}/${one.id}`, area, requires: [...new Set([...requires, ...(one.requires ?? []), ...(one.on === 'main' ? [] : ['workers'])])],
})));

/** A case without an end has failed after this time, unless it says another one. It is long, because machines can be slow and busy. */
export const PATIENCE_MS = 30_000;
/** Cases that do not measure time run at the same time. */
const AT_ONCE = 4;

const bytesOf = ({ wasm = {} }) => Object.fromEntries(Object.entries(wasm).map(([name, source]) => [name, assemble(source)]));

/** Features of the main thread and of workers; a runtime without workers has those of the main thread only. */
async function allFeatures(tools) {
  const main = await features();
  if (!main.workers) return { main, worker: {} };
  const probe = tools.worker(`async () => (${features})()`);
  const worker = await Promise.race([probe.ended, tools.sleep(PATIENCE_MS)]).catch(() => undefined);
  probe.terminate();
  return { main, worker: worker ?? {} };
}

async function runCase(tools, one, found) {
  const missing = one.requires.find((name) => !(one.on === 'main' ? found.main : found.worker)[name]);
  if (missing !== undefined) {
    const isolated = missing !== 'shared' || globalThis.crossOriginIsolated !== false;
    return { status: 'not run', text: isolated ? `no ${missing}` : 'not isolated' };
  }
  const { patience = PATIENCE_MS } = one;
  let own;
  let timer;
  try {
    if (one.on === 'main') own = { ended: (async () => await one.run(tools, bytesOf(one)))(), terminate() {} };
    else own = tools.worker(sourceOf(one), bytesOf(one));
    const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no end within ${patience / 1000} s`)), patience)));
    const text = await Promise.race([own.ended, late]);
    return { status: 'passed', text: typeof text === 'string' ? text : '' };
  } catch (error) {
    if (error.name === 'Skipped') return { status: 'not run', text: error.message };
    return { status: 'failed', text: error.name === 'Error' ? error.message : `${error.name}: ${error.message}` };
  } finally {
    clearTimeout(timer);
    own?.terminate();
    if (one.on === 'main') await tools.cleanUp();
  }
}

/**
 * Runs cases, and reports each when it has ended: {id, status: 'passed' | 'failed' | 'not run', text, ms}. started(id) tells
 * when one begins.
 */
export async function runCases(chosen, report, started = () => {}) {
  const tools = toolkit();
  const found = await allFeatures(tools);
  const run = async (one) => {
    started(one.id);
    const begun = performance.now();
    const outcome = await runCase(tools, one, found);
    report({ id: one.id, ...outcome, ms: Math.round(performance.now() - begun) });
  };
  const rest = chosen.filter(({ alone, on }) => !alone && on !== 'main');
  const lane = async () => {
    for (let one; (one = rest.shift());) await run(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  for (const one of chosen.filter(({ alone, on }) => alone || on === 'main')) await run(one);
  return found;
}

/** The text of a case's method as an expression. */
const sourceOf = ({ run }) => String(run).replace(/^(async )?run\(/, (_, async = '') => `${async}function run(`);

/** A script that shows one case's behaviour and needs nothing else: for a report of a fault. */
export function reproduction(one) {
  const modules = Object.entries(one.wasm ?? {}).map(([name, source]) =>
    `// The module ${name}:\n${JSON.stringify(source, undefined, 1).replace(/^/gm, '//   ')}\nconst ${name} = new Uint8Array([${assemble(source)}]);\n\n`);
  const given = `{ ${Object.keys(one.wasm ?? {}).join(', ')} }`;
  return `// ${one.id}: ${one.title}
// Clause: ${one.clause}. Run it as a module: in Node, Deno and Bun, or in a page that is cross-origin isolated.

${modules.join('')}const run = ${sourceOf(one).replace(/^ {6}/gm, '')};

// What starts workers and compares values.
${toolkit}

const tools = toolkit();
setTimeout(() => {
  console.log('no end within 30 s');
  globalThis.process?.exit(1);
}, 30_000);
await ${one.on === 'main' ? `(async () => await run(tools, ${given}))()` : `tools.worker(run, ${given}).ended`}
  .then((text) => console.log(text === undefined ? 'passed' : \`passed: \${text}\`), (error) => console.log(\`failed: \${error.message}\`));
globalThis.process?.exit(0);
`;
}
