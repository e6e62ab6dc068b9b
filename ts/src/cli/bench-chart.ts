// SPDX-License-Identifier: MIT
/** Draws charts in text. */
import type { JobResult } from '../bench/job.js';
import { duration, grouped } from '../bench/units.js';
import { outputWidth } from './output.js';

/** The width of the longest bar, and of the figures to the left of it. */
const WIDTH = 40;
const FIGURES = 24;

function bar(value: number, most: number): string {
  const width = Math.max(10, Math.min(WIDTH, (outputWidth() ?? Infinity) - FIGURES));
  return '#'.repeat(value > 0 ? Math.max(1, Math.round((value / most) * width)) : 0);
}

/** Shows how many requests took how long, with a line for each power of two of nanoseconds. */
export function histogramText({ histogram_ns: entries, ios }: JobResult): string {
  const rows = new Map<number, number>();
  for (const [ns, count] of entries) {
    const exponent = Math.floor(Math.log2(Math.max(ns, 1)));
    rows.set(exponent, (rows.get(exponent) ?? 0) + count);
  }
  const exponents = [...rows.keys()];
  if (exponents.length === 0) return '  none\n';
  const most = Math.max(...rows.values());
  let text = '';
  for (let exponent = Math.min(...exponents); exponent <= Math.max(...exponents); exponent++) {
    const count = rows.get(exponent) ?? 0;
    const part = `${((100 * count) / ios).toFixed(count > 0 ? 2 : 0)} %`;
    text += `  < ${duration(2 ** (exponent + 1)).padStart(8)}  ${part.padStart(8)}  ${bar(count, most)}\n`;
  }
  return text;
}

export interface SweepPoint {
  aioMaxBatch: number;
  result: JobResult;
}

/** Shows latency and IOPS over the batch size, for each depth. */
export function sweepText(points: SweepPoint[]): string {
  const depths = [...new Set(points.map(({ result }) => result.iodepth))];
  return depths.map((depth) => {
    const rows = points.filter(({ result }) => result.iodepth === depth);
    const chart = (title: string, value: (job: JobResult) => number, text: (value: number) => string): string => {
      const most = Math.max(...rows.map(({ result }) => value(result)), 1);
      const lines = rows.map(({ aioMaxBatch, result }) =>
        `  ${String(aioMaxBatch).padStart(4)}  ${text(value(result)).padStart(9)}  ${bar(value(result), most)}\n`);
      return `${title}, iodepth ${depth}, over aio-max-batch:\n${lines.join('')}`;
    };
    return [
      chart('IOPS', ({ iops }) => iops, grouped),
      chart('Latency p50', ({ lat_ns }) => lat_ns.p50, duration),
      chart('Latency p99', ({ lat_ns }) => lat_ns.p99, duration),
      chart('Requests a submission', ({ submission }) => submission.requests / Math.max(submission.submissions, 1),
        (value) => value.toFixed(1)),
    ].join('\n');
  }).join('\n');
}
