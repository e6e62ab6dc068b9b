// SPDX-License-Identifier: MIT
/** In Node, Deno or Bun: runs one case and prints what came of it. */
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { RESULT } from './result.mjs';
import { runCase } from './case.mjs';

const [runtime, path, patience] = process.argv.slice(2);
let exits = false;
const outcome = await runCase(runtime, () => import(pathToFileURL(path).href), Number(patience), () => (exits = true));
// A failure is told at once, whatever it has left behind.
if (outcome.status === 'failed') exits = true;
console.log(RESULT + JSON.stringify(outcome));
if (exits) process.exit(0);
