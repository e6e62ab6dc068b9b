// Deals the rounds out to processes or pages.

const BATCH = 50;

/**
 * Runs count rounds, each with a seed of its own; told gets each as { number, seed, ms, problems }.
 * A batch ends early after a failure; its rest is run by the next.
 */
export async function runBatches(runner, { seed, count, without }, told) {
  const queue = [];
  for (let at = 0; at < count; at += BATCH) {
    queue.push(Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => (seed + at + i) >>> 0));
  }
  let number = 0;
  const work = async () => {
    for (let seeds = queue.shift(); seeds; seeds = queue.shift()) {
      const seen = await runner.run({ seeds, without }, (round) => told({ number: ++number, ...round }));
      if (seen < seeds.length) queue.unshift(seeds.slice(seen));
    }
  };
  await Promise.all(Array.from({ length: runner.atOnce }, work));
}
