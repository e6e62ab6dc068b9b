// SPDX-License-Identifier: MIT
/** What tests need to know of a runtime's workers and nobody else does. */
import { Worker } from 'node:worker_threads';
import type { IOThread, Runtime } from 'wasm-aio';
import type { HostWorker, OwnerHost, WorkerEvents } from '../../../dist/hosts/host.js';
import type { ThreadPointer } from '../../../dist/runtime/exports.js';
import { dist } from './paths.js';

export const { ownerHost } = (await import(dist('hosts/node-owner.js'))) as { ownerHost: OwnerHost };

const original = ownerHost.startWorker;

/** Starts workers in another way until the function that it returns is called. */
export function replaceStartWorker(startWorker: OwnerHost['startWorker']): () => void {
  ownerHost.startWorker = startWorker;
  return () => (ownerHost.startWorker = original);
}

export const startWorker = (name: string, events: WorkerEvents): HostWorker => original(name, events);

/**
 * How many workers are terminated in the course of work. Because that happens when
 * they have not left in time, and this machine may stand still for a while, work is
 * done again (three times at most) when there were any.
 */
export async function terminatedBy(work: () => Promise<void>): Promise<number> {
  let terminated = 0;
  const restore = replaceStartWorker((name, events) => {
    const worker = startWorker(name, events);
    return { ...worker, terminate: () => (terminated++, worker.terminate()) };
  });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      terminated = 0;
      await work();
      if (terminated === 0) break;
    }
  } finally {
    restore();
  }
  return terminated;
}

let endless = 0;
/** Reads at ENDLESS_OFFSET that have begun. */
export const endlessReads = (): number => endless;

/** What is to go wrong in the workers of fixtures/worker.ts: see Fault. */
export const faults = new Int32Array(new SharedArrayBuffer(32));

/** A worker with more to it: fixtures/worker.ts. */
export function startTestWorker(name: string, events: WorkerEvents): HostWorker {
  const worker = new Worker(new URL('../fixtures/worker.js', import.meta.url), { name, trackUnmanagedFds: false, workerData: faults });
  worker.on('message', (data: { type: string }) => {
    if (data.type === 'endless') endless++;
    else events.message(data);
  });
  worker.on('messageerror', () => events.unreadable());
  worker.on('error', (error) => events.error(error));
  worker.on('exit', () => events.exit(true));
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
    keepAlive: (on) => (on ? worker.ref() : worker.unref()),
  };
}

interface Internals {
  threads: { all: Map<ThreadPointer, { worker: HostWorker; kill(): void }> };
}

/** The workers whose threads have that name now ('' for those in reserve). */
export function workersOf(runtime: Runtime, name: string): HostWorker[] {
  const { exports, memory } = runtime.instance;
  return [...(runtime as unknown as Internals).threads.all]
    .filter(([pointer]) => memory.string(exports.rt_thread_name(pointer)) === name)
    .map(([, { worker }]) => worker);
}

/** The worker of a thread. */
export const workerOf = (runtime: Runtime, thread: ThreadPointer): HostWorker | undefined => (runtime as unknown as Internals).threads.all.get(thread)?.worker;

/** Terminates a thread as close() and terminate() of its IOThread do. */
export function killThread(runtime: Runtime, name: string): void {
  const { exports, memory } = runtime.instance;
  for (const [pointer, { kill }] of (runtime as unknown as Internals).threads.all) {
    if (memory.string(exports.rt_thread_name(pointer)) === name) kill();
  }
}

/** How many of them have got as far as WebAssembly. */
export function attachedWorkers(runtime: Runtime, name: string): number {
  const { exports, memory } = runtime.instance;
  return [...(runtime as unknown as Internals).threads.all.keys()]
    .filter((pointer) => memory.string(exports.rt_thread_name(pointer)) === name && exports.rt_thread_attached(pointer)).length;
}

/** Resolves when the loop sleeps in WebAssembly. */
export async function asleep(runtime: Runtime, io: IOThread): Promise<void> {
  const { exports, memory } = runtime.instance;
  const word = memory.word(exports.rt_hosted_word(io.context));
  while (Atomics.load(word, 0) !== 2) await new Promise(setImmediate);
}

/** Resolves when condition is true; the tests' time limit is its only end. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}
