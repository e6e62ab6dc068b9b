// Runs programs one after the other, and says how each went, a line of JSON each. Standard input
// has which: { seeds: [...], without: [...] } or { programs: [...] }. After a failure the rest is
// left to another process. The last line is `{ "done": true }`; then the process ends by itself.
import { readFileSync } from 'node:fs';
import { nodeEnv } from './host-node.mjs';
import { makeProgram } from './program.mjs';
import { runRound } from './round.mjs';

const { seeds = [], without = [], programs } = JSON.parse(readFileSync(0, 'utf8'));
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const env = await nodeEnv();
let failed = false;
for (const program of programs ?? seeds.map((seed) => makeProgram(seed, { without }))) {
  const start = performance.now();
  say({ seed: program.seed });
  const problems = await runRound(program, env);
  say({ seed: program.seed, ms: Math.round(performance.now() - start), problems });
  failed ||= problems.length > 0;
  if (failed) break;
}
env.remove();
if (failed) process.exit(1);
const uncollected = await env.uncollected();
if (uncollected.length > 0) say({ seed: uncollected[0], ms: 0, problems: [{ kind: 'leak', text: `runtimes cannot be collected, of the programs ${uncollected.join(', ')}` }] });
say({ done: true });
