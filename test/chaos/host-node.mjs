// What programs need of Node, and what must be as it was after each.
import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DISK_SIZE, diskByte } from './world.mjs';

const top = new URL('../../', import.meta.url);
const packageWorker = new URL('dist/iothread/worker-node.js', top);
const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What of this process is in use: listeners, and what keeps it alive. */
function inUse() {
  const counts = {};
  for (const name of process.eventNames()) counts[`listeners for ${String(name)}`] = process.listenerCount(name);
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What there is more of now. */
function added(before) {
  return Object.entries(inUse()).filter(([name, count]) => count > (before[name] ?? 0)).map(([name, count]) => `${name}: ${count} (${before[name] ?? 0})`);
}

/** Programs run in it one after the other; remove() at the end. */
export async function nodeEnv() {
  const dir = mkdtempSync(join(tmpdir(), 'chaos-'));
  writeFileSync(join(dir, 'disk'), Uint8Array.from({ length: DISK_SIZE }, (_, i) => diskByte(i)));
  const binary = new Uint8Array(readFileSync(fileURLToPath(new URL('build/chaos/module.wasm', top))));
  let world;
  let before;
  /** Workers that run, by the record of their runtime. */
  const live = new Map();
  const gone = new FinalizationRegistry((seed) => kept.delete(seed));
  /** The seeds of programs whose runtimes have not been collected. */
  const kept = new Map();

  const uncaught = (error) => {
    if (world) world.uncaught(error);
    else {
      process.stderr.write(`chaos: uncaught between two programs: ${error?.stack ?? String(error)}\n`);
      process.exitCode = 1;
    }
  };
  // Streams that are made when they are first asked for.
  void [process.stdin, process.stdout, process.stderr];
  // Too many listeners, and the like.
  process.on('warning', (warning) => world?.problem('warning', String(warning)));
  process.on('uncaughtException', uncaught).on('unhandledRejection', uncaught);

  return {
    library: await import('../../dist/index.js'),
    wasi: await import('../../dist/wasi.js'),
    sockets: await import('../../dist/socket.js'),
    binary,
    module: new WebAssembly.Module(binary),
    filesAreOwned: false,
    delay,
    turn: () => new Promise(setImmediate),
    path: (name) => join(dir, name),
    service: (query) => new URL(query === 'missing' ? 'no-such-file.mjs' : `worker-node.mjs${query}`, import.meta.url),

    makeWorker(rt, url = packageWorker, resourceLimits = undefined) {
      const worker = new Worker(url, { trackUnmanagedFds: false, resourceLimits });
      if (!live.has(rt)) live.set(rt, new Set());
      live.get(rt).add(worker);
      worker.on('exit', () => live.get(rt)?.delete(worker));
      return worker;
    },

    /** Ends a worker of that runtime as if by accident; false: there is none. */
    kill(rt, n) {
      const workers = [...(live.get(rt) ?? [])];
      if (workers.length === 0) return false;
      workers[n % workers.length].terminate();
      return true;
    },

    begin(next) {
      before = inUse();
      world = next;
    },

    async end() {
      // The last ones have said that they end, and are about to.
      const count = () => [...live.values()].reduce((sum, workers) => sum + workers.size, 0);
      for (let tries = 0; tries < 60 && count() > 0; tries++) await delay(tries);
      if (count() > 0) world.problem('workers', `${count()} workers run although all has been closed`);
      for (const signal of world.signals) {
        const listeners = getEventListeners(signal, 'abort').length;
        if (listeners > 0) world.problem('leak', `${listeners} listeners of an AbortSignal are left`);
      }
      // A timer of the program's own may still be on its way.
      for (let tries = 0; tries < 60 && added(before).length > 0; tries++) await delay(tries);
      for (const what of added(before)) world.problem('leak', `left in the process: ${what}`);
      for (const { runtime } of world.runtimes) {
        if (!runtime) continue;
        kept.set(world.program.seed, true);
        gone.register(runtime, world.program.seed);
      }
      live.clear();
      world = undefined;
    },

    /** Resolves with the seeds whose runtimes cannot be collected. */
    async uncollected() {
      for (let tries = 0; tries < 50 && kept.size > 1; tries++) {
        globalThis.gc();
        await delay(tries);
      }
      // What ran last may still be on some stack.
      return kept.size > 1 ? [...kept.keys()] : [];
    },

    remove: () => rmSync(dir, { recursive: true }),
  };
}
