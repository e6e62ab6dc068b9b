// SPDX-License-Identifier: MIT
/** What the race measures of one contestant, and how it is drawn. */

/** Buckets of the histogram: each is a quarter of a doubling, the first begins at FIRST_US. */
const BUCKETS = 56;
const FIRST_US = 2;
const EACH = 4;
const TICKS: readonly [number, string][] = [[10, '10 µs'], [100, '100 µs'], [1000, '1 ms'], [10_000, '10 ms']];
const [WIDTH, HEIGHT, BASE] = [440, 120, 100];

/** Figures of one contestant, with three digits, so that the table and a link have the same: microseconds, calls a second (0: not measured), milliseconds. */
export interface Figures {
  calls: number;
  median: number;
  p99: number;
  atOnce: number;
  frame: number;
}

const bucketOf = (us: number): number => Math.min(BUCKETS - 1, Math.max(0, Math.floor(EACH * Math.log2(us / FIRST_US))));

/** What has been measured so far. */
export class Measured {
  private readonly counts = new Array<number>(BUCKETS).fill(0);
  /** Microseconds, sorted by figures(). */
  private readonly times: number[] = [];
  private burst = { calls: 0, ms: 0 };
  frame = 0;

  add(us: number): void {
    this.times.push(us);
    this.counts[bucketOf(us)]!++;
  }

  addBurst(calls: number, ms: number): void {
    this.burst.calls += calls;
    this.burst.ms += ms;
  }

  figures(): Figures {
    const sorted = this.times.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
    const digits = (value: number): number => Number(value.toPrecision(3));
    const atOnce = this.burst.ms > 0 ? (this.burst.calls / this.burst.ms) * 1000 : 0;
    return { calls: digits(sorted.length), median: digits(at(0.5)), p99: digits(at(0.99)), atOnce: digits(atOnce), frame: digits(this.frame) };
  }

  /** The distribution of the times: how many of the calls took how long. */
  draw(svg: SVGSVGElement): void {
    const node = (name: string, attributes: Record<string, string | number>, text = ''): SVGElement => {
      const made = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
      made.textContent = text;
      return made;
    };
    const step = WIDTH / BUCKETS;
    const most = Math.max(...this.counts, 1);
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.replaceChildren(
      ...this.counts.map((count, n) => node('rect', { x: n * step, width: step - 1, y: BASE - (count / most) * (BASE - 4), height: (count / most) * (BASE - 4) })),
      node('line', { x1: 0, x2: WIDTH, y1: BASE, y2: BASE }),
      node('text', { class: 'most', x: WIDTH, y: 12 }, `highest bar: ${most.toLocaleString('en')} calls`),
      ...TICKS.flatMap(([us, text]) => {
        const x = EACH * Math.log2(us / FIRST_US) * step;
        return [node('line', { x1: x, x2: x, y1: BASE, y2: BASE + 4 }), node('text', { x, y: BASE + 16 }, text)];
      }),
    );
  }
}

const NUMBERS = ['calls', 'median', 'p99', 'atOnce', 'frame'] as const;

/** The results of a race as values for an address. */
export function toAddress(results: ReadonlyMap<string, Figures>): Record<string, string> {
  return Object.fromEntries([...results].map(([name, figures]) => [name, NUMBERS.map((key) => figures[key]).join(',')]));
}

/** The results that an address has; nothing that is no result of these contestants. */
export function fromAddress(values: URLSearchParams, names: readonly string[]): Map<string, Figures> {
  const found = new Map<string, Figures>();
  for (const [name, text] of values) {
    const numbers = text.split(',').map(Number);
    if (!names.includes(name) || numbers.length !== NUMBERS.length || !numbers.every((n) => n >= 0)) continue;
    const [calls = 0, median = 0, p99 = 0, atOnce = 0, frame = 0] = numbers;
    found.set(name, { calls, median, p99, atOnce, frame });
  }
  return found;
}
