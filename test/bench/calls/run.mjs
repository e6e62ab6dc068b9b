// SPDX-License-Identifier: MIT
// Calls to another thread, in proportion to a bare postMessage round trip between two threads in the same run.
//
//   node test/bench/calls/run.mjs     ONLY=prefix,…: only lines that begin so; QUICK=1: shorter
//
// Standard output: a table. A goal that is missed is no failure.
import * as Comlink from 'comlink';
import { Worker } from 'node:worker_threads';
import { Runtime } from '../../../dist/index.js';
import { callByHand, makeRings } from './by-hand.mjs';
import { allowedCpus, cannotPlace, placeThread } from '../place.mjs';

const quick = (process.env.QUICK ?? '') !== '';
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const ROUNDS = quick ? 3 : 15;
const MS = quick ? 60 : 150;
const now = () => Number(process.hrtime.bigint());
const file = new URL('./echo.mjs', import.meta.url);

const small = { id: 1, name: 'hello', list: [1, 2, 3] };
const large = new Uint8Array(1 << 20);
const rows = Array.from({ length: 200_000 }, (_, id) => ({ id, name: `row ${id}` }));

// ---- The contenders, each with a worker of its own ----

const bare = new Worker(file, { workerData: { as: 'bare' } });
const waiting = [];
bare.on('message', (value) => waiting.shift()(value));
const post = (value) => new Promise((resolve) => {
  waiting.push(resolve);
  bare.postMessage(value);
});

const comlinkWorker = new Worker(file, { workerData: { as: 'comlink' } });
const listeners = new Map();
const comlink = Comlink.wrap({
  postMessage: (message, list) => comlinkWorker.postMessage(message, list),
  addEventListener: (_type, listener) => {
    listeners.set(listener, (data) => listener({ data }));
    comlinkWorker.on('message', listeners.get(listener));
  },
  removeEventListener: (_type, listener) => comlinkWorker.off('message', listeners.get(listener)),
});

const rings = makeRings();
const byHand = new Worker(file, { workerData: { as: 'by hand', rings } });
const byHandThread = await new Promise((resolve) => byHand.once('message', resolve));
byHand.unref();
const ring = callByHand(rings);

const runtime = await Runtime.create();
const io = (await runtime.iothread('calls', { module: file, pollMaxNs: 0 })).remote;

/** Two IOThreads of which the first calls the second; they poll for so long before they sleep. */
async function pair(name, pollMaxNs, busy = false) {
  const [near, far] = (await Promise.all(['near', 'far'].map((end) => runtime.iothread(`${name} ${end}`, { module: file, pollMaxNs })))).map(({ remote }) => remote);
  await near.meet(far);
  if (busy) await Promise.all([near.busy(), far.busy()]);
  return { near, tids: [await near.thread(), await far.thread()] };
}
const pairs = { asleep: await pair('asleep', 0), hosted: await pair('hosted', 0, true), polling: await pair('polling', 100_000) };
const posts = async () => { for (let n = 0; n < 100; n++) await post(small); };

const all = (n, call) => Promise.all(Array.from({ length: n }, call));

