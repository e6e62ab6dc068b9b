// All features at once for some minutes: every byte is checked, nothing is to fail but what is made
// to, and memory has to stay flat. Needs --expose-gc.
//
//   MINUTES=n node --expose-gc test/chaos/soak.mjs
//   WITHOUT=calls,programs              lanes to leave out (test/chaos/soak-lanes.mjs)
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime, release } from '../../dist/index.js';
import { WasiHost } from '../../dist/wasi.js';
import { lanes } from './soak-lanes.mjs';
import { DISK_SIZE, diskByte } from './world.mjs';

const without = (process.env.WITHOUT ?? '').split(',');
const MINUTES = Number(process.env.MINUTES || 10);
/** Samples a minute, of which the first half is not looked at: pools and caches fill. */
const SAMPLES = 6;
const MIB = 1 << 20;

/** What may be added in the time that is looked at: noise of the garbage collector and of malloc, and what the lanes
 * have open at the moment. (One handle a round of any lane would be hundreds a minute.) */
const allowed = { rss: 24 * MIB, heap: 4 * MIB, wasm: 256 * 1024, memory: 0, handles: 4, workers: 2, resources: 4 };

const top = new URL('../../', import.meta.url);
const dir = mkdtempSync(join(tmpdir(), 'soak-'));
writeFileSync(join(dir, 'disk'), Uint8Array.from({ length: DISK_SIZE }, (_, i) => diskByte(i)));

const module = new WebAssembly.Module(readFileSync(new URL('build/chaos/module.wasm', top)));
const runtime = await Runtime.create({ module });
const soak = {
  Runtime, WasiHost, release, module, runtime,
  rot13: new Uint8Array(readFileSync(new URL('build/examples/rot13.wasm', top))),
  disk: join(dir, 'disk'), path: (name) => join(dir, name),
  service: new URL('worker-node.mjs', import.meta.url),
  counts: {}, wrong: [],
  /** Errors that a lane has its call-backs throw. */
  expected: new Set(),
  over: false,
};
const unexpected = (error) => {
  if (!soak.expected.delete(error)) soak.wrong.push(`uncaught: ${error?.stack ?? String(error)}`);
};
process.on('uncaughtException', unexpected).on('unhandledRejection', unexpected);

function sample() {
  for (let i = 0; i < 3; i++) globalThis.gc();
  const { rss, heapUsed } = process.memoryUsage();
  const { instance } = runtime;
  return {
    rss, heap: heapUsed, wasm: runtime.call('heap_used'), memory: instance.memory.memory.buffer.byteLength,
    handles: instance.exports.rt_handles_open(), workers: runtime.workerCount, resources: process.getActiveResourcesInfo().length,
  };
}

/** How long the rounds of a lane take: counts by time, an eighth of a power of two of a microsecond wide, so that they take no memory. */
class Times {
  #counts = new Float64Array(256);
  #all = 0;
  #last = performance.now();

  /** A round has ended, and the next one begins. */
  did() {
    const now = performance.now();
    this.#counts[Math.min(255, Math.round(8 * Math.log2(Math.max(1, (now - this.#last) * 1000))))]++;
    this.#all++;
    this.#last = now;
  }

  /** The time in ms that so much of the rounds took at most. */
  #within(part) {
    let left = part * this.#all;
    return Number((2 ** (this.#counts.findIndex((count) => (left -= count) <= 0) / 8) / 1000).toPrecision(3));
  }

  toString() {
    return `median ${this.#within(0.5)} ms, 99 % ${this.#within(0.99)}, 99.9 % ${this.#within(0.999)}, the longest ${this.#within(1)} of ${this.#all}`;
  }
}

/** By how much a line through the values rises from the first to the last. */
function rise(values) {
  const n = values.length;
  const middle = (n - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const slope = values.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0) / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
  return slope * (n - 1);
}

const mib = (bytes) => (bytes / MIB).toFixed(1).padStart(8);
function row(minute, { rss, heap, wasm, memory, handles, workers }) {
  const work = Object.entries(soak.counts).map(([name, count]) => `${name} ${count}`).join(', ');
  process.stdout.write(`${String(minute).padStart(6)} ${mib(rss)} ${mib(heap)} ${mib(wasm)} ${mib(memory)} ${String(handles).padStart(7)} ${String(workers).padStart(7)}  ${work}\n`);
}

process.stdout.write('minute  RSS MiB   JS MiB malloced   memory handles workers  work done\n');
const rounds = {};
const working = Object.entries(lanes).filter(([name]) => !without.includes(name)).map(async ([name, lane]) => {
  soak.counts[name] = 0;
  const times = (rounds[name] = new Times());
  try {
    await lane(soak, () => (soak.counts[name]++, times.did()));
  } catch (error) {
    soak.wrong.push(`${name}: ${error?.stack ?? String(error)}`);
  }
});
const samples = [];
for (let minute = 1; minute <= MINUTES && soak.wrong.length === 0; minute++) {
  for (let i = 0; i < SAMPLES; i++) {
    await new Promise((resolve) => setTimeout(resolve, (Number(process.env.MINUTE_MS) || 60_000) / SAMPLES));
    samples.push(sample());
  }
  row(minute, samples.at(-1));
}
soak.over = true;
await Promise.all(working);
await runtime.close();
rmSync(dir, { recursive: true });

for (const text of soak.wrong.slice(0, 10)) process.stdout.write(`soak: wrong: ${text}\n`);
const idle = Object.entries(soak.counts).filter(([, count]) => count === 0).map(([name]) => name);
if (idle.length > 0) process.stdout.write(`soak: nothing was done by ${idle.join(', ')}\n`);
// They are printed and not judged: how long a round takes is the machine's as well.
for (const [name, times] of Object.entries(rounds)) if (soak.counts[name] > 0) process.stdout.write(`  round of ${name}: ${times}\n`);
const later = samples.slice(samples.length >> 1);
let steep = 0;
for (const [name, limit] of Object.entries(allowed)) {
  const more = rise(later.map((at) => at[name]));
  if (more <= limit) continue;
  steep++;
  process.stdout.write(`soak: ${name} rises by ${Math.round(more)} in ${((later.length - 1) / SAMPLES).toFixed(1)} min\n`);
}
const good = soak.wrong.length === 0 && steep === 0 && idle.length === 0;
process.stdout.write(`soak: ${MINUTES} min, ${good ? 'flat, and every byte right' : 'wrong'}\n`);
process.exitCode = good ? 0 : 1;
