// SPDX-License-Identifier: MIT
// Thread pools that do nothing, 64 jobs under way, 4 threads, as pool.c's.
//
// libuv's pool runs no code of ours; the cheapest of its operations is fs.access
// of "/" (fs.read, fs.fstat, crypto.randomFill and others were slower).
//
// The other is what the pools of npm do, with nothing around it: a promise a job,
// jobs queued here, one at a time given to each worker by postMessage.
import { access } from 'node:fs';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { expect, measure, now, wants } from './common.mjs';

const DEPTH = 64;
const THREADS = 4;
const BURST = 20_000;
const WARMUP_BURSTS = 3;

/** Keeps DEPTH jobs under way until BURST are done. */
const burst = (submit) => new Promise((resolve, reject) => {
  const start = now();
  let submitted = DEPTH;
  let completed = 0;
  const complete = () => {
    completed++;
    if (submitted < BURST) {
      submitted++;
      submit(complete, reject);
    } else if (completed === BURST) {
      resolve(BURST * 1e9 / (now() - start));
    }
  };
  for (let i = 0; i < DEPTH; i++) submit(complete, reject);
});

class Pool {
  #queue = [];
  #idle = [];
  #workers;

  constructor(threads) {
    this.#workers = Array.from({ length: threads }, () => {
      const worker = { thread: new Worker(new URL(import.meta.url)), resolve: null };
      worker.thread.on('message', (result) => {
        const { resolve } = worker;
        this.#next(worker);
        resolve(result);
      });
      this.#idle.push(worker);
      return worker;
    });
  }

  run(argument) {
    return new Promise((resolve) => {
      this.#queue.push({ argument, resolve });
      if (this.#idle.length > 0) this.#next(this.#idle.pop());
    });
  }

  #next(worker) {
    const job = this.#queue.shift();
    if (job === undefined) {
      this.#idle.push(worker);
      return;
    }
    worker.resolve = job.resolve;
    worker.thread.postMessage(job.argument);
  }

  close() {
    return Promise.all(this.#workers.map(({ thread }) => thread.terminate()));
  }
}

async function main() {
  await measure('p_libuv_g_pool_depth64', '1/s', WARMUP_BURSTS, () =>
    burst((complete, reject) => access('/', (error) => (error ? reject(error) : complete()))));

  if (!wants('p_postmessage_g_pool_depth64')) return;
  const pool = new Pool(THREADS);
  let jobs = 0;
  await measure('p_postmessage_g_pool_depth64', '1/s', WARMUP_BURSTS, () =>
    burst((complete, reject) => {
      const job = ++jobs;
      pool.run(job).then((result) => {
        expect('a job\'s result', result, job);
        complete();
      }, reject);
    }));
  await pool.close();
}

if (isMainThread) await main();
else parentPort.on('message', (job) => parentPort.postMessage(job));
