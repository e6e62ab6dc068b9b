// SPDX-License-Identifier: MIT
import type { LoopStats } from '../api/loop-stats.js';
import type { AioEngine, AioFile } from '../api/file.js';
import type { OpenFile } from '../api/open-file.js';
import type { IOThread } from '../iothread/iothread.js';
import type { EngineStats } from '../iothread/options.js';
import type { OwnedIOThread } from '../iothread/owned-iothread.js';
import { AioError } from '../errors.js';
import { errnoName } from '../errno.js';
import { Engine } from '../runtime/exports.js';
import type { Runtime } from '../whole/runtime.js';
import { Histogram } from './histogram.js';
import { benchExports, type BenchExports, type BenchPointer } from './module.js';

/** The kinds of jobs, with the numbers of wasm/bench/job.h. */
export const modes = { read: 0, randread: 1, write: 2, randwrite: 3, randrw: 4 } as const;
export type Mode = keyof typeof modes;

/** Whether a job of this kind changes the file. */
export const writes = (rw: Mode): boolean => modes[rw] >= modes.write;

export interface JobOptions {
  rw: Mode;
  /** The number of writes of each IOThread after which it flushes; 0 means never. */
  fsync: number;
  /** The size of a block in bytes, a multiple of 512. */
  blockSize: number;
  /** The number of requests in flight at any time, in each IOThread. */
  iodepth: number;
  /** The total number of requests; 0 means until the time is over. */
  numberIos: number;
  /** The time limit in ms; 0 means no limit. */
  runtime: number;
  /** The part of the file, in bytes, that is used. */
  size: number;
  /** The size of the file in bytes; 0 if the bench has not created the file, which then gets no header. */
  fileSize: number;
  /** The seed of the file's content. */
  contentSeed: number;
  /** Whether to check every block that is read and, in the end, every block that was written. */
  verify: boolean;
  /** The seed of the offsets. */
  seed: number;
}

export interface Progress {
  /** The number of requests so far, and the seconds since the start. */
  completed: number;
  seconds: number;
}

/** The result of a job, as `--json` prints it. */
export interface JobResult {
  aio: AioEngine;
  rw: Mode;
  iodepth: number;
  iothreads: number;
  ios: number;
  iops: number;
  bw_bytes: number;
  /** Percentiles, the longest, the average and the standard deviation. */
  lat_ns: { p50: number; p95: number; p99: number; max: number; mean: number; stddev: number };
  /** The number of requests by latency: pairs of the highest ns and the number, without empty buckets. */
  histogram_ns: [number, number][];
  flushes: number;
  /** The number of requests that the engine has submitted, in how many batches, and how many wake-ups these took. */
  submission: { requests: number; submissions: number; kicks: number; largest_batch: number };
  /** Whether every block that was read or written had the right content. */
  verified: boolean;
  loops: {
    name: string; ios: number; polls: number; sleeps: number; wakeups_sent: number; wakeups_saved: number; bhs: number; jobs: number;
  }[];
}

/** The time between two reports of progress, in ms. */
const PROGRESS_MS = 200;

/** An IOThread of a job, with the file that it reads. */
export interface Reader {
  ioThread: IOThread;
  file: AioFile;
}

/** Reads and writes by several IOThreads at once. In each IOThread, C code submits and completes the requests. */
export class Job {
  private readonly jobs: BenchPointer[] = [];
  private readonly exports: BenchExports;

  /** Prepares a job. @param runtime a runtime that was created with {@link benchModule} */
  constructor(
    private readonly runtime: Runtime, private readonly readers: readonly Reader[],
    private readonly options: JobOptions,
  ) {
    this.exports = benchExports(runtime);
  }

  /** Ends the job early. Requests in flight are still counted. */
  stop(): void {
    for (const job of this.jobs) this.exports.rt_bench_stop(job);
  }

  private get aio(): AioEngine {
    return this.readers[0]?.file.aio ?? 'threads';
  }

