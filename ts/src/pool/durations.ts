// SPDX-License-Identifier: MIT

/** Counts of times: see {@link PoolStats}. All are in milliseconds. */
export interface DurationStats {
  /** How many times were counted. */
  count: number;
  /** The sum of all times, in ms. */
  total: number;
  /** The mean of all times, in ms; 0 if there are none. */
  mean: number;
  /** The shortest time, in ms; 0 if there is none. */
  min: number;
  /** The longest time, in ms; 0 if there is none. */
  max: number;
  /** The time that half of all do not exceed, in ms, with a precision of an eighth. */
  p50: number;
  /** The time that 99 of 100 do not exceed, in ms, with a precision of an eighth. */
  p99: number;
}

/** Buckets for each power of two, from a microsecond to weeks. */
const SUB = 8;
const POWERS = 32;

/** Counts durations in ms. */
export class Durations {
  private readonly buckets = new Float64Array(SUB * POWERS);
  private count = 0;
  private sum = 0;
  private min = Infinity;
  private max = 0;

  add(ms: number): void {
    // Clocks of two threads may differ by a little.
    const time = ms > 0 ? ms : 0;
    this.count++;
    this.sum += time;
    if (time < this.min) this.min = time;
    if (time > this.max) this.max = time;
    const bucket = Math.min(SUB * POWERS - 1, Math.floor(Math.log2(time * 1000 + 1) * SUB));
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1;
  }

  private percentile(part: number): number {
    let left = part * this.count;
    const bucket = this.buckets.findIndex((count) => (left -= count) <= 0);
    return Math.min(this.max, (2 ** ((bucket + 1) / SUB) - 1) / 1000);
  }

  get total(): number {
    return this.sum;
  }

  stats(): DurationStats {
    const { count, sum, min, max } = this;
    if (count === 0) return { count, total: 0, mean: 0, min: 0, max: 0, p50: 0, p99: 0 };
    return { count, total: sum, mean: sum / count, min, max, p50: this.percentile(0.5), p99: this.percentile(0.99) };
  }
}
