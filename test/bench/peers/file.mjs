// SPDX-License-Identifier: MIT
// 4 KiB reads and writes of a cached file of 64 MiB, at random offsets: the
// engines in IOThreads (h_*), and what Node has by itself.
//
// C programs in WebAssembly have no files, so this is the runtime's own bench job.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, read, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { expect, measure, now, wanted } from './common.mjs';

const BLOCK = 4096;
const SIZE = 64 * 1024 ** 2;
const BLOCKS = SIZE / BLOCK;
const BURST = 20_000;
const WRITES = 2_000;
const FLUSH_EACH = 32;
const WARMUP = 2;

let random = 12345;
const offset = () => {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
  return (random % BLOCKS) * BLOCK;
};

// ---- Node's own ----

function readSyncBurst(fd, buffer) {
  const start = now();
  for (let i = 0; i < BURST; i++) expect('bytes', readSync(fd, buffer, 0, BLOCK, offset()), BLOCK);
  return BURST * 1e9 / (now() - start);
}

/** Keeps `depth` operations under way until `count` are done. */
const burst = (depth, count, submit) => new Promise((resolve, reject) => {
  const start = now();
  let submitted = 0;
  let completed = 0;
  const complete = (slot) => {
    if (++completed === count) resolve(count * 1e9 / (now() - start));
    else if (submitted < count) next(slot);
  };
  const next = (slot) => {
    submitted++;
    submit(slot, () => complete(slot), reject);
  };
  for (let slot = 0; slot < Math.min(depth, count); slot++) next(slot);
});

const buffers = (depth) => Array.from({ length: depth }, () => new Uint8Array(BLOCK));

function byCallbacks(fd, depth, count) {
  const own = buffers(depth);
  return burst(depth, count, (slot, done, failed) => {
    read(fd, own[slot], 0, BLOCK, offset(), (error, bytes) => (error || bytes !== BLOCK ? failed(error) : done()));
  });
}

async function byFileHandle(path, depth, count) {
  const own = buffers(depth);
  const file = await open(path);
  const result = await burst(depth, count, (slot, done, failed) => {
    file.read(own[slot], 0, BLOCK, offset()).then(({ bytesRead }) => (bytesRead === BLOCK ? done() : failed(bytesRead)), failed);
  });
  await file.close();
  return result;
}

function writeSyncBurst(fd) {
  const buffer = new Uint8Array(BLOCK).fill(1);
  const start = now();
  for (let i = 1; i <= WRITES; i++) {
    expect('bytes', writeSync(fd, buffer, 0, BLOCK, offset()), BLOCK);
    if (i % FLUSH_EACH === 0) fdatasyncSync(fd);
  }
  return WRITES * 1e9 / (now() - start);
}

/** Two workers, each a loop of its own; reads/s of both together. */
async function startReaders(path) {
  const workers = [0, 1].map(() => new Worker(new URL(import.meta.url), { workerData: { path } }));
  const answer = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await Promise.all(workers.map(answer));
  return {
    async sample() {
      const start = now();
      const answers = workers.map(answer);
      for (const worker of workers) worker.postMessage('go');
      await Promise.all(answers);
      return 2 * BURST * 1e9 / (now() - start);
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}

// ---- Ours ----

async function startEngine(path, { aio, threads, depth, rw, traced }) {
  const dist = new URL('../../../dist/', import.meta.url);
  const { Runtime } = await import(new URL('index.js', dist));
  const { Job } = await import(new URL('bench/job.js', dist));
  const { benchModule } = await import(new URL('bench/module.js', dist));
  const runtime = await Runtime.create({ module: benchModule });
  const readers = [];
  for (let n = 0; n < threads; n++) {
    const ioThread = await runtime.iothread(`io${n}`);
    readers.push({ ioThread, file: await ioThread.open(path, { aio, write: rw !== 'randread' }) });
  }
  const stop = new AbortController();
  const recorded = traced && runtime.trace({ signal: stop.signal, maxEvents: 1 });
  const writes = rw !== 'randread';
  const numberIos = (writes ? WRITES : BURST * threads);
  let seed = 1;
  return {
    async sample() {
      const job = new Job(runtime, readers, {
        rw, fsync: writes ? FLUSH_EACH : 0, blockSize: BLOCK, iodepth: depth, numberIos, runtime: 0, size: SIZE, fileSize: 0,
        contentSeed: 1, verify: false, seed: seed++,
      });
      const { ios, iops } = await job.run();
      expect('requests done', ios, numberIos);
      return iops;
    },
    async close() {
      stop.abort();
      if (recorded) expect('events kept', (await recorded).otherData.events, 1);
      await runtime.close();
    },
  };
}

const ENGINES = ['threads', 'native', 'io_uring', 'sync'];

/** What a line of ours is: engine, IOThreads, depth, what it does. */
function lineOf(name) {
  const [, traced, depth, threads, engine] = /^(t_)?h_read4k_d(\d+)(_2t)?(?:_(\w+))?$/.exec(name) ?? [];
  if (depth && (engine === undefined || ENGINES.includes(engine))) {
    return { aio: engine ?? 'sync', threads: threads ? 2 : 1, depth: Number(depth), rw: 'randread', traced: traced !== undefined };
  }
  // The pool writes on while it flushes.
  return name === 'h_write4k_sync32' ? { aio: 'threads', threads: 1, depth: 32, rw: 'randwrite' } : undefined;
}

async function main() {
  const dir = mkdtempSync(join(tmpdir(), 'wasm-aio-bench-'));
  const path = join(dir, 'file');
  writeFileSync(path, new Uint8Array(SIZE).fill(7));
  const fd = openSync(path, 'r+');
  try {
    const peers = {
      y_readsync_4k: () => readSyncBurst(fd, new Uint8Array(BLOCK)),
      p_fsread_h_read4k_d1: () => byCallbacks(fd, 1, BURST / 10),
      p_fsread_h_read4k_d32: () => byCallbacks(fd, 32, BURST),
      p_filehandle_h_read4k_d32: () => byFileHandle(path, 32, BURST / 2),
      p_writesync_h_write4k_sync32: () => writeSyncBurst(fd),
    };
    for (const [name, sample] of Object.entries(peers)) await measure(name, '1/s', WARMUP, sample);
    for (const name of wanted) {
      const line = lineOf(name);
      const started = line ? await startEngine(path, line)
        : name === 'y_readsync_4k_2t' ? await startReaders(path) : undefined;
      if (!started) continue;
      await measure(name, '1/s', WARMUP, started.sample);
      await started.close();
    }
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  }
}

if (isMainThread) {
  await main();
} else {
  const fd = openSync(workerData.path, 'r');
  const buffer = new Uint8Array(BLOCK);
  parentPort.on('message', () => {
    readSyncBurst(fd, buffer);
    parentPort.postMessage('done');
  });
  parentPort.postMessage('ready');
}
