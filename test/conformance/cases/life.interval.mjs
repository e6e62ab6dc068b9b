// SPDX-License-Identifier: MIT
/** An interval, and what its turns were. */

/** A turn that comes so late, in ms, has to stand for all periods since the one before. */
const LATE_MS = 500;

/** Runs it until the context is closed. */
export function count(context, period) {
  const counts = { turns: 0, periods: 0, longest: 0, madeUp: '' };
  const counting = (async () => {
    let last = performance.now();
    for await (const periods of context.interval(period)) {
      const now = performance.now();
      const gap = now - last;
      last = now;
      counts.turns++;
      counts.periods += periods;
      counts.longest = Math.max(counts.longest, gap);
      // Half of them, because of clocks that do not agree.
      if (gap > LATE_MS && periods < gap / period / 2) counts.madeUp = `a turn ${gap} ms after the one before is for ${periods} periods`;
    }
  })();
  return { counts, counting };
}