  private engineStats(): Promise<EngineStats[]> {
    return Promise.all(this.readers.map(({ ioThread }) => ioThread.engineStats(this.aio)));
  }

  /** Runs the job. @throws AioError ERR_AIO_IO: a request failed, or a block was wrong */
  async run(onProgress?: (progress: Progress) => void): Promise<JobResult> {
    const { runtime, readers, options, exports } = this;
    const before = await Promise.all(readers.map(({ ioThread }) => ioThread.stats()));
    const engineBefore = await this.engineStats();
    const started = runtime.host.monotonic();
    const timers: ReturnType<typeof setTimeout>[] = [];
    try {
      const ends = readers.map((reader, n) => this.start(reader, n));
      if (options.runtime > 0) timers.push(setTimeout(() => this.stop(), options.runtime));
      if (onProgress) {
        timers.push(setInterval(() => {
          const seconds = (runtime.host.monotonic() - started) / 1e9;
          onProgress({ completed: this.completed(), seconds });
        }, PROGRESS_MS));
      }
      const results = await Promise.all(ends);
      results.forEach((result, n) => this.check(result, n));
      const after = await Promise.all(readers.map(({ ioThread }) => ioThread.stats()));
      return this.result(before, after, engineBefore, await this.engineStats());
    } finally {
      timers.forEach(clearTimeout);
      this.stop();
      // A job may still run only if another one, or the runtime, has failed.
      if (this.jobs.every((job) => exports.rt_bench_idle(job))) this.jobs.forEach((job) => exports.rt_bench_free(job));
    }
  }

  private start({ ioThread, file }: Reader, n: number): Promise<number> {
    const { runtime, options, readers, exports } = this;
    // The first threads take the remainder.
    const ios = options.numberIos && Math.floor((options.numberIos + readers.length - 1 - n) / readers.length);
    if (options.numberIos && ios === 0) return Promise.resolve(0);
    const job = this.make(ioThread, file, ios, n);
    if (job === 0) {
      throw new AioError('ERR_AIO_NO_MEMORY', `no room for ${options.iodepth} blocks of ${options.blockSize} bytes`);
    }
    this.jobs.push(job);
    // If one fails, the others are stopped.
    return runtime.request(ioThread, (id) => exports.rt_bench_start(job, id)).then((result) => {
      if (result < 0) this.stop();
      return result;
    });
  }

  /** Makes the part of a job for one IOThread; 0 if there is no memory. */
  private make(ioThread: IOThread, file: AioFile, ios: number, n: number): BenchPointer {
    const { runtime, options, readers, exports } = this;
    const { settings, host } = file as OpenFile;
    const { memory } = runtime.instance;
    const blocks = Math.floor(options.size / options.blockSize);
    // Each IOThread that writes has a part of the file of its own.
    const parts = writes(options.rw) ? readers.length : 1;
    const first = parts === 1 ? 0 : Math.floor((blocks * n) / parts);
    const end = parts === 1 ? blocks : Math.floor((blocks * (n + 1)) / parts);
    const doubles = [
      ios, options.fileSize, first, end - first, options.contentSeed, options.seed * 1000003 + n,
      settings.aioMaxBatch, options.fsync,
    ];
    const words = [
      host.handle, Engine[file.aio], options.blockSize, options.iodepth, modes[options.rw], options.verify ? 1 : 0,
    ];
    const pointer = runtime.run(() => exports.rt_malloc(8 * doubles.length + 4 * words.length));
    if (pointer === 0) return 0 as BenchPointer;
    const view = memory.view();
    doubles.forEach((value, i) => view.setFloat64(pointer + 8 * i, value, true));
    words.forEach((value, i) => view.setUint32(pointer + 8 * doubles.length + 4 * i, value, true));
    const job = runtime.run(() => exports.rt_bench_new((ioThread as OwnedIOThread).context, pointer));
    exports.rt_free(pointer);
    return job;
  }

