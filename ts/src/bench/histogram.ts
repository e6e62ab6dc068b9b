// SPDX-License-Identifier: MIT
/** Buckets of one power of two; wasm/bench/job.c. */
const SUB_BUCKETS = 16;

/** The highest ns that a bucket counts. */
function upperEnd(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const exponent = Math.floor(bucket / SUB_BUCKETS);
  return (SUB_BUCKETS + (bucket % SUB_BUCKETS) + 1) * 2 ** (exponent - 1) - 1;
}

/** Latencies in ns, to within a sixteenth. */
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

  /** [highest ns, how many] of the buckets that are not empty. */
  entries(): [number, number][] {
    return [...this.counts].flatMap((count, bucket): [number, number][] => (count > 0 ? [[upperEnd(bucket), count]] : []));
  }

  /** ns that the given part of all stayed below; 0 of none. */
  percentile(part: number): number {
    let left = Math.ceil(part * this.total);
    for (let bucket = 0; left > 0 && bucket < this.counts.length; bucket++) {
      left -= this.counts[bucket] ?? 0;
      if (left <= 0) return upperEnd(bucket);
    }
    return 0;
  }
}
