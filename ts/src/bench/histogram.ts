// SPDX-License-Identifier: MIT
/** The number of buckets for each power of two, as in wasm/bench/job.c. */
const SUB_BUCKETS = 16;

/** The highest latency, in ns, that a bucket counts. */
function upperEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const exponent = Math.floor(bucket / SUB_BUCKETS);
  return (SUB_BUCKETS + (bucket % SUB_BUCKETS) + 1) * 2 ** (exponent - 1) - 1;
}

/** Counts latencies in ns, with a precision of a sixteenth. */
export class Histogram {
  private readonly counts: Float64Array;
  total = 0;

  constructor(buckets: number) {
    this.counts = new Float64Array(buckets);
  }

  add(counts: Uint32Array): void {
    counts.forEach((count, bucket) => {
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
      this.total += count;
    });
  }

  /** The buckets that are not empty, as pairs of the highest ns and the number of latencies. */
  entries(): [number, number][] {
    return [...this.counts].flatMap((count, bucket): [number, number][] => (count > 0 ? [[upperEnd(bucket), count]] : []));
  }

  /** The latency, in ns, that the given part of all latencies does not exceed; 0 if there are none. */
  percentile(part: number): number {
    let left = Math.ceil(part * this.total);
    for (let bucket = 0; left > 0 && bucket < this.counts.length; bucket++) {
      left -= this.counts[bucket] ?? 0;
      if (left <= 0) return upperEnd(bucket);
    }
    return 0;
  }
}
