// SPDX-License-Identifier: MIT
// Calls to another thread, in proportion to what the same work costs otherwise in the same run: a bare postMessage round trip
// between two threads, a copy that is transferred, another pool.
//
//   node test/bench/calls/run.mjs     ONLY=prefix,…: only lines that begin so; QUICK=1: shorter; DOCS=1: writes the tables to
//                                     docs/performance.md and the picture of the README, too
//
// Standard output: the tables. A goal that is missed is no failure.
import { cpuUsage } from 'node:process';
import { makeContenders } from './contenders.mjs';
import { pollFloor } from './poll-floor.mjs';
import { CONCURRENCY, makePools, ROUND } from './pools.mjs';
import { allowedCpus, cannotPlace, placeThread } from '../place.mjs';
import { median, Tables } from './tables.mjs';

const quick = (process.env.QUICK ?? '') !== '';
const only = (process.env.ONLY ?? '').split(/[ ,]+/).filter((word) => word !== '');
const ROUNDS = quick ? 3 : 15;
const MS = quick ? 60 : 150;
/** So long a contender runs before its first sample of a line. V8 compiles what a call runs only after thousands of calls. */
const WARM_UP_MS = quick ? 400 : 1000;
const now = () => Number(process.hrtime.bigint());

const small = { id: 1, name: 'hello', list: [1, 2, 3] };
const large = new Uint8Array(1 << 20);
const rows = Array.from({ length: 200_000 }, (_, id) => ({ id, name: `row ${id}` }));

const { io, post, comlink, piscina, ring, spinning, waking, synckit, pairs, tids, end } = await makeContenders();
const all = (n, call) => Promise.all(Array.from({ length: n }, call));
const posts = async () => { for (let n = 0; n < 100; n++) await post(small); };
const transferred = () => {
  const copy = large.slice();
  return post({ transferred: copy }, [copy.buffer]);
};

/**
 * Lines: what they are, how many calls are made in one go, the contenders, of which the second is what ours is compared with,
 * and the goal for that ratio.
 */
const LINES = {
  r_call: { what: 'a call with a small object', calls: 1, goal: 0.9, by: { ours: () => io.echo(small), postMessage: () => post(small), comlink: () => comlink.echo(small), piscina: () => piscina(small), y_ring: () => ring(small) } },
  r_async: { what: 'the same, of an async function', calls: 1, goal: 0.9, by: { ours: () => io.later(small), postMessage: () => post(small), comlink: () => comlink.later(small) } },
  r_burst: { what: '100 calls at once, each', calls: 100, goal: 0.5, by: { ours: () => all(100, () => io.echo(small)), postMessage: () => all(100, () => post(small)), comlink: () => all(100, () => comlink.echo(small)), y_ring: () => all(100, () => ring(small)) } },
  r_back: { what: '100 call-backs, one after another, each', calls: 100, by: { ours: () => io.back((n) => n, 100), postMessage: async () => { for (let n = 0; n < 100; n++) await post(n); } } },
  r_peer: { what: 'a call from IOThread to IOThread, both asleep in WebAssembly', calls: 100, goal: 0.5, by: { ours: () => pairs.asleep.near.peer(small, 100), postMessage: posts, y_wait: () => waking(100) } },
  r_peer_hosted: { what: "the same, asleep in JavaScript's event loop", calls: 100, goal: 0.9, by: { ours: () => pairs.hosted.near.peer(small, 100), postMessage: posts } },
  r_peer_poll: { what: 'the same, polling, beside a round trip of bottom halves of C', calls: 100, goal: 6, place: 'cross', by: { ours: () => pairs.polling.near.peer(small, 100), b_rtt_poll: pollFloor, y_ring: () => spinning(small, 100) } },
  r_sync: { what: 'a blocking call from IOThread to IOThread, both asleep', calls: 100, goal: 0.5, by: { ours: () => pairs.asleep.near.blocking(small, 100), postMessage: posts, synckit: () => synckit(small, 100), y_wait: () => waking(100) } },
  r_sync_poll: { what: 'the same, polling, beside a round trip of bottom halves of C', calls: 100, goal: 4, place: 'cross', by: { ours: () => pairs.polling.near.blocking(small, 100), b_rtt_poll: pollFloor, y_ring: () => spinning(small, 100) } },
  r_mib: { what: '1 MiB as Uint8Array, there and back, beside a copy that is transferred', calls: 1, goal: 1, by: { ours: () => io.echo(large), transfer: transferred, postMessage: () => post(large), comlink: () => comlink.echo(large) } },
  r_rows: { what: 'an array of 200,000 objects, there and back', calls: 1, goal: 1.1, by: { ours: () => io.echo(rows), postMessage: () => post(rows) } },
};

