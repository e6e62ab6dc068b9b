// Numbers that depend on a seed alone: the same in Node and in a page.

/** splitmix32; neighbouring seeds give unrelated numbers. */
export function makeRandom(seed) {
  let state = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  /** An integer from 0 to n - 1. */
  const below = (n) => next() % n;
  return {
    below,
    /** An integer from low to high, both included. */
    between: (low, high) => low + below(high - low + 1),
    /** True once in n times, on average. */
    oneIn: (n) => below(n) === 0,
    pick: (list) => list[below(list.length)],
    /** A key of the object, as often as its value says. */
    weighted(weights) {
      const entries = Object.entries(weights);
      let at = below(entries.reduce((sum, [, weight]) => sum + weight, 0));
      return entries.find(([, weight]) => (at -= weight) < 0)[0];
    },
  };
}
