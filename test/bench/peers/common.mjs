// SPDX-License-Identifier: MIT
// What the JavaScript contenders share: the command line and the output of the
// C programs (bench.h).

/** ns, one clock for all threads. */
export const now = () => Number(process.hrtime.bigint());

let ms = 50;
let names = process.argv.slice(2);
if (names[0]?.startsWith('ms=')) {
  ms = Number(names[0].slice(3));
  names = names.slice(1);
}

export const BUDGET_NS = ms * 1e6;
export const wants = (name) => names.length === 0 || names.includes(name);
/** The names that were asked for. */
export const wanted = names;

export function expect(what, is, ought) {
  if (is !== ought) {
    process.stderr.write(`${what}: ${is} instead of ${ought}\n`);
    process.exit(1);
  }
}

export function print(object) {
  process.stdout.write(JSON.stringify(object) + '\n');
}

export function printSamples(name, unit, samples) {
  print({ name, unit, samples: samples.map((value) => Math.round(value * 100) / 100) });
}

/** Calls sample(), which may be asynchronous, until the line's time is over. */
export async function measure(name, unit, warmUps, sample) {
  if (!wants(name)) return;
  for (let i = 0; i < warmUps; i++) await sample();
  const samples = [];
  const end = now() + BUDGET_NS;
  do samples.push(await sample());
  while (now() < end);
  printSamples(name, unit, samples);
}

/** A worker's thread id, as taskset knows it; null where there is no /proc. */
export async function threadId() {
  const { readlinkSync } = await import('node:fs');
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return null;
  }
}

const PLACE_MS = 500;

/** Waits until these threads have been placed from outside, as bench_say() asks. */
export async function placed(tids) {
  print({ place: tids });
  await new Promise((resolve) => setTimeout(resolve, PLACE_MS));
  print({ placed: true });
}

/** A word in shared memory, alone in its cache lines. */
export const sharedWord = () => new Int32Array(new SharedArrayBuffer(128), 64, 1);

export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
