// SPDX-License-Identifier: MIT
/** Carries out the same reads by other means: Node's own functions in this thread, and fio. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, read, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { AioError } from '../errors.js';
import type { Mode } from '../bench/job.js';

/** How long a job lasts. */
export interface Limits {
  /** The number of requests; 0 means until the time is over. */
  numberIos: number;
  /** The time limit in ms; 0 means no limit. */
  runtime: number;
}

export interface CompareOptions extends Limits {
  path: string;
  rw: Mode;
  blockSize: number;
  iodepth: number;
  /** The part of the file, in bytes, from which to read. */
  size: number;
}

export interface Comparison {
  name: string;
  iodepth: number;
  iops: number;
  lat_ns?: { p50: number; p99: number };
  /** The reason why there are no figures. */
  skipped?: string;
}

/** The number of synchronous reads between two checks of the clock. */
const SYNC_TURN = 64;

/** Keeps the count, the times and the offsets of one contender. */
class Meter {
  private readonly latencies: number[] = [];
  private readonly begun = performance.now();
  private issued = 0;
  private next = 0;
  done = 0;

  constructor(private readonly options: CompareOptions, private readonly stopped: () => boolean) {}

  /** The next offset; undefined when the contender is finished. */
  offset(): number | undefined {
    const { numberIos, runtime, rw, size, blockSize } = this.options;
    if (this.stopped() || (numberIos > 0 && this.issued >= numberIos)) return undefined;
    if (runtime > 0 && this.issued % SYNC_TURN === 0 && performance.now() - this.begun > runtime) return undefined;
    this.issued++;
    const blocks = Math.floor(size / blockSize);
    const block = rw === 'read' ? this.next++ % blocks : Math.floor(Math.random() * blocks);
    return block * blockSize;
  }

  count(bytes: number, begun: number): void {
    if (bytes !== this.options.blockSize) throw new AioError('ERR_AIO_IO', `a read of ${this.options.blockSize} bytes gave ${bytes}`);
    this.done++;
    this.latencies.push((performance.now() - begun) * 1e6);
  }

  result(name: string, iodepth: number): Comparison {
    const seconds = (performance.now() - this.begun) / 1000;
    const sorted = Float64Array.from(this.latencies).sort();
    const at = (part: number): number => Math.round(sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)] ?? 0);
    return { name, iodepth, iops: Math.round(this.done / seconds), lat_ns: { p50: at(0.5), p99: at(0.99) } };
  }
}

const buffers = ({ iodepth, blockSize }: CompareOptions): Uint8Array[] =>
  Array.from({ length: iodepth }, () => new Uint8Array(blockSize));

async function byPromises(options: CompareOptions, stopped: () => boolean): Promise<Comparison> {
  const file = await open(options.path);
  try {
    const meter = new Meter(options, stopped);
    const one = async (buffer: Uint8Array): Promise<void> => {
      for (let offset = meter.offset(); offset !== undefined; offset = meter.offset()) {
        const begun = performance.now();
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
        meter.count(bytesRead, begun);
      }
    };
    await Promise.all(buffers(options).map(one));
    return meter.result('fs.promises', options.iodepth);
  } finally {
    await file.close();
  }
}

async function byCallbacks(options: CompareOptions, stopped: () => boolean): Promise<Comparison> {
  const fd = openSync(options.path, 'r');
  try {
    const meter = new Meter(options, stopped);
    const one = (buffer: Uint8Array): Promise<void> => new Promise((resolve, reject) => {
      const next = (): void => {
        const offset = meter.offset();
        if (offset === undefined) return resolve();
        const begun = performance.now();
        read(fd, buffer, 0, buffer.length, offset, (error, bytes) => {
          if (error) return reject(error);
          try {
            meter.count(bytes, begun);
            next();
          } catch (problem) {
            reject(problem as Error);
          }
        });
      };
      next();
    });
    await Promise.all(buffers(options).map(one));
    return meter.result('fs.read', options.iodepth);
  } finally {
    closeSync(fd);
  }
}

async function synchronously(options: CompareOptions, stopped: () => boolean): Promise<Comparison> {
  const fd = openSync(options.path, 'r');
  try {
    const meter = new Meter(options, stopped);
    const buffer = new Uint8Array(options.blockSize);
    for (let offset = meter.offset(); offset !== undefined; offset = meter.offset()) {
      const begun = performance.now();
      meter.count(readSync(fd, buffer, 0, buffer.length, offset), begun);
      // Let Ctrl-C be noticed.
      if (meter.done % 10_000 === 0) await new Promise(setImmediate);
    }
    return meter.result('fs.readSync', 1);
  } finally {
    closeSync(fd);
  }
}

interface FioReport {
  jobs: { read: { iops: number; clat_ns: { percentile?: Record<string, number> } } }[];
}

function byFio(options: CompareOptions, ramp: Limits): Promise<Comparison> {
  const { path, rw, blockSize, iodepth, numberIos, runtime, size } = options;
  const engine = iodepth === 1 ? 'psync' : 'io_uring';
  const name = `fio ${engine}`;
  const limits = [
    ...(runtime > 0 ? [`--runtime=${Math.ceil(runtime / 1000)}`, '--time_based', `--ramp_time=${ramp.runtime}ms`] : []),
    ...(numberIos > 0 ? [`--number_ios=${numberIos}`] : []),
  ];
  const args = ['--name=wasm-aio', `--filename=${path}`, '--readonly', `--rw=${rw}`, `--bs=${blockSize}`, `--size=${size}`,
    `--iodepth=${iodepth}`, `--ioengine=${engine}`, '--output-format=json', ...limits];
  return new Promise((resolve) => {
    const child = spawn('fio', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.on('error', () => resolve({ name: 'fio', iodepth, iops: 0, skipped: 'it is not installed' }));
    child.on('close', (code) => {
      try {
        const { iops, clat_ns: { percentile = {} } } = (JSON.parse(out) as FioReport).jobs[0]?.read ?? { iops: 0, clat_ns: {} };
        resolve({ name, iodepth, iops: Math.round(iops), lat_ns: { p50: percentile['50.000000'] ?? 0, p99: percentile['99.000000'] ?? 0 } });
      } catch {
        resolve({ name, iodepth, iops: 0, skipped: `exit code ${code}` });
      }
    });
  });
}

/** Runs the contenders one after the other, each with a ramp of these limits first, whose figures are dropped. */
export async function compare(options: CompareOptions, ramp: Limits, stopped: () => boolean): Promise<Comparison[]> {
  const others: Comparison[] = [];
  for (const run of [byPromises, byCallbacks, synchronously]) {
    await run({ ...options, ...ramp }, stopped);
    others.push(await run(options, stopped));
  }
  return stopped() ? others : [...others, await byFio(options, ramp)];
}
