// SPDX-License-Identifier: MIT
import type { AioFile } from '../api/file.js';
import type { IOThread, LoopStats } from '../api/iothread.js';
import { AioError } from '../errors.js';
import { errnoName } from '../errno.js';
import type { BenchPointer } from '../runtime/exports.js';
import type { Runtime } from '../runtime/runtime.js';
import { Histogram } from './histogram.js';

export interface ReadJobOptions {
  /** Bytes of a block; a multiple of 512. */
  blockSize: number;
  /** Reads in flight at any time, in each IOThread. */
  iodepth: number;
  /** Reads in all; 0: until the time is over. */
  numberIos: number;
  /** Milliseconds at most; 0: no limit. */
  runtime: number;
  /** Bytes of the file to read from. */
  size: number;
  /** The seed of the file's content if every block is to be checked. */
  verify: number | undefined;
  /** The seed of the offsets. */
  seed: number;
}

export interface Progress {
  /** Reads so far, and the seconds since the start. */
  completed: number;
  seconds: number;
}

/** What `--json` prints for a job. */
export interface JobResult {
  aio: 'threads';
  iodepth: number;
  iothreads: number;
  ios: number;
  iops: number;
  bw_bytes: number;
  lat_ns: { p50: number; p95: number; p99: number; max: number };
  /** Every block that was read had the content that it must have. */
  verified: boolean;
  loops: {
    name: string; polls: number; sleeps: number; wakeups_sent: number; wakeups_saved: number; bhs: number; jobs: number;
  }[];
}

/** How often progress is told. */
const PROGRESS_MS = 200;

/** One of a job's IOThreads, with the file that it reads. */
export interface Reader {
  ioThread: IOThread;
  file: AioFile;
}

/**
 * Random reads by several IOThreads at once; the loop of submitting and
 * completing is C, in each IOThread.
 */
export class ReadJob {
  private readonly jobs: BenchPointer[] = [];

  constructor(
    private readonly runtime: Runtime, private readonly readers: readonly Reader[],
    private readonly options: ReadJobOptions,
  ) {}

  /** Ends it early; what was in flight is still counted. */
  stop(): void {
    for (const job of this.jobs) this.runtime.instance.exports.rt_bench_stop(job);
  }

  /** @throws AioError ERR_AIO_IO: a read failed, or a block was wrong */
  async run(onProgress?: (progress: Progress) => void): Promise<JobResult> {
    const { runtime, readers, options } = this;
    const { exports } = runtime.instance;
    const before = await Promise.all(readers.map(({ ioThread }) => ioThread.stats()));
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
      return this.result(before, after);
    } finally {
      timers.forEach(clearTimeout);
      this.stop();
      // Still running only if another one's end was an error, or the runtime's.
      if (this.jobs.every((job) => exports.rt_bench_idle(job))) this.jobs.forEach((job) => exports.rt_bench_free(job));
    }
  }

  private start({ ioThread, file }: Reader, n: number): Promise<number> {
    const { runtime, options, readers } = this;
    const { exports } = runtime.instance;
    // The first threads take what does not divide.
    const ios = options.numberIos && Math.floor((options.numberIos + readers.length - 1 - n) / readers.length);
    if (options.numberIos && ios === 0) return Promise.resolve(0);
    const job = runtime.run(() =>
      exports.rt_bench_new(
        ioThread.context, file.pointer, options.blockSize, options.iodepth, ios, options.size,
        options.verify ?? 0, options.seed * 1000003 + n, options.verify === undefined ? 0 : 1,
      ),
    );
    if (job === 0) {
      throw new AioError('ERR_AIO_NO_MEMORY', `no room for ${options.iodepth} blocks of ${options.blockSize} bytes`);
    }
    this.jobs.push(job);
    // The others stop with the first that fails.
    return runtime.request(ioThread, (id) => exports.rt_bench_start(job, id)).then((result) => {
      if (result < 0) this.stop();
      return result;
    });
  }

  private completed(): number {
    return this.jobs.reduce((sum, job) => sum + this.runtime.instance.exports.rt_bench_completed(job), 0);
  }

  private check(result: number, n: number): void {
    const job = this.jobs[n];
    if (result >= 0 || job === undefined) return;
    const errno = errnoName(-result);
    const offset = this.runtime.instance.exports.rt_bench_error_offset(job);
    const path = this.readers[n]?.file.path ?? '';
    const why =
      errno === 'EILSEQ' ? `the block at offset ${offset} has not the content that was written`
        : `read error at offset ${offset}: ${errno}`;
    throw new AioError('ERR_AIO_IO', `${path}: ${why}`, { errno });
  }

  private result(before: LoopStats[], after: LoopStats[]): JobResult {
    const { exports, memory } = this.runtime.instance;
    const { options, readers } = this;
    const histogram = new Histogram(exports.rt_bench_buckets());
    let begun = Infinity;
    let ended = 0;
    let longest = 0;
    for (const job of this.jobs) {
      histogram.add(memory.words(exports.rt_bench_histogram(job), exports.rt_bench_buckets()));
      begun = Math.min(begun, exports.rt_bench_begun(job));
      ended = Math.max(ended, exports.rt_bench_ended(job));
      longest = Math.max(longest, exports.rt_bench_longest(job));
    }
    const ios = histogram.total;
    const seconds = Math.max((ended - begun) / 1e9, 1e-9);
    const lat = (part: number): number => Math.min(histogram.percentile(part), longest);
    return {
      aio: 'threads',
      iodepth: options.iodepth,
      iothreads: readers.length,
      ios,
      iops: Math.round(ios / seconds),
      bw_bytes: Math.round((ios * options.blockSize) / seconds),
      lat_ns: { p50: lat(0.5), p95: lat(0.95), p99: lat(0.99), max: Math.round(longest) },
      verified: options.verify !== undefined && ios > 0,
      loops: readers.map(({ ioThread }, n) => {
        const count = (key: keyof LoopStats): number => (after[n]?.[key] ?? 0) - (before[n]?.[key] ?? 0);
        return {
          name: ioThread.name,
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
