// SPDX-License-Identifier: MIT
// The owner of a runtime, whose context JavaScript's event loop drives: round trips with
// an IOThread that sleeps, and how late this thread's timers are while it is busy.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Runtime } from '../../../dist/index.js';
import { BUDGET_NS, expect, now, placed, printSamples, wanted } from './common.mjs';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const module = new URL(`file://${join(top, 'build', 'bench', 'modules', 'hosted.wasm')}`);
const TRIPS = 10;            // a sample, as in rtt.mjs
const PERIOD_MS = 10;
const BURST = 10_000;        // ten of these a second are 100,000 bottom halves
const BURST_MS = 100;

const runtime = await Runtime.create({ module, reserve: 0 });
const io = await runtime.iothread('io', { pollMaxNs: 0 });

// ---- Round trips ----

async function roundTrips(name) {
  const trips = () => runtime.request(runtime, (id) => runtime.instance.exports.round_trips(io.context, TRIPS, id));
  // Its threads are told by what they do, and are at it until they have been placed.
  let inPlace = false;
  const working = (async () => {
    while (!inPlace) await trips();
  })();
  await placed(true);
  inPlace = true;
  await working;
  const samples = [];
  for (const end = now() + BUDGET_NS; now() < end;) samples.push((await trips()) / TRIPS);
  printSamples(name, 'ns', samples);
}

// ---- Timers ----

/** Of as many timers as fill the time between two bursts, on an average. */
async function lateness() {
  const timers = BURST_MS / PERIOD_MS;
  let sum = 0;
  for (let i = 0; i < timers; i++) {
    const start = now();
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS));
    sum += Math.max(now() - start - PERIOD_MS * 1e6, 0);
  }
  return sum / timers;
}

/** Half of the time at rest, half under bottom halves of 5 µs each. */
async function late(names) {
  const samples = { d_timeout_late_idle: [], d_timeout_late_busy: [] };
  await lateness();
  for (const [name, list] of Object.entries(samples)) {
    const busy = name.endsWith('busy');
    if (busy) await io.call('flood', BURST, BURST_MS);
    runtime.call('flood_has_run');
    const start = now();
    for (const end = start + BUDGET_NS / 2; now() < end;) list.push(await lateness());
    const rate = runtime.call('flood_has_run') * 1e9 / (now() - start);
    if (busy) {
      await io.call('stop_flood');
      // Bursts are due ten times a second; one more or less may fall into the time.
      expect('100,000 bottom halves a second', rate > 50_000 || rate, true);
    } else {
      expect('bottom halves at rest', rate, 0);
    }
    if (names.includes(name)) printSamples(name, 'ns', list);
  }
}

const [name] = wanted;
if (name.startsWith('b_rtt_hosted')) await roundTrips(name);
else await late(wanted);
await runtime.close();
