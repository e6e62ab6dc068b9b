// SPDX-License-Identifier: MIT
// Round trips between two threads, as rtt.c's: by Atomics.wait and notify, by
// spinning, by postMessage. The name that is asked for says which.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { BUDGET_NS, expect, now, placed, printSamples, sharedWord, threadId, wanted } from './common.mjs';

const TRIPS = 10;           // a sample, as in rtt.c
const SPIN_TRIPS = 1000;
const WARMUP_NS = 100e6;

// ---- Two workers and two words ----
//
// Each side writes its own word and waits for the other's. What it waits for is a
// number that grows: a late wake-up of the round before finds the condition false
// and goes back to sleep. -1 ends the far side.

function answer(ask, reply, spin) {
  for (let last = 0; ;) {
    let value;
    while ((value = Atomics.load(ask, 0)) === last) {
      if (!spin) Atomics.wait(ask, 0, last);
    }
    if (value === -1) return;
    last = value;
    Atomics.store(reply, 0, value);
    if (!spin) Atomics.notify(reply, 0, 1);
  }
}

function roundTrips(ask, reply, spin, from, n) {
  for (let i = from + 1; i <= from + n; i++) {
    Atomics.store(ask, 0, i);
    if (!spin) Atomics.notify(ask, 0, 1);
    for (let value; (value = Atomics.load(reply, 0)) !== i;) {
      if (!spin) Atomics.wait(reply, 0, value);
    }
  }
  return from + n;
}

function nearSide({ ask, reply, spin, budget, go }) {
  const trips = spin ? SPIN_TRIPS : TRIPS;
  const samples = [];
  let done = 0;
  while (Atomics.load(go, 0) === 0) Atomics.wait(go, 0, 0);
  for (const end = now() + WARMUP_NS; now() < end;) done = roundTrips(ask, reply, spin, done, trips);
  for (const end = now() + budget; now() < end;) {
    const start = now();
    done = roundTrips(ask, reply, spin, done, trips);
    samples.push((now() - start) / trips);
  }
  Atomics.store(ask, 0, -1);
  Atomics.notify(ask, 0);
  parentPort.postMessage({ samples });
}

// ---- This thread and a worker, by message ----

function echo() {
  parentPort.on('message', (value) => {
    if (value === -1) parentPort.close();
    else parentPort.postMessage(value);
  });
}

async function messageTrips(worker) {
  const samples = [];
  let answered;
  worker.on('message', (value) => answered(value));
  let done = 0;
  const trip = () => new Promise((resolve) => {
    answered = (value) => {
      expect('answer', value, done);
      resolve();
    };
    worker.postMessage(++done);
  });
  for (const end = now() + WARMUP_NS; now() < end;) await trip();
  for (const end = now() + BUDGET_NS; now() < end;) {
    const start = now();
    for (let i = 0; i < TRIPS; i++) await trip();
    samples.push((now() - start) / TRIPS);
  }
  worker.postMessage(-1);
  return samples;
}

// ---- Both ----

/** A worker in its role, and its thread's id. */
const start = (data) => new Promise((resolve, reject) => {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  worker.once('message', ({ tid }) => resolve({ worker, tid }));
  worker.once('error', reject);
});

async function main() {
  const [name] = wanted;
  const kind = /^y_(wait|spin|postmessage)_rtt/.exec(name)?.[1];
  if (kind === 'postmessage') {
    const { worker, tid } = await start({ role: 'echo' });
    await placed([process.pid, tid]);
    printSamples(name, 'ns', await messageTrips(worker));
    return;
  }
  const data = { ask: sharedWord(), reply: sharedWord(), go: sharedWord(), spin: kind === 'spin', budget: BUDGET_NS };
  const far = await start({ role: 'far', ...data });
  const near = await start({ role: 'near', ...data });
  await placed([near.tid, far.tid]);
  near.worker.once('message', ({ samples }) => printSamples(name, 'ns', samples));
  Atomics.store(data.go, 0, 1);
  Atomics.notify(data.go, 0);
}

if (isMainThread) {
  await main();
} else {
  parentPort.postMessage({ tid: await threadId() });
  if (workerData.role === 'echo') echo();
  else if (workerData.role === 'far') answer(workerData.ask, workerData.reply, workerData.spin);
  else nearSide(workerData);
}
