// SPDX-License-Identifier: MIT
// Whether memory stays flat over very many calls: with objects, of async functions, with call-backs, with a signal, and from
// IOThread to IOThread.
//
//   node --expose-gc test/bench/calls/memory.mjs     CALLS=n: 10,000,000 unless given
//
// Standard output: a line for each tenth. Exit code 1: the process has grown by more than GROWTH since the second of them.
import { Runtime } from '../../../dist/index.js';

const CALLS = Number(process.env.CALLS || 10_000_000);
/** Calls at once. */
const BATCH = 100;
const TENTHS = 10;
/** In MiB. What V8 compiles and keeps meanwhile is less; 100 bytes a call would be 900. */
const GROWTH = 64;

const file = new URL('./echo.mjs', import.meta.url);
const runtime = await Runtime.create();
const [io, other] = (await Promise.all(['io', 'other'].map((name) => runtime.iothread(name, { module: file })))).map(({ remote }) => remote);
await io.meet(other);
const small = { id: 1, name: 'hello', list: [1, 2, 3] };
const controller = new AbortController();
const kinds = [
  () => io.echo(small), () => io.echo(small), () => io.echo(small), () => io.later(small), () => io.with({ signal: new AbortController().signal }).echo(small),
  () => io.with({ timeout: 600_000 }).echo(small), () => io.echo(controller.signal), () => io.back((n) => n, 1), () => io.peer(small, 1), () => io.blocking(small, 1),
];

const mib = (bytes) => Math.round(bytes / 2 ** 20);
const sizes = [];
for (let tenth = 1; tenth <= TENTHS; tenth++) {
  for (let n = 0; n < CALLS / TENTHS; n += BATCH) await Promise.all(Array.from({ length: BATCH }, (_, m) => kinds[m % kinds.length]()));
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  sizes.push(mib(rss));
  console.log(`${(CALLS / TENTHS) * tenth} calls: the process has ${mib(rss)} MiB, the owner's heap ${mib(heapUsed)} MiB`);
}
await runtime.close();
const growth = sizes.at(-1) - sizes[1];
console.log(growth > GROWTH ? `grown by ${growth} MiB` : `flat: ${growth} MiB since the second line`);
process.exitCode = growth > GROWTH ? 1 : 0;
