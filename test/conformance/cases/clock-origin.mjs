// SPDX-License-Identifier: MIT
/** A thread whose time origin says something else than its owner's has the owner's clock nevertheless. */
import { Runtime } from 'wasm-aio';

const HOUR_NS = 3600e9;

export default async function ({ check, makeWorker }) {
  const aio = await Runtime.create();
  const io = await aio.iothread('io', { worker: () => makeWorker(new URL('./clock-origin.worker.mjs', import.meta.url)) });
  const plain = await aio.iothread('plain');
  let worst = 0;
  for (let round = 0; round < 100; round++) {
    const before = await plain.clock();
    const there = await io.clock();
    const after = await plain.clock();
    worst = Math.max(worst, before - there, there - after);
  }
  await aio.close();
  check(worst < HOUR_NS / 100, `${worst} ns off`);
  return `${worst} ns off`;
}