/** Lines: [name, what it is, calls in one go, goal in proportion to postMessage, contenders]. */
const LINES = [
  ['r_call', 'a call with a small object', 1, 0.9, { ours: () => io.echo(small), comlink: () => comlink.echo(small), ring: () => ring(small), postMessage: () => post(small) }],
  ['r_async', 'the same, of an async function', 1, 0.9, { ours: () => io.later(small), comlink: () => comlink.later(small), postMessage: () => post(small) }],
  ['r_burst', '100 calls at once, each', 100, 0.5, { ours: () => all(100, () => io.echo(small)), comlink: () => all(100, () => comlink.echo(small)), ring: () => all(100, () => ring(small)), postMessage: () => all(100, () => post(small)) }],
  ['r_back', '100 call-backs, one after another, each', 100, undefined, { ours: () => io.back((n) => n, 100), postMessage: async () => { for (let n = 0; n < 100; n++) await post(n); } }],
  ['r_peer', 'a call from IOThread to IOThread, both asleep in WebAssembly', 100, 0.5, { ours: () => pairs.asleep.near.peer(small, 100), postMessage: posts }],
  ['r_peer_hosted', "the same, asleep in JavaScript's event loop", 100, 0.9, { ours: () => pairs.hosted.near.peer(small, 100), postMessage: posts }],
  ['r_peer_poll', 'the same, polling', 100, undefined, { ours: () => pairs.polling.near.peer(small, 100), postMessage: posts }],
  ['r_sync', 'a blocking call from IOThread to IOThread, both asleep', 100, 0.5, { ours: () => pairs.asleep.near.sync(small, 100), postMessage: posts }],
  ['r_sync_poll', 'the same, polling', 100, undefined, { ours: () => pairs.polling.near.sync(small, 100), postMessage: posts }],
  ['r_mib', '1 MiB as Uint8Array', 1, 1, { ours: () => io.echo(large), comlink: () => comlink.echo(large), postMessage: () => post(large) }],
  ['r_rows', 'an array of 200,000 objects', 1, 1.1, { ours: () => io.echo(rows), postMessage: () => post(rows) }],
];

const cpus = allowedCpus();
const tids = { ours: await io.thread(), comlink: await comlink.thread(), ring: byHandThread, postMessage: await post('thread') };

async function sample(work, calls) {
  for (const end = now() + MS * 2e5; now() < end;) await work();
  let n = 0;
  const start = now();
  do n += calls;
  while ((await work(), now() < start + MS * 1e6));
  return (now() - start) / n;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
/** Contenders and their titles. */
const SHOWN = [['ours', 'ours'], ['comlink', 'comlink'], ['ring', 'y_ring'], ['postMessage', 'postMessage']];
const RING_GOAL = 1.25;
const WIDTHS = [13, 9, 9, 9, 11, 14, 13];
const row = (...cells) => cells.map((cell, n) => cell.padEnd(WIDTHS[n])).join(' ');
const micros = (ns) => `${Number((ns / 1000).toPrecision(3))} µs`;

for (const place of ['cross', 'same']) {
  const why = cannotPlace(place);
  if (why) console.log(`threads cannot be placed: ${why}`);
  else {
    placeThread(process.pid, cpus[0]);
    for (const tid of Object.values(tids)) placeThread(tid, cpus[place === 'same' ? 0 : 1]);
    for (const { tids: [near, far] } of Object.values(pairs)) {
      placeThread(near, cpus[0]);
      placeThread(far, cpus[place === 'same' ? 0 : 1]);
    }
  }
  console.log(`\n${why ? 'threads where the system puts them' : place === 'cross' ? 'the two threads on two CPUs' : 'the two threads on one CPU'}`);
  console.log(row('line', ...SHOWN.map(([, title]) => title), 'to postMessage', 'to y_ring'));
  for (const [name, what, calls, goal, contenders] of LINES) {
    if (only.length > 0 && !only.some((prefix) => name.startsWith(prefix))) continue;
    const samples = Object.fromEntries(Object.keys(contenders).map((contender) => [contender, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const [contender, work] of Object.entries(contenders)) samples[contender].push(await sample(work, calls));
    }
    const to = (other, most) => {
      if (!samples[other]) return '';
      const ratio = median(samples.ours.map((ns, n) => ns / samples[other][n]));
      return `${ratio.toFixed(2)}${most === undefined ? '' : ratio <= most ? ` ok ≤ ${most}` : ` over ${most}`}`;
    };
    const times = SHOWN.map(([contender]) => (samples[contender] ? micros(median(samples[contender])) : ''));
    console.log(`${row(name, ...times, to('postMessage', goal), to('ring', RING_GOAL))} ${what}`);
  }
  if (why) break;
}
await runtime.close();
await bare.terminate();
await comlinkWorker.terminate();
await byHand.terminate();
