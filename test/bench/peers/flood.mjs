// SPDX-License-Identifier: MIT
// Floods, as flood.c's: messages from one and two workers to this thread, and
// Atomics.add with notify to a worker that waits.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { expect, measure, now, placed, sharedWord, threadId, wants } from './common.mjs';

const BURST = 200_000;      // as in flood.c
const WARMUP_BURSTS = 2;

// ---- Messages ----

function postOnDemand() {
  parentPort.on('message', (count) => {
    if (count === -1) parentPort.close();
    for (let i = 1; i <= count; i++) parentPort.postMessage(i);
  });
}

function messageBurst(workers) {
  const count = BURST / workers.length;
  return new Promise((resolve) => {
    let arrived = 0;
    let sum = 0;
    const arrive = (i) => {
      sum += i;
      if (++arrived === BURST) {
        const rate = BURST * 1e9 / (now() - start);
        for (const worker of workers) worker.off('message', arrive);
        expect('sum of the messages', sum, workers.length * count * (count + 1) / 2);
        resolve(rate);
      }
    };
    for (const worker of workers) worker.on('message', arrive);
    const start = now();
    for (const worker of workers) worker.postMessage(count);
  });
}

async function messages(name, producers) {
  if (!wants(name)) return;
  const started = await Promise.all(Array.from({ length: producers }, () => start({ role: 'post' })));
  const workers = started.map(({ worker }) => worker);
  if (producers === 1) await placed([process.pid, started[0].tid]);
  await measure(name, '1/s', WARMUP_BURSTS, () => messageBurst(workers));
  for (const worker of workers) worker.postMessage(-1);
}

// ---- One word ----

/** Adds on demand; says when it began. */
function addOnDemand({ word }) {
  parentPort.on('message', (count) => {
    if (count === -1) {
      parentPort.close();
      return;
    }
    const began = now();
    for (let i = 0; i < count; i++) {
      Atomics.add(word, 0, 1);
      Atomics.notify(word, 0, 1);
    }
    parentPort.postMessage(began);
  });
}

/** Sleeps until the word has come to a multiple of BURST; says when that was. */
function watch({ word }) {
  for (let end = BURST; ; end += BURST) {
    for (let value; (value = Atomics.load(word, 0)) !== end;) {
      if (value === -1) return;
      Atomics.wait(word, 0, value);
    }
    parentPort.postMessage(now());
  }
}

const message = (worker) => new Promise((resolve) => worker.once('message', resolve));

async function atomics(name) {
  if (!wants(name)) return;
  const word = sharedWord();
  const { worker: producer, tid: producerId } = await start({ role: 'add', word });
  const { worker: consumer, tid: consumerId } = await start({ role: 'watch', word });
  await placed([consumerId, producerId]);
  let sent = 0;
  await measure(name, '1/s', WARMUP_BURSTS, async () => {
    const both = Promise.all([message(producer), message(consumer)]);
    producer.postMessage(BURST);
    const [began, ended] = await both;
    sent += BURST;
    expect('the word', Atomics.load(word, 0), sent);
    return BURST * 1e9 / (ended - began);
  });
  producer.postMessage(-1);
  Atomics.store(word, 0, -1);
  Atomics.notify(word, 0);
}

/** A worker in its role, and its thread's id. */
async function start(data) {
  const worker = new Worker(new URL(import.meta.url), { workerData: data });
  const { tid } = await message(worker);
  return { worker, tid };
}

if (isMainThread) {
  await messages('p_postmessage_c_flood_1p', 1);
  await messages('p_postmessage_c_flood_2p', 2);
  await atomics('p_atomics_c_flood_bh');
} else {
  parentPort.postMessage({ tid: await threadId() });
  ({ post: postOnDemand, add: addOnDemand, watch })[workerData.role](workerData);
}
