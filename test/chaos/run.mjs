// Random programs over everything that starts, works, fails and ends; after each nothing is left.
//
//   node test/chaos/run.mjs             60 rounds in Node, 10 in Chromium
//   ROUNDS=n                            so many in Node, and a sixth of that in Chromium
//   SEED=n                              the first round's seed; the others' follow
//   HOST=node|page                      there alone
//   WITHOUT=kill,die                    kinds of steps to leave out (test/chaos/steps-*.mjs)
//   MINIMISE=seconds                    how long a program that fails is made smaller; 60
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { skip } from '../skips.mjs';
import { runBatches } from './batches.mjs';
import { minimise } from './minimise.mjs';
import { describe, makeProgram } from './program.mjs';
import { nodeRunner } from './runner-node.mjs';
import { pageRunner } from './runner-page.mjs';

/** A number of the environment; an empty one is none. */
const number = (name) => (process.env[name] ? Number(process.env[name]) : undefined);
const rounds = number('ROUNDS');
const without = (process.env.WITHOUT ?? '').split(',').filter((word) => word !== '');
const budget = (number('MINIMISE') ?? 60) * 1000;

function report({ host, seed, problems, program }) {
  const lines = [`chaos: seed ${seed} fails in ${host}:`];
  for (const { kind, text } of problems.slice(0, 8)) lines.push(`  ${kind}: ${text.replaceAll('\n', '\n    ')}`);
  if (program) {
    lines.push(`  with runtimes ${JSON.stringify(program.runtimes)}${program.tidy ? ', put away piece by piece' : ''}`);
    program.lanes.forEach((lane, i) => lines.push(...lane.map((step) => `  lane ${i}: ${describe(step)}`)));
  }
  lines.push(`  again: HOST=${host} SEED=${seed} ROUNDS=1${without.length > 0 ? ` WITHOUT=${without}` : ''} node test/chaos/run.mjs`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Failures that look alike, and how many of each. */
function printKinds(failures) {
  const kinds = new Map();
  for (const { seed, problems: [{ kind, text }] } of failures) {
    const alike = `${kind}: ${text.split('\n')[0].replace(/^[^:]*: (?=not )/, '').replace(/\d+/g, '#').replace(/ \[thread.*/, '').slice(0, 200)}`;
    kinds.set(alike, [...(kinds.get(alike) ?? []), seed]);
  }
  for (const [alike, seeds] of [...kinds].sort(([, a], [, b]) => b.length - a.length)) {
    process.stdout.write(`${String(seeds.length).padStart(6)} times ${alike} (${seeds.slice(0, 3).join(', ')})\n`);
  }
}

/** One host's rounds; what failed. */
async function runHost(runner, count, seed) {
  const failures = [];
  const start = performance.now();
  let slowest = 0;
  await runBatches(runner, { seed, count, without }, (round) => {
    slowest = Math.max(slowest, round.ms ?? 0);
    if (round.problems.length > 0) {
      failures.push({ host: runner.host, ...round });
      // At once: a long run may be stopped before it can make the program smaller.
      const [{ kind, text }] = round.problems;
      process.stdout.write(`  FAILED   chaos: seed ${round.seed} in ${runner.host}: ${kind}: ${text.split('\n')[0]}\n`);
    }
    const done = round.number;
    if (count > 200 && done % 100 === 0) {
      process.stdout.write(`chaos: ${runner.host}: ${done} rounds, ${failures.length} failed, ${((performance.now() - start) / done).toFixed(0)} ms each\n`);
    }
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`chaos: ${count} rounds in ${runner.host} from seed ${seed}: ${failures.length} failed; ${seconds} s, the slowest ${slowest} ms\n`);
  if (failures.length > 5) printKinds(failures);
  for (const failure of failures.slice(0, 5)) {
    const program = makeProgram(failure.seed, { without, host: runner.host });
    report({ ...failure, program: budget > 0 ? await minimise(runner, program, failure.problems[0].kind, budget) : program });
  }
  return failures.length;
}

export async function runChaos() {
  if (!existsSync(new URL('../../build/chaos/module.wasm', import.meta.url))) throw new Error('build/chaos/module.wasm is missing; type: make chaos');
  const seed = number('SEED') ?? Math.floor(Math.random() * 2 ** 31);
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const hosts = process.env.HOST ? [process.env.HOST] : ['node', 'page'];
  for (const host of hosts) {
    const count = host === 'node' ? rounds ?? 60 : (process.env.HOST ? rounds : rounds && Math.ceil(rounds / 6)) ?? 10;
    const runner = await (host === 'node' ? nodeRunner() : pageRunner());
    if (!runner) {
      skip(sum, 'chaos:page', 'Chromium is not installed (apt-get install chromium)');
      continue;
    }
    const failed = await runHost(runner, count, seed);
    await runner.close();
    sum.failed += failed;
    sum.passed += count - failed;
  }
  return sum;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { failed } = await runChaos();
  process.exitCode = failed > 0 ? 1 : 0;
}