/** The lines of pools, whose threads are where the system puts them. */
function poolLines(pools) {
  const by = (task) => Object.fromEntries(Object.entries(pools).map(([contender, { work }]) => [contender, () => work(task)]));
  const calls = CONCURRENCY * ROUND;
  return {
    r_pool_empty: { what: `a task that does nothing, ${CONCURRENCY} at any time, two threads`, calls, goal: 0.33, by: by('empty') },
    r_pool_1ms: { what: 'the same, of tasks that compute for 1 ms', calls, goal: 1, by: by('busy') },
  };
}

async function run(work, ms) {
  if (work !== pollFloor) for (const end = now() + ms * 1e6; now() < end;) await work();
}

/**
 * Runs work() for a while. Returns the time a call took, and the processor time of the whole process, both in ns. The time is the mean, or
 * for threads that poll the median of what work() took, as that of b_rtt_poll is: if the system runs something else on one of the
 * two CPUs, both threads lose all that time, and the mean says how busy the machine is.
 */
async function sample(work, { calls, place }) {
  if (work === pollFloor) return { ns: await pollFloor(MS), cpu: NaN };
  await run(work, MS / 5);
  const took = [];
  const before = cpuUsage();
  const start = now();
  for (let last = start; last < start + MS * 1e6;) {
    await work();
    const end = now();
    took.push(end - last);
    last = end;
  }
  const { user, system } = cpuUsage(before);
  const ns = place ? median(took) : took.reduce((sum, ns) => sum + ns) / took.length;
  return { ns: ns / calls, cpu: ((user + system) * 1000) / calls / took.length };
}

const chosen = (lines) => Object.entries(lines).filter(([name]) => only.length === 0 || only.some((prefix) => name.startsWith(prefix)));

async function measure(tables, lines, place) {
  for (const [name, line] of chosen(lines)) {
    if (line.place && line.place !== place) continue;
    const samples = Object.fromEntries(Object.keys(line.by).map((contender) => [contender, []]));
    for (const work of Object.values(line.by)) await run(work, WARM_UP_MS);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [contender, work] of Object.entries(line.by)) samples[contender].push(await sample(work, line));
    }
    tables.line(name, line, samples);
  }
}

const tables = new Tables();
const cpus = allowedCpus();
for (const place of ['cross', 'same']) {
  if (chosen(LINES).length === 0) break;
  const why = cannotPlace(place);
  if (why) console.log(`threads cannot be placed: ${why}`);
  else {
    placeThread(process.pid, cpus[0]);
    const far = cpus[place === 'same' ? 0 : 1];
    for (const tid of Object.values(tids)) placeThread(tid, far);
    for (const [near, other] of [...Object.values(pairs).map((pair) => pair.tids), synckit.tids, spinning.tids, waking.tids]) {
      placeThread(near, cpus[0]);
      placeThread(other, far);
    }
  }
  tables.begin(why ? 'Threads where the system puts them' : place === 'cross' ? 'The two threads on two CPUs' : 'The two threads on one CPU');
  await measure(tables, LINES, place);
  if (why) break;
}
await end();
if (chosen(poolLines({})).length > 0) {
  if (!cannotPlace('same')) placeThread(process.pid, cpus.join());
  const pools = makePools();
  tables.begin('Pools, their threads where the system puts them');
  await measure(tables, poolLines(pools));
  for (const pool of Object.values(pools)) await pool.end();
}
if ((process.env.DOCS ?? '') !== '') tables.write();
