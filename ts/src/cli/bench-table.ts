// SPDX-License-Identifier: MIT
import { writes, type JobResult, type Mode, type Progress } from '../bench/job.js';
import { duration, grouped, mib } from '../bench/units.js';
import { histogramText } from './bench-chart.js';
import type { Comparison } from './bench-compare.js';
import { columns, isInteractive, paragraph, terms } from './output.js';

/** The text that erases the progress line; empty where there is none. */
export function clearProgress(): string {
  return isInteractive() ? '\r\x1b[K' : '';
}

export function progressLine(iodepth: number, blockSize: number, { completed, seconds }: Progress): string {
  const iops = completed / Math.max(seconds, 1e-3);
  return `iodepth ${iodepth}: ${seconds.toFixed(1)} s, ${grouped(iops)} IOPS, ${mib(iops * blockSize)} MiB/s`;
}

const TITLES: Record<Mode, string> = {
  read: 'Sequential reads',
  randread: 'Random reads',
  write: 'Sequential writes',
  randwrite: 'Random writes',
  randrw: 'Random reads and writes',
};
/** The result of a job as it is printed. */
export interface Measured extends JobResult {
  /** The processor time of all threads of the process meanwhile, in percent of one CPU's. */
  cpu_percent: number;
  /** The number of requests before it that were not measured. */
  ramp_ios: number;
}

const LEGEND = [
  ['CPU', 'processor time of all threads of this process; 200 % are two CPUs'],
  ['avg, dev', 'the average latency and its standard deviation'],
  ['p50 to max', 'half of the requests took no longer, 95 %, 99 %, all of them'],
  ['content', 'whether every block that was read had what it should'],
  ['sleeps', 'how often the loop had nothing to do and slept'],
  ['wake-ups', 'sent to a loop that slept; saved, because it was awake'],
  ['BHs, jobs', 'bottom halves that ran; requests that were completed'],
] as const;

/** The loops that did less than half of their share of a job, in sentences. A number of requests is shared out to within one. */
function starved({ iodepth, ios, loops }: JobResult): string {
  return loops.filter((loop) => (loop.ios + 1) * loops.length * 2 < ios).map(({ name, ios: own }) =>
    `\n${paragraph(`${name} starved: it had ${((100 * own) / ios).toFixed(1)} % of the requests at iodepth ${iodepth}, less than half of its share.`)}`).join('');
}

const noun = (rw: Mode): string => (rw === 'randrw' ? 'requests' : writes(rw) ? 'writes' : 'reads');

/** Describes the engine's batches; empty for engines that have none. */
function batches(results: JobResult[]): string {
  const rows = results.filter(({ submission }) => submission.submissions > 0).map(({ iodepth, submission }) => [
    `iodepth ${iodepth}`, grouped(submission.requests), grouped(submission.submissions),
    (submission.requests / submission.submissions).toFixed(1), grouped(submission.kicks), grouped(submission.largest_batch),
  ]);
  if (rows.length === 0) return '';
  return `\n${columns([['engine', 'requests', 'submissions', 'requests each', 'kicks', 'largest batch'], ...rows])}`;
}

export function table(results: Measured[], blockSize: number, interrupted: boolean): string {
  const { aio, rw } = results[0] ?? { aio: 'threads', rw: 'randread' };
  const jobs = results.map((job) => [
    String(job.iodepth), String(job.iothreads), grouped(job.ios), grouped(job.iops), mib(job.bw_bytes), `${job.cpu_percent} %`,
    duration(job.lat_ns.mean), duration(job.lat_ns.stddev), duration(job.lat_ns.p50), duration(job.lat_ns.p95), duration(job.lat_ns.p99), duration(job.lat_ns.max),
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
    `${TITLES[rw]} of ${blockSize} bytes, engine: ${aio}\n\n`,
    columns([['iodepth', 'iothreads', noun(rw), 'IOPS', 'MiB/s', 'CPU', 'avg', 'dev', 'p50', 'p95', 'p99', 'max', 'content'], ...jobs]),
    '\n',
    columns([['loop', 'polls', 'sleeps', 'wake-ups sent', 'saved', 'BHs', 'jobs'], ...loops]),
    batches(results),
    '\n',
    terms(LEGEND),
    ...results.map(starved),
    ...results.map((job) => `\nLatency, iodepth ${job.iodepth}:\n${histogramText(job)}`),
  ].join('');
}

/** Compares the results with those of other means, on the same file in the same run. */
export function comparisonTable(results: Measured[], others: Comparison[]): string {
  const ours = results.map(({ aio, iodepth, iops, lat_ns }) => ({ name: `wasm-aio ${aio}`, iodepth, iops, lat_ns }));
  const rows = [...ours, ...others].map(({ name, iodepth, iops, lat_ns, ...rest }) => {
    const skipped = 'skipped' in rest ? rest.skipped : undefined;
    const best = ours.find((job) => job.iodepth === iodepth)?.iops ?? ours.at(-1)?.iops ?? 0;
    return skipped !== undefined || !lat_ns
      ? [name, String(iodepth), `skipped: ${skipped ?? ''}`, '', '', '']
      : [name, String(iodepth), grouped(iops), duration(lat_ns.p50), duration(lat_ns.p99), `${(best / Math.max(iops, 1)).toFixed(2)}x`];
  });
  return `\n${columns([['by', 'iodepth', 'IOPS', 'p50', 'p99', 'ours is'], ...rows])}`;
}
