// SPDX-License-Identifier: MIT

/** A source of random numbers from 0 to 1. Prints its seed; TEST_SEED gives one. */
export function seeded(): { random: () => number; seed: number } {
  const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 30);
  console.log(`TEST_SEED=${seed}`);
  let state = seed;
  // mulberry32
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { random, seed };
}