  /** How many requests so far took how long: as histogram_ns of the result. */
  histogram(): [number, number][] {
    const { exports, jobs } = this;
    const histogram = new Histogram(exports.rt_bench_buckets());
    for (const job of jobs) histogram.add(this.runtime.instance.memory.words(exports.rt_bench_histogram(job), exports.rt_bench_buckets()));
    return histogram.entries();
  }

  private completed(): number {
    return this.jobs.reduce((sum, job) => sum + this.exports.rt_bench_completed(job), 0);
  }

  private check(result: number, n: number): void {
    const job = this.jobs[n];
    if (result >= 0 || job === undefined) return;
    const errno = errnoName(-result);
    const offset = this.exports.rt_bench_error_offset(job);
    const path = this.readers[n]?.file.path ?? '';
    const why =
      errno === 'EILSEQ' ? `the block at offset ${offset} has not the content that was written`
        : `${writes(this.options.rw) ? 'I/O' : 'read'} error at offset ${offset}: ${errno}`;
    throw new AioError('ERR_AIO_IO', `${path}: ${why}`, { errno });
  }

  private result(before: LoopStats[], after: LoopStats[], engineBefore: EngineStats[], engineAfter: EngineStats[]): JobResult {
    const { options, readers, exports } = this;
    const { memory } = this.runtime.instance;
    const histogram = new Histogram(exports.rt_bench_buckets());
    let begun = Infinity;
    let ended = 0;
    let longest = 0;
    let latencies = 0;
    let squares = 0;
    for (const job of this.jobs) {
      histogram.add(memory.words(exports.rt_bench_histogram(job), exports.rt_bench_buckets()));
      begun = Math.min(begun, exports.rt_bench_begun(job));
      ended = Math.max(ended, exports.rt_bench_ended(job));
      longest = Math.max(longest, exports.rt_bench_longest(job));
      latencies += exports.rt_bench_sum(job);
      squares += exports.rt_bench_squares(job);
    }
    const ios = histogram.total;
    const seconds = Math.max((ended - begun) / 1e9, 1e-9);
    const sum = (key: 'requests' | 'submissions' | 'kicks'): number =>
      engineAfter.reduce((total, stats, n) => total + stats[key] - (engineBefore[n]?.[key] ?? 0), 0);
    const largest = Math.max(...engineAfter.map(({ largestBatch }) => largestBatch));
    const mean = latencies / Math.max(ios, 1);
    const stddev = Math.sqrt(Math.max(squares / Math.max(ios, 1) - mean * mean, 0));
    const lat = (part: number): number => Math.min(histogram.percentile(part), longest);
    return {
      aio: this.aio,
      rw: options.rw,
      iodepth: options.iodepth,
      iothreads: readers.length,
      ios,
      iops: Math.round(ios / seconds),
      bw_bytes: Math.round((ios * options.blockSize) / seconds),
      lat_ns: { p50: lat(0.5), p95: lat(0.95), p99: lat(0.99), max: Math.round(longest), mean: Math.round(mean), stddev: Math.round(stddev) },
      histogram_ns: histogram.entries(),
      flushes: this.jobs.reduce((sum, job) => sum + exports.rt_bench_flushes(job), 0),
      submission: { requests: sum('requests'), submissions: sum('submissions'), kicks: sum('kicks'), largest_batch: largest },
      verified: options.verify && ios > 0,
      loops: readers.map(({ ioThread }, n) => {
        const count = (key: Exclude<keyof LoopStats, 'sleeping'>): number => (after[n]?.[key] ?? 0) - (before[n]?.[key] ?? 0);
        const job = this.jobs[n];
        return {
          name: ioThread.name,
          ios: job === undefined ? 0 : exports.rt_bench_completed(job),
          polls: count('polls'),
          sleeps: count('sleeps'),
          wakeups_sent: count('wakeupsSent'),
          wakeups_saved: count('wakeupsSaved'),
          bhs: count('bottomHalves'),
          jobs: count('jobs'),
        };
      }),
    };
  }
}
