// SPDX-License-Identifier: MIT
import type { JobResult, Progress } from '../bench/job.js';
import { duration, grouped, mib } from '../bench/units.js';

/** Takes the progress line away again; nothing where there is no terminal. */
export function clearProgress(): string {
  return process.stderr.isTTY ? '\r\x1b[K' : '';
}

export function progressLine(iodepth: number, blockSize: number, { completed, seconds }: Progress): string {
  const iops = completed / Math.max(seconds, 1e-3);
  return `iodepth ${iodepth}: ${seconds.toFixed(1)} s, ${grouped(iops)} IOPS, ${mib(iops * blockSize)} MiB/s`;
}

/** Columns as wide as their widest cell; the first to the left, others right. */
function columns(rows: string[][]): string {
  const widths = rows[0]?.map((_, n) => Math.max(...rows.map((row) => row[n]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  '),
  );
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

export function table(results: JobResult[], blockSize: number, interrupted: boolean): string {
  const jobs = results.map((job) => [
    String(job.iodepth), String(job.iothreads), grouped(job.ios), grouped(job.iops), mib(job.bw_bytes),
    duration(job.lat_ns.p50), duration(job.lat_ns.p95), duration(job.lat_ns.p99), duration(job.lat_ns.max),
    job.verified ? 'all right' : 'not checked',
  ]);
  const loops = results.flatMap((job) =>
    job.loops.map((loop) => [
      `${loop.name}, iodepth ${job.iodepth}`, grouped(loop.polls), grouped(loop.sleeps), grouped(loop.wakeups_sent),
      grouped(loop.wakeups_saved), grouped(loop.bhs), grouped(loop.jobs),
    ]),
  );
  return [
    interrupted ? `Interrupted: the figures so far.\n\n` : '',
    `Random reads of ${blockSize} bytes, engine: threads\n\n`,
    columns([['iodepth', 'iothreads', 'reads', 'IOPS', 'MiB/s', 'p50', 'p95', 'p99', 'max', 'content'], ...jobs]),
    '\n',
    columns([['loop', 'polls', 'sleeps', 'wake-ups sent', 'saved', 'BHs', 'jobs'], ...loops]),
  ].join('');
}
