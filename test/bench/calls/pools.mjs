// SPDX-License-Identifier: MIT
// Pools of threads, each with two threads and the same tasks.
import { Piscina } from 'piscina';
import Tinypool from 'tinypool';
import workerpool from 'workerpool';
import { fileURLToPath } from 'node:url';
import { Pool } from '../../../dist/pool.js';

const THREADS = 2;
/** So many tasks are waiting or running at any time. */
export const CONCURRENCY = 64;
const module = new URL('./tasks.mjs', import.meta.url);

/** A pool: how to run a task by its name, and how to end it. */
const makers = {
  ours() {
    const pool = new Pool({ module, threads: { min: THREADS, max: THREADS } });
    return { run: (name, n) => pool.run(n, { name }), end: () => pool.close() };
  },
  piscina() {
    const pool = new Piscina({ filename: module.href, minThreads: THREADS, maxThreads: THREADS });
    return { run: (name, n) => pool.run(n, { name }), end: () => pool.destroy() };
  },
  tinypool() {
    const pool = new Tinypool({ filename: module.href, minThreads: THREADS, maxThreads: THREADS });
    return { run: (name, n) => pool.run(n, { name }), end: () => pool.destroy() };
  },
  workerpool() {
    const pool = workerpool.pool(fileURLToPath(new URL('./tasks-workerpool.mjs', import.meta.url)), {
      minWorkers: THREADS, maxWorkers: THREADS, workerType: 'thread', workerThreadOpts: {},
    });
    return { run: (name, n) => pool.exec(name, [n]), end: () => pool.terminate() };
  },
};

/** Makes the pools. Each has work(task), which runs CONCURRENCY tasks after one another in as many lines, and end(). */
export function makePools() {
  return Object.fromEntries(Object.entries(makers).map(([contender, make]) => {
    const { run, end } = make();
    const line = async (name, from) => {
      for (let n = 0; n < ROUND; n++) if ((await run(name, from + n)) !== from + n) throw new Error(`${contender}: a wrong result`);
    };
    const work = (name) => Promise.all(Array.from({ length: CONCURRENCY }, (_, from) => line(name, from)));
    return [contender, { work, end }];
  }));
}
/** So many tasks each line runs in one go. */
export const ROUND = 4;
