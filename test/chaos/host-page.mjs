// What programs need of a page, and what must be as it was after each.
import * as library from '/dist/index.js';
import * as wasi from '/dist/wasi.js';
import { makeProgram } from './program.mjs';
import { runRound } from './round.mjs';
import { DISK_SIZE, diskByte } from './world.mjs';

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const channel = new MessageChannel();
const turns = [];
channel.port1.onmessage = () => turns.shift()?.();

/** Whether nobody has the file open, at once or within 5 s. */
async function isFree(handle) {
  for (let i = 0; i < 100; i++) {
    const stream = await handle.createWritable({ keepExistingData: true }).catch(() => undefined);
    if (stream) {
      await stream.abort();
      return true;
    }
    await delay(50);
  }
  return false;
}

async function pageEnv() {
  const directory = await navigator.storage.getDirectory();
  const handle = await directory.getFileHandle('disk', { create: true });
  const stream = await handle.createWritable();
  await stream.write(Uint8Array.from({ length: DISK_SIZE }, (_, i) => diskByte(i)));
  await stream.close();
  const binary = new Uint8Array(await (await fetch('/build/chaos/module.wasm')).arrayBuffer());
  let world;
  const live = new Map();
  const uncaught = (event, error) => {
    event.preventDefault();
    world?.uncaught(error);
  };
  addEventListener('error', (event) => uncaught(event, event.error));
  addEventListener('unhandledrejection', (event) => uncaught(event, event.reason));
  return {
    library,
    wasi,
    binary,
    module: await WebAssembly.compile(binary),
    filesAreOwned: true,
    delay,
    turn: () => new Promise((resolve) => {
      turns.push(resolve);
      channel.port2.postMessage(0);
    }),
    path: (name) => name,
    service: (query) => new URL(query === 'missing' ? 'no-such-file.mjs' : `worker-page.mjs${query}`, import.meta.url),
    makeWorker(rt, url = new URL('/dist/iothread/worker-browser.js', location.href)) {
      const worker = new Worker(url, { type: 'module' });
      if (!live.has(rt)) live.set(rt, []);
      live.get(rt).push(worker);
      return worker;
    },
    // A page does not learn which of them have ended: one of these ends nothing then.
    kill(rt, n) {
      const workers = live.get(rt) ?? [];
      workers[n % workers.length]?.terminate();
      return workers.length > 0;
    },
    begin(next) {
      world = next;
    },
    async end() {
      live.clear();
      // Workers that were terminated keep files open for up to two seconds (Chromium): the next round needs them free.
      if (!(await isFree(handle))) world.problem('leak', "the file 'disk' is still open 5 s after all has been closed");
      world = undefined;
      for await (const name of directory.keys()) {
        // One that is still open in a worker that is ending stays for a while.
        if (name.startsWith('written-')) await directory.removeEntry(name).catch(() => {});
      }
    },
  };
}

/** Runs a program, { seed, without } or { program }; resolves with what is wrong. */
let env;
export async function run({ seed, without, program }) {
  env ??= await pageEnv();
  return runRound(program ?? makeProgram(seed, { without, host: 'page' }), env);
}
