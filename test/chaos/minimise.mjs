// Makes a program that fails smaller, as long as it still does so in the same way.
import { sizeOf } from './program.mjs';

/** How often one is tried before it counts as right: threads are not the same twice. */
const TRIES = 4;

/** The program without one of its parts, for each of them; large parts first. */
function* smaller(program) {
  const { lanes, runtimes } = program;
  if (lanes.length > 1) for (let i = 0; i < lanes.length; i++) yield { ...program, lanes: lanes.filter((_, at) => at !== i) };
  for (let size = 8; size >= 1; size /= 2) {
    for (let i = 0; i < lanes.length; i++) {
      for (let at = 0; at + size <= lanes[i].length; at += size) {
        yield { ...program, lanes: lanes.map((lane, n) => (n === i ? lane.toSpliced?.(at, size) ?? [...lane.slice(0, at), ...lane.slice(at + size)] : lane)) };
      }
    }
  }
  if (runtimes.length > 1) yield { ...program, runtimes: runtimes.slice(0, 1) };
  if (program.tidy) yield { ...program, tidy: false };
}

/** kind: of the problem; budget: ms. */
export async function minimise(runner, program, kind, budget) {
  const end = performance.now() + budget;
  const fails = async (candidate) => {
    let failed = false;
    const programs = Array.from({ length: TRIES }, () => candidate);
    await runner.run({ programs }, ({ problems }) => (failed ||= problems.some((problem) => problem.kind === kind)));
    return failed;
  };
  let best = program;
  for (let better = true; better;) {
    better = false;
    for (const candidate of smaller(best)) {
      if (performance.now() > end) return best;
      if (sizeOf(candidate) === 0 || !(await fails(candidate))) continue;
      best = candidate;
      better = true;
      break;
    }
  }
  return best;
}
