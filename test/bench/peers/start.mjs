// SPDX-License-Identifier: MIT
// How long it takes until a worker that does nothing, a runtime, an IOThread has answered,
// and the memory that a worker and an IOThread take.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { expect, measure, now, printSamples, wants } from './common.mjs';

const WORKERS = 8;
const SETTLE_MS = 300;

async function bareWorker() {
  const worker = new Worker(new URL(import.meta.url));
  await new Promise((resolve) => worker.once('message', resolve));
  return worker;
}

/** Resident bytes for each of what start() starts. */
async function bytesEach(start) {
  await start();             // the first of its kind loads what all share
  const rss = async () => {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    globalThis.gc?.();
    return process.memoryUsage.rss();
  };
  const before = await rss();
  for (let i = 0; i < WORKERS; i++) await start();
  return ((await rss()) - before) / WORKERS;
}

async function main() {
  await measure('y_bare_worker_start', 'ns', 1, async () => {
    const start = now();
    const worker = await bareWorker();
    const ns = now() - start;
    await worker.terminate();
    return ns;
  });
  const { Runtime } = await import('../../../dist/index.js');
  // Nothing started ahead: each IOThread is a worker more.
  const options = { reserve: 0 };
  await measure('s_start_runtime', 'ns', 1, async () => {
    const start = now();
    const runtime = await Runtime.create(options);
    expect('its answer', runtime.dump().startsWith("thread 0 'owner'"), true);
    const ns = now() - start;
    await runtime.close();
    return ns;
  });
  await measure('s_start_iothread', 'ns', 1, async () => {
    const runtime = await Runtime.create(options);
    const start = now();
    await runtime.iothread('io');
    const ns = now() - start;
    await runtime.close();
    return ns;
  });
  if (wants('y_mem_bare_worker')) {
    const workers = [];
    printSamples('y_mem_bare_worker', 'B', [await bytesEach(async () => workers.push(await bareWorker()))]);
    expect('workers', workers.length, WORKERS + 1);
    for (const worker of workers) await worker.terminate();
  }
  if (wants('s_mem_iothread')) {
    const runtime = await Runtime.create(options);
    let count = 0;
    printSamples('s_mem_iothread', 'B', [await bytesEach(() => runtime.iothread(`io${count++}`))]);
    expect('workers', runtime.workerCount, WORKERS + 1);
    await runtime.close();
  }
}

if (isMainThread) await main();
else parentPort.on('message', () => {}).postMessage('ready');
