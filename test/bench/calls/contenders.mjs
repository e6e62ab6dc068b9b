// SPDX-License-Identifier: MIT
// The contenders of run.mjs, each with threads of its own.
import * as Comlink from 'comlink';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Runtime } from '../../../dist/index.js';
import { callByHand, makeRings } from './by-hand.mjs';

const file = new URL('./echo.mjs', import.meta.url);
const start = (as, more = {}) => new Worker(file, { workerData: { as, ...more } });

/** Returns what posts a message to the worker and resolves with its answer; messages are answered in their order. */
function asker(worker) {
  const waiting = [];
  worker.on('message', (value) => waiting.shift()(value));
  return (value, list) => new Promise((resolve) => {
    waiting.push(resolve);
    worker.postMessage(value, list);
  });
}

function wrapComlink(worker) {
  const listeners = new Map();
  return Comlink.wrap({
    postMessage: (message, list) => worker.postMessage(message, list),
    addEventListener: (_type, listener) => {
      listeners.set(listener, (data) => listener({ data }));
      worker.on('message', listeners.get(listener));
    },
    removeEventListener: (_type, listener) => worker.off('message', listeners.get(listener)),
  });
}

/** So long the threads of the lines that poll do so before they sleep. */
const POLL_NS = 100_000;

const first = (worker) => new Promise((resolve) => worker.once('message', resolve));

/** Two IOThreads of which the first calls the second; they poll for so long before they sleep. */
async function pair(runtime, name, pollMaxNs, busy = false) {
  const ends = await Promise.all(['near', 'far'].map((end) => runtime.iothread(`${name} ${end}`, { module: file, pollMaxNs })));
  const [near, far] = ends.map(({ remote }) => remote);
  await near.meet(far);
  if (busy) await Promise.all([near.busy(), far.busy()]);
  return { near, ends, tids: [await near.thread(), await far.thread()] };
}

export async function makeContenders() {
  const bare = start('bare');
  const post = asker(bare);
  const comlinkWorker = start('comlink');
  const comlink = wrapComlink(comlinkWorker);

  const pool = new Piscina({ filename: new URL('./tasks.mjs', import.meta.url).href, minThreads: 1, maxThreads: 1 });
  const piscina = (value) => pool.run(value, { name: 'empty' });

  const rings = makeRings();
  const byHand = start('by hand', { rings });
  const byHandThread = await first(byHand);
  byHand.unref();

  const spinningRings = makeRings();
  const spinningFar = start('by hand', { rings: spinningRings, pollMs: POLL_NS / 1e6 });
  const spinningTids = [0, await first(spinningFar)];
  spinningFar.unref();
  const spinningNear = start('spinning', { rings: spinningRings });
  spinningTids[0] = await first(spinningNear);
  const askSpinning = asker(spinningNear);
  const spinning = Object.assign((value, times) => askSpinning({ value, times }), { tids: spinningTids });

  const words = new Int32Array(new SharedArrayBuffer(8));
  const wakingFar = start('wakes near', { words });
  const wakingTids = [0, await first(wakingFar)];
  wakingFar.unref();
  const wakingNear = start('wakes far', { words });
  wakingTids[0] = await first(wakingNear);
  const askWaking = asker(wakingNear);
  const waking = Object.assign((times) => askWaking(times), { tids: wakingTids });

  const synckitWorker = start('synckit');
  const synckitThreads = await first(synckitWorker);
  const askSynckit = asker(synckitWorker);
  const synckit = Object.assign((value, times) => askSynckit({ value, times }), { tids: synckitThreads });

  const runtime = await Runtime.create({ maxThreads: 16 });
  const io = (await runtime.iothread('calls', { module: file, pollMaxNs: 0 })).remote;
  const pairs = {
    asleep: await pair(runtime, 'asleep', 0),
    hosted: await pair(runtime, 'hosted', 0, true),
    polling: await pair(runtime, 'polling', POLL_NS),
  };
  return {
    io, post, comlink, piscina, ring: callByHand(rings), spinning, waking, synckit, pairs,
    tids: { ours: await io.thread(), comlink: await comlink.thread(), ring: byHandThread, postMessage: await post('thread'), piscina: await pool.run(undefined, { name: 'thread' }) },
    async end() {
      await runtime.close();
      await pool.destroy();
      for (const worker of [bare, comlinkWorker, byHand, spinningFar, spinningNear, wakingFar, wakingNear, synckitWorker]) await worker.terminate();
    },
  };
}
