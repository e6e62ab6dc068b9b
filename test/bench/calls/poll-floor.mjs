// SPDX-License-Identifier: MIT
// The yardstick b_rtt_poll_cross of `make bench`: two loops in WebAssembly that poll send bottom halves to and fro.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { allowedCpus, placeThreads } from '../place.mjs';

const LINE = 'b_rtt_poll_cross';
const path = (name) => fileURLToPath(new URL(`../../../${name}`, import.meta.url));
/** As they are before run.mjs places its threads. */
const cpus = allowedCpus();
const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

const TRIES = 5;

/** Runs it for so long, its two threads on two CPUs. Resolves with the ns of a round trip; NaN: they could not be placed. */
export async function pollFloor(ms) {
  for (let n = 1; ; n++) {
    try {
      return await once(ms);
    } catch (error) {
      // On a busy machine it may end before its threads are in place, or others look as busy as these.
      if (n < TRIES) continue;
      console.log(`${LINE}: ${error.message}`);
      return NaN;
    }
  }
}

function once(ms) {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['-c', cpus.join(), process.execPath, path('dist/cli/main.js'), 'run', path('build/bench/wasm/rtt.wasm'), `ms=${ms}`, LINE], { stdio: ['ignore', 'pipe', 'inherit'] });
    let samples;
    let placing;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line);
      if (said.place !== undefined) {
        placing = placeThreads(child.pid, said.place, { place: 'cross', by: 'work', cpus });
        // It may fail before the program ends, which looks at it.
        placing.catch(() => {});
      }
      samples ??= said.samples;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const failed = new Error(`${LINE} failed (${code})`);
      Promise.resolve(placing).then(() => (code === 0 && samples ? resolve(median(samples)) : reject(failed)), reject);
    });
  });
}
